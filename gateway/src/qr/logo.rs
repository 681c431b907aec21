//! A code with a picture in its middle, which still decodes.
//!
//! The symbol is made at the highest error-correction level, which mends 30 percent of it; the picture covers about a
//! fifth of each side, 4 to 6 percent of the area, and a light frame keeps its edges from being taken for modules.
//! What is drawn is read back before it is given out, so that no code leaves that cannot be read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use thiserror::Error;

use super::decode::{self, DecodeError, Gray};
use super::encode::{Drawing, EncodeError, Level, Matrix};

/// The symbol's side, divided by this, is the side of what the logo and its frame cover.
const COVERED_DIVISOR: usize = 5;
/// Light modules between the logo and the code.
const FRAME_MODULES: usize = 1;
/// Pixels along the logo's side in an SVG, sharp enough in print.
const SVG_LOGO_PX: u32 = 256;

/// A picture for the middle of a code.
#[derive(Debug, Clone)]
pub struct Logo(DynamicImage);

/// Why a code with a logo was not drawn.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LogoError {
    #[error("the logo cannot be used: {0}")]
    Logo(#[from] DecodeError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(
        "the code cannot be read with this logo in it; choose a simpler logo or a shorter text"
    )]
    Unreadable,
}

impl Logo {
    /// A logo from a PNG or JPEG image.
    pub fn open(image: &[u8]) -> Result<Self, LogoError> {
        Ok(Self(decode::picture(image)?))
    }

    /// The code of `text` with the logo in its middle, as a PNG in colour.
    pub fn code_png(&self, text: &str, drawing: Drawing) -> Result<Vec<u8>, LogoError> {
        let (_, canvas) = self.drawn(text, drawing)?;
        png_of(&DynamicImage::ImageRgb8(canvas))
    }

    /// The code of `text` with the logo in its middle, as an SVG.
    pub fn code_svg(&self, text: &str, drawing: Drawing) -> Result<String, LogoError> {
        let (matrix, _) = self.drawn(text, drawing)?;
        let covered = covered(&matrix);
        let logo = STANDARD.encode(png_of(&self.0.resize(
            SVG_LOGO_PX,
            SVG_LOGO_PX,
            FilterType::Lanczos3,
        ))?);
        let corner = drawing.quiet_modules + (matrix.side() - covered) / 2;
        let (inner, inner_corner) = (covered - 2 * FRAME_MODULES, corner + FRAME_MODULES);
        let over = format!(
            "<path fill=\"#fff\" d=\"M{corner} {corner}h{covered}v{covered}h-{covered}z\"/>\
             <image x=\"{inner_corner}\" y=\"{inner_corner}\" width=\"{inner}\" height=\"{inner}\" \
             href=\"data:image/png;base64,{logo}\"/>"
        );
        Ok(matrix.to_svg_under(drawing, &over)?)
    }

    /// The symbol of `text`, and its picture with the logo, which has been read.
    fn drawn(&self, text: &str, drawing: Drawing) -> Result<(Matrix, RgbImage), LogoError> {
        drawing.check()?;
        let matrix = Matrix::encode(text, Level::High)?;
        let side = drawing.side_px(&matrix)?;
        let module =
            |px: u32| (px as usize / drawing.module_px).wrapping_sub(drawing.quiet_modules);
        let mut canvas = RgbImage::from_fn(side, side, |x, y| {
            Rgb([if matrix.is_dark(module(x), module(y)) {
                0
            } else {
                255
            }; 3])
        });
        self.put_on(&mut canvas, covered(&matrix), drawing.module_px);
        if reads_as(&canvas, text) {
            Ok((matrix, canvas))
        } else {
            Err(LogoError::Unreadable)
        }
    }

    /// Lays the logo in its light frame into the middle of a canvas.
    fn put_on(&self, canvas: &mut RgbImage, covered: usize, module_px: usize) {
        let px = |modules: usize| u32::try_from(modules * module_px).unwrap_or(canvas.width());
        let (frame_px, logo_px) = (px(covered), px(covered - 2 * FRAME_MODULES));
        let logo = self
            .0
            .resize(logo_px, logo_px, FilterType::Lanczos3)
            .into_rgba8();
        let mut frame = RgbaImage::from_pixel(frame_px, frame_px, Rgba([255; 4]));
        let middle = |outer: u32, inner: u32| i64::from((outer - inner) / 2);
        imageops::overlay(
            &mut frame,
            &logo,
            middle(frame_px, logo.width()),
            middle(frame_px, logo.height()),
        );
        let corner = middle(canvas.width(), frame_px);
        imageops::replace(
            canvas,
            &DynamicImage::ImageRgba8(frame).into_rgb8(),
            corner,
            corner,
        );
    }
}

/// The modules along the side of what the logo and its frame cover: odd, as the symbol's side, to lie in its middle.
fn covered(matrix: &Matrix) -> usize {
    (matrix.side() / COVERED_DIVISOR) | 1
}

fn reads_as(canvas: &RgbImage, text: &str) -> bool {
    let shades = imageops::grayscale(canvas);
    let gray = Gray::new(shades.width() as usize, shades.into_raw());
    gray.and_then(|gray| decode::payloads_in(&gray))
        .is_some_and(|payloads| payloads == [text])
}

fn png_of(picture: &DynamicImage) -> Result<Vec<u8>, LogoError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(EncodeError::written)?;
    Ok(bytes.into_inner())
}
