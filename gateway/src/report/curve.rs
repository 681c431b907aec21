//! What each threshold would have caught, and whom it would have touched.

use serde::Serialize;
use utoipa::ToSchema;

/// Points on a curve: enough to draw it.
const POINTS_MAX: usize = 100;

/// Everything with this score or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportPoint)]
pub struct Point {
    pub score_ppm: u32,
    pub frauds: u64,
    pub others: u64,
}

/// The points of a curve by falling score, each distinct score at most once, thinned evenly.
pub(super) fn points(scored: &[(u32, bool)]) -> Vec<Point> {
    let mut sorted = scored.to_vec();
    sorted.sort_unstable_by_key(|(score, _)| std::cmp::Reverse(*score));
    let mut points: Vec<Point> = Vec::new();
    let (mut frauds, mut others) = (0, 0);
    for (score_ppm, fraud) in sorted {
        frauds += u64::from(fraud);
        others += u64::from(!fraud);
        let point = Point {
            score_ppm,
            frauds,
            others,
        };
        match points.last_mut() {
            Some(last) if last.score_ppm == score_ppm => *last = point,
            _ => points.push(point),
        }
    }
    let stride = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.into_iter().enumerate();
    kept.filter(|(place, _)| place % stride == 0 || *place == last)
        .map(|(_, point)| point)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_counts_what_scores_as_much_or_more() {
        let scored = [
            (10, false),
            (30, true),
            (20, false),
            (20, true),
            (10, false),
        ];
        let point = |score_ppm, frauds, others| Point {
            score_ppm,
            frauds,
            others,
        };
        assert_eq!(
            points(&scored),
            [point(30, 1, 0), point(20, 2, 1), point(10, 2, 3)]
        );
        assert_eq!(points(&[]), []);
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let scored: Vec<(u32, bool)> = (0..10_000).map(|score| (score, score % 7 == 0)).collect();
        let points = points(&scored);
        assert!(points.len() <= POINTS_MAX + 1);
        assert_eq!(points.first().unwrap().score_ppm, 9_999);
        assert_eq!(
            points.last().unwrap().others + points.last().unwrap().frauds,
            10_000
        );
    }
}
