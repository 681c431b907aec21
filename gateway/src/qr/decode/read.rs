//! Dark and light into payloads: the decoders.

use rxing::common::cpp_essentials::DecoderResult;
use rxing::common::{BitMatrix, DetectorRXingResult as _};
use rxing::qrcode::cpp_port::decoder;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};

/// Three finder patterns make a symbol, and a picture full of squares has very many triples. Real ones come first, so
/// this many that turn out to be none are the end of the search.
const FAILURES_MAX: usize = 256;

/// The payloads in a picture, each once, in the order they are found; `None` if there are none.
pub(super) fn payloads(dark: &BitMatrix) -> Option<Vec<String>> {
    let mut payloads = Vec::new();
    let mut used = Vec::new();
    let mut failures = 0;
    let mut patterns = FindFinderPatterns(dark, true, 0);
    for set in GenerateFinderPatternSets(&mut patterns) {
        let corners = [set.bl, set.tl, set.tr];
        if corners.iter().any(|corner| used.contains(corner)) {
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
        used.extend(corners);
        if !payloads.contains(&payload) {
            payloads.push(payload);
        }
    }
    (!payloads.is_empty()).then_some(payloads)
}

/// The text in a symbol's modules, if they are one and the damage can be mended.
fn text(modules: &BitMatrix) -> Option<String> {
    let decoded = decoder::Decode(modules)
        .ok()
        .filter(DecoderResult::isValid)?;
    Some(decoded.content().to_string())
}
