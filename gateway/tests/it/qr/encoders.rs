//! Our encoder against others: the crate `qrcode` puts the same data into the same places, and rqrr, a decoder that is
//! not used otherwise, reads them.

use gateway::qr::encode::{Level, Matrix};
use proptest::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// Undoes a mask: the patterns of ISO/IEC 18004, table 10.
fn masked(mask: u16, i: usize, j: usize) -> bool {
    match mask {
        0 => (i + j).is_multiple_of(2),
        1 => i.is_multiple_of(2),
        2 => j.is_multiple_of(3),
        3 => (i + j).is_multiple_of(3),
        4 => (i / 2 + j / 3).is_multiple_of(2),
        5 => (i * j) % 2 + (i * j) % 3 == 0,
        6 => ((i * j) % 2 + (i * j) % 3).is_multiple_of(2),
        _ => ((i + j) % 2 + (i * j) % 3).is_multiple_of(2),
    }
}

#[test]
fn two_encoders_agree_on_every_data_module() {
    let levels = [
        (Level::Low, EcLevel::L),
        (Level::Medium, EcLevel::M),
        (Level::Quartile, EcLevel::Q),
        (Level::High, EcLevel::H),
    ];
    // Lower-case letters alone leave both encoders one way to write them. Up to here `qrcode` counts without overflow.
    for length in [1, 2, 14, 15, 26, 27, 60, 61, 120, 180, 250, 333, 500, 700] {
        let text = "abcdefghijklmnopqrstuvwxyz"
            .chars()
            .cycle()
            .take(length)
            .collect::<String>();
        for (level, their_level) in levels {
            let ours = Matrix::encode(&text, level).expect("a fitting text");
            let theirs =
                QrCode::with_error_correction_level(&text, their_level).expect("a fitting text");
            let side = ours.side();
            assert_eq!(side, theirs.width(), "{length} letters at {level:?}");
            let theirs_dark = |x: usize, y: usize| theirs[(x, y)] == Color::Dark;
            let (our_mask, our_text) = by_rqrr(side, |x, y| ours.is_dark(x, y));
            let (their_mask, _) = by_rqrr(side, theirs_dark);
            assert_eq!(our_text, text);
            for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                if !theirs.is_functional(x, y) && !is_version(side, x, y) {
                    let our_data = ours.is_dark(x, y) ^ masked(our_mask, y, x);
                    let their_data = theirs_dark(x, y) ^ masked(their_mask, y, x);
                    assert_eq!(
                        our_data, their_data,
                        "{length} letters at {level:?}: column {x}, row {y}"
                    );
                }
            }
        }
    }
}

/// Whether a module tells the version, as there are in the corners of symbols of version 7 and above.
fn is_version(side: usize, x: usize, y: usize) -> bool {
    let far = side - 11..side - 8;
    side >= 45 && (far.contains(&x) && y < 6 || far.contains(&y) && x < 6)
}

/// The mask and the text that rqrr, a decoder we do not use otherwise, reads in modules.
fn by_rqrr(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> (u16, String) {
    let grid = rqrr::SimpleGrid::from_func(side, is_dark);
    let (about, text) = rqrr::Grid::new(grid).decode().expect("a readable symbol");
    (about.mask, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_that_fits_is_read_back(text in "[0-9]{1,40}|[A-Z0-9 $%*+./:-]{1,40}|\\PC{1,120}", level in 0usize..4) {
        let level = [Level::Low, Level::Medium, Level::Quartile, Level::High][level];
        let matrix = Matrix::encode(&text, level).expect("a short text");
        let (_, read) = by_rqrr(matrix.side(), |x, y| matrix.is_dark(x, y));
        prop_assert_eq!(read, text);
    }
}
