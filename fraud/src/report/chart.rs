//! Charts as inline SVG, in the colours of the page, with their numbers in words for those who do not see.

use std::fmt::Write as _;

use super::Point;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 200.0;
const MARGIN: f64 = 34.0;

/// A curve over the unit square.
pub(super) fn curve(title: &str, [across, up]: [&str; 2], points: &[Point]) -> String {
    let x = |share: f64| MARGIN + share * (WIDTH - 2.0 * MARGIN);
    let y = |share: f64| HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
    let mut path = String::new();
    for point in points {
        let _ = write!(path, "{:.1},{:.1} ", x(point.x), y(point.y));
    }
    let body = format!("<polyline class=line points=\"{}\"/>", path.trim_end());
    framed(title, across, up, ["0", "1"], &body)
}

/// Two rows of bars over the hours of a day: lighter for all, darker for a part of them.
pub(super) fn bars(title: &str, [across, up]: [&str; 2], values: &[(u64, u64)]) -> String {
    let most = values.iter().map(|(all, _)| *all).max().unwrap_or(0).max(1);
    let step = (WIDTH - 2.0 * MARGIN) / values.len().max(1) as f64;
    let tall = |value: u64| value as f64 / most as f64 * (HEIGHT - 2.0 * MARGIN);
    let mut body = String::new();
    for (place, (all, part)) in values.iter().enumerate() {
        let left = MARGIN + step * place as f64;
        for (class, value) in [("all", *all), ("part", *part)] {
            let height = tall(value);
            let top = HEIGHT - MARGIN - height;
            let width = step * 0.8;
            let _ = write!(
                body,
                "<rect class={class} x={left:.1} y={top:.1} width={width:.1} height={height:.1}>\
                 <title>{place:02}: {part} of {all}</title></rect>"
            );
        }
    }
    framed(title, across, up, ["0", &most.to_string()], &body)
}

fn framed(title: &str, across: &str, up: &str, [low, high]: [&str; 2], body: &str) -> String {
    let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    let (middle, below) = (WIDTH / 2.0, HEIGHT - 8.0);
    let label = bottom + 14.0;
    format!(
        "<figure><figcaption>{title}</figcaption>\
         <svg role=img aria-label=\"{title}: {up} over {across}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\
         <path class=axis d=\"M{MARGIN},{MARGIN} V{bottom} H{right}\"/>\
         <text x={MARGIN} y=\"22\">{up}, {low} to {high}</text>\
         <text x={MARGIN} y={label}>{low}</text>\
         <text x={middle} y={below} text-anchor=middle>{across}</text>{body}</svg></figure>"
    )
}
