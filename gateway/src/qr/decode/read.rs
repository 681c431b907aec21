//! Dark and light into payloads: the symbols' corners are found, their modules sampled and decoded, all by rxing.
//!
//! Hostile pictures are full of corners. rxing's own search compares each corner with all others and tries every
//! triple, so the search for corners is done here with its parts, and everything that is counted has a limit.

use rxing::common::cpp_essentials::{
    ConcentricPattern, DecoderResult, FindLeftGuardBy, FixedPattern, GetPatternRowTP, IsPattern,
    LocateConcentricPattern, PatternRow, PatternView,
};
use rxing::common::{BitMatrix, DetectorRXingResult as _};
use rxing::qrcode::cpp_port::decoder;
use rxing::qrcode::cpp_port::detector::{GenerateFinderPatternSets, SampleQR};
use rxing::{Point, point};

/// The corners of 300 symbols.
const CORNERS_MAX: usize = 900;
/// Rows of pixels that look like the middle of a corner; a large picture of noise has some thousands.
const CANDIDATES_MAX: usize = 50_000;
/// Three corners make a symbol, and a picture full of them has very many triples. Real ones come first, so this many
/// that turn out to be none are the end of the search.
const FAILURES_MAX: usize = 256;

/// Rows between those that are searched: the middle of a corner is three modules high.
const ROWS_STEP: usize = 3;
/// A corner's runs of dark and light, in modules, from side to side.
const CORNER: [u16; 5] = [1, 1, 3, 1, 1];

/// The payloads in a picture, each once, in the order they are found; `None` if there are none.
pub(super) fn payloads(dark: &BitMatrix) -> Option<Vec<String>> {
    let mut payloads = Vec::new();
    let mut used = Vec::new();
    let mut failures = 0;
    for set in GenerateFinderPatternSets(&mut corners(dark)) {
        let three = [set.bl, set.tl, set.tr];
        if three.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        if failures == FAILURES_MAX {
            break;
        }
        let symbol = SampleQR(dark, &set).ok();
        let Some(payload) = symbol.and_then(|symbol| text(symbol.getBits())) else {
            failures += 1;
            continue;
        };
        used.extend(three);
        if !payloads.contains(&payload) {
            payloads.push(payload);
        }
    }
    (!payloads.is_empty()).then_some(payloads)
}

/// The corners of symbols in a picture, each once.
fn corners(dark: &BitMatrix) -> Vec<ConcentricPattern> {
    let mut corners: Vec<ConcentricPattern> = Vec::new();
    let mut candidates = 0;
    let mut runs = PatternRow::default();
    // No picture that is opened has longer sides.
    let height = u16::try_from(dark.height()).unwrap_or(u16::MAX);
    for y in (2..height).step_by(ROWS_STEP) {
        GetPatternRowTP(dark, u32::from(y), &mut runs, false);
        let mut rest = PatternView::new(&runs);
        while let Some(candidate) = next_candidate(rest) {
            candidates += 1;
            if candidates > CANDIDATES_MAX || corners.len() == CORNERS_MAX {
                return corners;
            }
            corners.extend(corner_at(dark, &candidate, y, &corners));
            rest = candidate;
            rest.skipPair();
            rest.skipPair();
            rest.extend();
        }
    }
    corners
}

/// The next runs in a row that may go through the middle of a corner.
fn next_candidate(runs: PatternView<'_>) -> Option<PatternView<'_>> {
    let pattern = FixedPattern::<5, 7>::new(CORNER);
    let fits = |runs: &PatternView<'_>, space: Option<f32>| {
        let [left, gap, middle, gap_right, right]: [u16; 5] = [0, 1, 2, 3, 4].map(|run| runs[run]);
        let plausible =
            middle >= 3 && middle >= 2 * left.max(right) && middle >= gap.max(gap_right);
        plausible && IsPattern::<true, 5, 7, false>(runs, &pattern, space, 0.1, 0.0, 0.0) != 0.0
    };
    FindLeftGuardBy::<5, _>(runs, 5, fits)
        .ok()
        .filter(PatternView::isValid)
}

/// The corner that a candidate in row `y` goes through, unless it is none or one that is already found.
fn corner_at(
    dark: &BitMatrix,
    runs: &PatternView<'_>,
    y: u16,
    found: &[ConcentricPattern],
) -> Option<ConcentricPattern> {
    let [left, gap, middle] = [0, 1, 2].map(|run| f32::from(runs[run]));
    let x = f32::from(runs.pixelsInFront()) + left + gap + middle / 2.0;
    let middle = point(x, f32::from(y) + 0.5);
    let inside = |corner: &ConcentricPattern| {
        2.0 * f64::from(Point::distance(middle, corner.p)) < f64::from(corner.size)
    };
    if found.iter().any(inside) {
        return None;
    }
    // A symbol may be seen from so far aside that its corners are three times as wide in one direction.
    let range = 3 * runs.iter().map(i32::from).sum::<i32>();
    LocateConcentricPattern::<true, 5, 7>(dark, &CORNER, middle, range)
}

/// The text in a symbol's modules, if they are one and the damage can be mended.
fn text(modules: &BitMatrix) -> Option<String> {
    let decoded = decoder::Decode(modules)
        .ok()
        .filter(DecoderResult::isValid)?;
    Some(decoded.content().to_string())
}
