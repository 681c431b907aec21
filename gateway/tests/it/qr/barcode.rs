//! Payment codes as bars: drawn here, read by zbar.

use gateway::qr::barcode::{Bars, HEIGHT_MODULES, QUIET_MODULES};
use gateway::qr::encode::EncodeError;

use super::images::zbar;

#[test]
fn zbar_reads_payment_codes_of_every_size() {
    for (code, module_px) in [
        ("740000001712345678", 1),
        ("740000000000000000", 2),
        ("749999999999999999", 4),
        ("740101010190909090", 7),
        ("740000001712345678", 32),
    ] {
        let bars = Bars::encode(code).unwrap();
        // Start, nine pairs of digits and the check take eleven modules each, the stop thirteen.
        assert_eq!(bars.width(), 11 * 11 + 13);
        assert_eq!(zbar(&bars.to_png(module_px).unwrap(), "code128"), code);
    }
}

#[test]
fn the_svg_has_the_bars_of_the_png() {
    let bars = Bars::encode("740000001712345678").unwrap();
    let png = image::load_from_memory(&bars.to_png(1).unwrap()).unwrap();
    let png = png.to_luma8();
    let columns = bars.width() + 2 * QUIET_MODULES;
    assert_eq!(
        png.dimensions(),
        (
            u32::try_from(columns).unwrap(),
            u32::try_from(HEIGHT_MODULES).unwrap()
        )
    );
    let svg = bars.to_svg(1).unwrap();
    for (column, _, pixel) in png.enumerate_pixels() {
        let drawn = svg.contains(&format!("M{column} 0h1v{HEIGHT_MODULES}h-1z"));
        assert_eq!(drawn, pixel.0 == [0], "column {column}");
    }
}

#[test]
fn what_no_bar_code_can_hold_is_refused() {
    assert_eq!(Bars::encode(""), Err(EncodeError::Empty));
    for text in ["饺子", &"1".repeat(81)] {
        let refused = EncodeError::NoBarCode(text.to_owned());
        assert_eq!(Bars::encode(text), Err(refused));
    }
    let bars = Bars::encode("74").unwrap();
    for module_px in [0, 33] {
        let refused = Err(EncodeError::ModuleSize(module_px));
        assert_eq!(bars.to_svg(module_px), refused);
        assert_eq!(bars.to_png(module_px).err(), refused.err());
    }
}
