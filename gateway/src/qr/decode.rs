//! An image into the payloads of the QR codes in it.
//!
//! The image's header is read first, and a picture that would take too much memory is refused before anything is
//! decoded. Then the picture is looked at in grey, as it is, inverted and at other sizes, until a look finds a code:
//! the search stops at the first look that reads something, so an ordinary picture costs one look.
//!
//! The decoders are other people's code working on hostile input. A panic inside one of them is caught here, at this
//! one place, and counts as a look that found nothing.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use thiserror::Error;

/// A photo of a 12-megapixel phone has 3 to 6 MB; more than this is not a picture of a code.
pub const IMAGE_BYTES_MAX: usize = 10 << 20;
/// 24 megapixels is the full size of most cameras.
pub const IMAGE_PIXELS_MAX: u64 = 24_000_000;
/// No camera makes longer sides, and arithmetic on lengths up to this cannot overflow.
pub const IMAGE_SIDE_MAX: u32 = 16_384;
/// What the picture may take once decoded: 24 megapixels with four channels of one byte.
pub const DECODED_BYTES_MAX: u64 = 4 * IMAGE_PIXELS_MAX;
/// Looks work on at most this many pixels along the longer side: modules stay several pixels wide, the time is bounded.
const LOOK_SIDE_MAX: u32 = 1600;
/// The size of the smaller look: noise and the texture of paper and screens are averaged away.
const LOOK_SIDE_SMALL: u32 = 640;
/// A picture this small may hold modules of a single pixel, which are found only when enlarged.
const ENLARGED_SIDE_MAX: u32 = 400;

/// Why an image gave no payload.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    #[error("this is not a PNG or JPEG image; send the picture itself in one of these formats")]
    NotAnImage,
    #[error(
        "the image has {bytes} bytes, more than the {IMAGE_BYTES_MAX} allowed; send a smaller picture"
    )]
    TooManyBytes { bytes: usize },
    #[error(
        "the image is {width} by {height} pixels; {IMAGE_PIXELS_MAX} pixels in all and {IMAGE_SIDE_MAX} a side are \
         allowed; send a smaller picture"
    )]
    TooManyPixels { width: u32, height: u32 },
    #[error(
        "the image would take more than {DECODED_BYTES_MAX} bytes of memory; \
         send a smaller picture, with 8 bits a channel"
    )]
    TooMuchMemory,
    #[error("the image is broken: {0}")]
    Broken(String),
    #[error(
        "no QR code was found in the image; hold the camera nearer, straight and in good light"
    )]
    NoCode,
}

/// The payloads of the QR codes in a PNG or JPEG image: at least one, each once, in the order they were found.
pub fn payloads(image: &[u8]) -> Result<Vec<String>, DecodeError> {
    let gave_up = DecodeError::Broken("its decoder gave up".to_owned());
    let gray = contained(|| Some(open(image))).unwrap_or(Err(gave_up))?;
    let mut found = LOOKS
        .iter()
        .filter_map(|look| contained(|| read(&look(&gray)?)));
    found.next().ok_or(DecodeError::NoCode)
}

/// What a decoder finds; nothing if it panics.
fn contained<T>(decoder: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or(None)
}

/// The image in grey, once its header has shown that it is small enough.
fn open(image: &[u8]) -> Result<GrayImage, DecodeError> {
    if image.len() > IMAGE_BYTES_MAX {
        return Err(DecodeError::TooManyBytes { bytes: image.len() });
    }
    let format = image::guess_format(image).map_err(|_| DecodeError::NotAnImage)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
        return Err(DecodeError::NotAnImage);
    }
    let broken = |error| match error {
        ImageError::Limits(_) => DecodeError::TooMuchMemory,
        other => DecodeError::Broken(other.to_string()),
    };
    let decoder = ImageReader::with_format(Cursor::new(image), format)
        .into_decoder()
        .map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let too_long = width.max(height) > IMAGE_SIDE_MAX;
    if too_long || u64::from(width) * u64::from(height) > IMAGE_PIXELS_MAX {
        return Err(DecodeError::TooManyPixels { width, height });
    }
    if decoder.total_bytes() > DECODED_BYTES_MAX {
        return Err(DecodeError::TooMuchMemory);
    }
    Ok(DynamicImage::from_decoder(decoder)
        .map_err(broken)?
        .into_luma8())
}

/// A way to look at the picture, or `None` if for this picture it would show nothing new.
type Look = fn(&GrayImage) -> Option<GrayImage>;

/// The looks in the order of what they cost and find.
const LOOKS: [Look; 4] = [
    |gray| Some(within(gray, LOOK_SIDE_MAX)),
    |gray| Some(inverted(within(gray, LOOK_SIDE_MAX))),
    |gray| {
        longer_side(gray)
            .gt(&LOOK_SIDE_SMALL)
            .then(|| within(gray, LOOK_SIDE_SMALL))
    },
    |gray| {
        longer_side(gray)
            .le(&ENLARGED_SIDE_MAX)
            .then(|| doubled(gray))
    },
];

fn longer_side(gray: &GrayImage) -> u32 {
    gray.width().max(gray.height())
}

/// The picture, shrunk if its longer side has more than `side` pixels.
fn within(gray: &GrayImage, side: u32) -> GrayImage {
    let longer = longer_side(gray);
    if longer <= side {
        return gray.clone();
    }
    let scaled = |length: u32| (length * side / longer).max(1);
    imageops::resize(
        gray,
        scaled(gray.width()),
        scaled(gray.height()),
        FilterType::Triangle,
    )
}

fn doubled(gray: &GrayImage) -> GrayImage {
    imageops::resize(
        gray,
        gray.width() * 2,
        gray.height() * 2,
        FilterType::CatmullRom,
    )
}

fn inverted(mut gray: GrayImage) -> GrayImage {
    imageops::invert(&mut gray);
    gray
}

/// The payloads that one look finds, if any.
fn read(look: &GrayImage) -> Option<Vec<String>> {
    let (width, height) = (look.width() as usize, look.height() as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        look.as_raw()[y * width + x]
    });
    let mut payloads: Vec<String> = Vec::new();
    for (_, payload) in prepared
        .detect_grids()
        .iter()
        .filter_map(|grid| grid.decode().ok())
    {
        if !payloads.contains(&payload) {
            payloads.push(payload);
        }
    }
    (!payloads.is_empty()).then_some(payloads)
}
