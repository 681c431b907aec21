//! Images of codes: drawn here, read by us and by zbar; and images that must be refused.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use gateway::qr::decode::{self, DecodeError, IMAGE_BYTES_MAX};
use gateway::qr::encode::{Drawing, EncodeError, Level, Matrix};
use gateway::qr::file::{FileError, decode_file, encode_to_file};
use gateway::qr::link;
use gateway::qr::logo::{Logo, LogoError};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};

use super::payloads::order;

/// Every kind of payload that the gateway prints, and the longest of each.
fn printed() -> Vec<String> {
    let order = order();
    let mut printed_once = order.clone();
    printed_once.one_time = false;
    printed_once.amount = None;
    printed_once.local = None;
    vec![
        order.payload().expect("a fitting order"),
        printed_once.payload().expect("a fitting static code"),
        link::of_code("https://pay.example", &order.code),
        link::of_code("http://127.0.0.1:8080", &order.code),
        "134567890123456789".to_owned(),
    ]
}

fn png(text: &str) -> Vec<u8> {
    let matrix = Matrix::encode(text, Level::default()).expect("a fitting text");
    matrix.to_png(Drawing::default()).expect("a drawing")
}

pub(super) fn picture(text: &str) -> DynamicImage {
    image::load_from_memory(&png(text)).expect("our own PNG")
}

pub(super) fn bytes_of(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("an image in memory");
    bytes.into_inner()
}

/// What zbar, an independent decoder, reads in a PNG.
pub(super) fn zbar(png: &[u8], symbology: &str) -> String {
    let mut file = tempfile::Builder::new()
        .suffix(".png")
        .tempfile()
        .expect("a temporary file");
    file.write_all(png).expect("room for a small file");
    let zbar = Command::new("zbarimg")
        .args([
            "--quiet",
            "--raw",
            "--oneshot",
            "-Sdisable",
            &format!("-S{symbology}.enable"),
        ])
        .arg(file.path())
        .stderr(Stdio::null())
        .output();
    match zbar {
        Ok(output) => String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim_end_matches('\n')
            .to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!(
                "this test reads our codes with zbarimg; install it: apt-get install -y zbar-tools"
            )
        }
        Err(error) => panic!("zbarimg could not be started: {error}"),
    }
}

#[test]
fn what_the_gateway_prints_is_read_by_zbar_and_by_us() {
    for payload in printed() {
        let png = png(&payload);
        assert_eq!(zbar(&png, "qrcode"), payload);
        assert_eq!(decode::payloads(&png), Ok(vec![payload]));
    }
}

#[test]
fn every_level_and_size_is_read() {
    let payload = order().payload().expect("a fitting order");
    for level in [Level::Low, Level::Medium, Level::Quartile, Level::High] {
        for (module_px, quiet_modules) in [(2, 4), (3, 5), (5, 4), (32, 16)] {
            let matrix = Matrix::encode(&payload, level).expect("a fitting text");
            let png = matrix
                .to_png(Drawing {
                    module_px,
                    quiet_modules,
                })
                .expect("a drawing");
            let found = decode::payloads(&png);
            assert_eq!(
                found,
                Ok(vec![payload.clone()]),
                "{level:?}, {module_px} pixels a module"
            );
        }
    }
}

#[test]
fn a_picture_is_read_as_a_camera_or_a_designer_may_give_it() {
    fn check(what: &str, image: &[u8], payload: &str) {
        assert_eq!(
            decode::payloads(image),
            Ok(vec![payload.to_owned()]),
            "{what}"
        );
    }

    let payload = order().payload().expect("a fitting order");
    let picture = picture(&payload);
    check(
        "as JPEG",
        &bytes_of(
            &DynamicImage::ImageRgb8(picture.to_rgb8()),
            ImageFormat::Jpeg,
        ),
        &payload,
    );
    check(
        "turned",
        &bytes_of(&picture.rotate90(), ImageFormat::Png),
        &payload,
    );
    let mut inverted = picture.clone();
    inverted.invert();
    check("inverted", &bytes_of(&inverted, ImageFormat::Png), &payload);
    check(
        "blurred",
        &bytes_of(&picture.blur(1.5), ImageFormat::Png),
        &payload,
    );
    let large = picture.resize(4000, 4000, imageops::FilterType::Nearest);
    check("large", &bytes_of(&large, ImageFormat::Png), &payload);
    let tiny = picture.resize(
        picture.width() / 8,
        picture.height() / 8,
        imageops::FilterType::Nearest,
    );
    check(
        "one pixel a module",
        &bytes_of(&tiny, ImageFormat::Png),
        &payload,
    );
}

#[test]
fn several_codes_in_one_picture_are_all_read() {
    let mut table = GrayImage::from_pixel(1200, 600, Luma([255]));
    imageops::overlay(&mut table, &picture("left").to_luma8(), 40, 60);
    imageops::overlay(&mut table, &picture("right").to_luma8(), 640, 200);
    let mut found = decode::payloads(&bytes_of(
        &DynamicImage::ImageLuma8(table),
        ImageFormat::Png,
    ))
    .expect("two codes");
    found.sort();
    assert_eq!(found, ["left", "right"]);
}

#[test]
fn the_svg_shows_the_same_modules_as_the_png() {
    let matrix = Matrix::encode("the same", Level::default()).expect("a fitting text");
    let drawing = Drawing {
        module_px: 1,
        quiet_modules: 4,
    };
    let svg = matrix.to_svg(drawing).expect("a drawing");
    let pixels = image::load_from_memory(&matrix.to_png(drawing).expect("a drawing"))
        .expect("our own PNG")
        .to_luma8();
    let mut drawn = GrayImage::from_pixel(pixels.width(), pixels.height(), Luma([255]));
    let (_, path) = svg.split_once("#000\" d=\"").expect("a dark path");
    for run in path.split('M').skip(1) {
        let numbers: Vec<u32> = run
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let [x, y, length, ..] = numbers[..] else {
            panic!("a run of the path has x, y and length: {run}")
        };
        (x..x + length).for_each(|x| drawn.put_pixel(x, y, Luma([0])));
    }
    assert_eq!(drawn, pixels);
}

#[test]
fn a_code_with_a_logo_is_read_by_zbar_and_by_us() {
    let payload = order().payload().expect("a fitting order");
    let colours = image::RgbImage::from_fn(64, 48, |x, y| {
        if (x + y) % 16 < 8 {
            image::Rgb([200, 30, 40])
        } else {
            image::Rgb([20, 60, 160])
        }
    });
    let logo = bytes_of(&DynamicImage::ImageRgb8(colours), ImageFormat::Png);
    let logo = Logo::open(&logo).expect("a small picture");
    for text in ["x", "https://pay.example/c/ord_01JAB3", &payload] {
        let png = logo
            .code_png(text, Drawing::default())
            .expect("a readable code");
        assert_eq!(zbar(&png, "qrcode"), text);
        assert_eq!(decode::payloads(&png), Ok(vec![text.to_owned()]));
        let svg = logo
            .code_svg(text, Drawing::default())
            .expect("a readable code");
        assert!(
            svg.contains("<image x=") && svg.contains("data:image/png;base64,"),
            "{svg}"
        );
    }
    let no_logo = Logo::open(b"no image").expect_err("no image");
    assert_eq!(no_logo, LogoError::Logo(DecodeError::NotAnImage));
    let too_long = logo
        .code_png(&"x".repeat(2000), Drawing::default())
        .expect_err("too long at this level");
    assert!(
        matches!(too_long, LogoError::Encode(EncodeError::TooLong { .. })),
        "{too_long}"
    );
}

#[test]
fn what_cannot_be_drawn_says_why() {
    assert_eq!(Matrix::encode("", Level::Low), Err(EncodeError::Empty));
    for level in [Level::Low, Level::Medium, Level::Quartile, Level::High] {
        let max = level.bytes_max();
        assert!(
            Matrix::encode(&"ü".repeat(max / 2), level).is_ok(),
            "{level:?}"
        );
        let too_long = Matrix::encode(&"ü".repeat(max / 2 + 1), level);
        assert_eq!(
            too_long,
            Err(EncodeError::TooLong {
                bytes: max / 2 * 2 + 2,
                max
            })
        );
    }
    let matrix = Matrix::encode("x", Level::Low).expect("a fitting text");
    let draw = |module_px, quiet_modules| {
        matrix.to_png(Drawing {
            module_px,
            quiet_modules,
        })
    };
    assert_eq!(draw(0, 4), Err(EncodeError::ModuleSize(0)));
    assert_eq!(draw(33, 4), Err(EncodeError::ModuleSize(33)));
    assert_eq!(draw(8, 3), Err(EncodeError::QuietZone(3)));
    assert_eq!(draw(8, usize::MAX), Err(EncodeError::QuietZone(usize::MAX)));
}

/// A PNG whose header claims a size and whose data end at once.
fn claims(width: u32, height: u32, depth: png::BitDepth, color: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_depth(depth);
    encoder.set_color(color);
    let mut writer = encoder.write_header().expect("a header in memory");
    writer
        .write_chunk(png::chunk::IDAT, &[0x78, 0x9C])
        .expect("a chunk in memory");
    drop(writer);
    bytes
}

#[test]
fn images_that_must_not_be_opened_are_refused_by_their_header() {
    use png::{BitDepth, ColorType};

    for (width, height) in [(30_000, 30_000), (100_000, 1), (6001, 4000)] {
        let bomb = claims(width, height, BitDepth::One, ColorType::Grayscale);
        let refused = Err(DecodeError::TooManyPixels { width, height });
        assert_eq!(decode::payloads(&bomb), refused);
    }
    let boundless = claims(
        u32::MAX >> 1,
        u32::MAX >> 1,
        BitDepth::One,
        ColorType::Grayscale,
    );
    assert_eq!(
        decode::payloads(&boundless),
        Err(DecodeError::TooMuchMemory)
    );
    let deep = claims(6000, 4000, BitDepth::Sixteen, ColorType::Rgba);
    assert_eq!(decode::payloads(&deep), Err(DecodeError::TooMuchMemory));
    let bytes = IMAGE_BYTES_MAX + 1;
    assert_eq!(
        decode::payloads(&vec![0; bytes]),
        Err(DecodeError::TooManyBytes { bytes })
    );
}

#[test]
fn what_is_no_image_or_holds_no_code_says_so() {
    for bytes in [
        &b""[..],
        b"hello",
        b"GIF89a\x01\x00\x01\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        &[0xFF; 64],
    ] {
        assert_eq!(decode::payloads(bytes), Err(DecodeError::NotAnImage));
    }
    let whole = png("whole");
    for end in [9, 20, 40, whole.len() / 2, whole.len() - 20] {
        let error = decode::payloads(&whole[..end]).expect_err("a broken image");
        assert!(matches!(error, DecodeError::Broken(_)), "{error}");
    }
    let blank = DynamicImage::ImageLuma8(GrayImage::from_pixel(300, 200, Luma([200])));
    assert_eq!(
        decode::payloads(&bytes_of(&blank, ImageFormat::Png)),
        Err(DecodeError::NoCode)
    );
}

#[test]
fn files_are_written_by_their_extension_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    encode_to_file("a text", &path("code.PNG")).expect("a PNG");
    assert_eq!(
        decode_file(&path("code.PNG")).expect("our own PNG"),
        ["a text"]
    );
    encode_to_file("a text", &path("code.svg")).expect("an SVG");
    let svg = std::fs::read_to_string(path("code.svg")).expect("an SVG file");
    assert!(svg.starts_with("<svg xmlns="), "{svg}");

    for name in ["code.gif", "code"] {
        let error = encode_to_file("a text", &path(name)).expect_err("an unknown extension");
        assert!(
            matches!(error, FileError::Extension(_)) && error.to_string().contains(name),
            "{error}"
        );
    }
    let missing = decode_file(&path("missing.png")).expect_err("no such file");
    assert!(matches!(missing, FileError::Read { .. }), "{missing}");
    let no_image = decode_file(&path("code.svg")).expect_err("no PNG or JPEG");
    assert!(
        no_image
            .to_string()
            .contains("this is not a PNG or JPEG image"),
        "{no_image}"
    );
    let no_folder = encode_to_file("a text", &path("none/code.png")).expect_err("no such folder");
    assert!(matches!(no_folder, FileError::Write { .. }), "{no_folder}");
}
