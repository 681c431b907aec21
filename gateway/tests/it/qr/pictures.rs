//! Pictures of codes that are hard to read, or that were made to do harm.

use gateway::qr::decode::{self, DecodeError, Gray};
use gateway::qr::encode::{Level, Matrix};
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

use super::camera::Shot;
use super::images::{bytes_of, picture};
use super::payloads::order;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic in 0usize..3) {
        let magic = [&b""[..], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xFF\xD8\xFF"][magic];
        bytes.splice(0..0, magic.iter().copied());
        prop_assert!(decode::payloads(&bytes).is_err());
    }
}

#[test]
fn hard_pictures_are_read() {
    let payload = order().payload().expect("a fitting order");
    let matrix = Matrix::encode(&payload, Level::default()).expect("a fitting text");
    let check = |what: &str, shot: Shot| {
        let (width, pixels) = shot.take(&matrix);
        let gray = Gray::new(width, pixels).expect("a picture");
        assert_eq!(
            decode::payloads_in(&gray),
            Some(vec![payload.clone()]),
            "{what}: {shot:?}"
        );
    };
    let plain = Shot::default();
    for angle in [0.0, 7.0, 20.0, 45.0, 90.0, 133.0, 180.0] {
        check("turned", Shot { angle, ..plain });
        check(
            "mirrored",
            Shot {
                angle,
                mirrored: true,
                ..plain
            },
        );
        check(
            "inverted",
            Shot {
                angle,
                shades: (235.0, 20.0),
                ..plain
            },
        );
        check(
            "of low contrast",
            Shot {
                angle,
                shades: (110.0, 122.0),
                ..plain
            },
        );
        check(
            "inverted and of low contrast",
            Shot {
                angle,
                shades: (130.0, 110.0),
                ..plain
            },
        );
        check(
            "in falling light",
            Shot {
                angle,
                shade_right: 0.2,
                ..plain
            },
        );
        check(
            "noisy",
            Shot {
                angle,
                noise: 40.0,
                ..plain
            },
        );
        check(
            "small",
            Shot {
                angle,
                module_px: 3.0,
                ..plain
            },
        );
        check(
            "out of focus",
            Shot {
                angle,
                blur_px: 6.0,
                ..plain
            },
        );
        check(
            "tilted",
            Shot {
                angle,
                tilt: 0.2,
                ..plain
            },
        );
    }
}

#[test]
fn a_transparent_background_is_white() {
    let picture = picture("clear").to_luma8();
    let clear = image::GrayAlphaImage::from_fn(picture.width(), picture.height(), |x, y| {
        let dark = picture.get_pixel(x, y).0[0] == 0;
        image::LumaA([0, if dark { 255 } else { 0 }])
    });
    let png = bytes_of(&DynamicImage::ImageLumaA8(clear), ImageFormat::Png);
    assert_eq!(decode::payloads(&png), Ok(vec!["clear".to_owned()]));
}

#[test]
fn a_picture_full_of_finder_patterns_ends() {
    let ring = |x: u32, y: u32| x.min(y).min(6 - x).min(6 - y) == 1;
    let tiles = GrayImage::from_fn(800, 800, |x, y| {
        let (x, y) = (x % 9, y % 9);
        Luma([if x < 7 && y < 7 && !ring(x, y) {
            0
        } else {
            255
        }])
    });
    let png = bytes_of(&DynamicImage::ImageLuma8(tiles), ImageFormat::Png);
    assert_eq!(decode::payloads(&png), Err(DecodeError::NoCode));
}
