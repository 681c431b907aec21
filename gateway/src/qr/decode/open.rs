//! Opening an image: refused by its header if it is too large, then decoded into grey.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use thiserror::Error;

use super::gray::Gray;

/// A photo of a 12-megapixel phone has 3 to 6 MB; more than this is not a picture of a code.
pub const IMAGE_BYTES_MAX: usize = 10 << 20;
/// 24 megapixels is the full size of most cameras.
pub const IMAGE_PIXELS_MAX: u64 = 24_000_000;
/// No camera makes longer sides, and arithmetic on lengths up to this cannot overflow.
pub const IMAGE_SIDE_MAX: u32 = 16_384;
/// What the picture may take once decoded: 24 megapixels with four channels of one byte.
pub const DECODED_BYTES_MAX: u64 = 4 * IMAGE_PIXELS_MAX;

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

/// The image in grey.
pub(super) fn open(image: &[u8]) -> Result<Gray, DecodeError> {
    let picture = picture(image)?;
    let width = picture.width() as usize;
    Gray::new(width, on_white(picture)).ok_or(DecodeError::NoCode)
}

/// The image in its colours, once its header has shown that it is small enough.
pub(super) fn picture(image: &[u8]) -> Result<DynamicImage, DecodeError> {
    if image.len() > IMAGE_BYTES_MAX {
        return Err(DecodeError::TooManyBytes { bytes: image.len() });
    }
    let format = image::guess_format(image).map_err(|_| DecodeError::NotAnImage)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
        return Err(DecodeError::NotAnImage);
    }
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
    DynamicImage::from_decoder(decoder).map_err(broken)
}

fn broken(error: ImageError) -> DecodeError {
    match error {
        ImageError::Limits(_) => DecodeError::TooMuchMemory,
        other => DecodeError::Broken(other.to_string()),
    }
}

/// The shades of the pixels, where what is transparent shows the white page behind it.
fn on_white(picture: DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_luma8().into_raw();
    }
    let blend = |shade: u8, opacity: u8| {
        let (shade, opacity) = (u16::from(shade), u16::from(opacity));
        u8::try_from((shade * opacity + 255 * (255 - opacity)) / 255).unwrap_or(u8::MAX)
    };
    picture
        .into_luma_alpha8()
        .pixels()
        .map(|pixel| blend(pixel.0[0], pixel.0[1]))
        .collect()
}
