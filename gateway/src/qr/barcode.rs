//! Digits as a bar code, Code 128, for tills whose scanner reads lines and no squares.
//!
//! Pairs of digits take one symbol each (code set C), so a payment code is 134 modules wide. ISO/IEC 15417 asks for ten
//! light modules on either side; the bars are tall enough that a hand-held scanner need not be level.

use std::fmt::Write as _;

use rxing::oned::{Code128Writer, OneDimensionalCodeWriter as _};

use super::encode::{EncodeError, MODULE_PX_MAX};

pub const QUIET_MODULES: usize = 10;
pub const HEIGHT_MODULES: usize = 40;
/// At this many pixels a module, a bar is about half a millimetre wide on a phone's screen.
pub const MODULE_PX_DEFAULT: usize = 4;

/// The modules of a bar code from the left, without margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars(Vec<bool>);

impl Bars {
    /// The bars of 1 to 80 ASCII characters; digits are shortest.
    pub fn encode(text: &str) -> Result<Self, EncodeError> {
        if text.is_empty() {
            return Err(EncodeError::Empty);
        }
        let bars = Code128Writer.encode_oned(text);
        let bars = bars.map_err(|_| EncodeError::NoBarCode(text.to_owned()))?;
        Ok(Self(bars))
    }

    /// Modules from the first bar to the last.
    pub fn width(&self) -> usize {
        self.0.len()
    }

    /// Whether the module in a column, counted from the left edge of the picture, is dark.
    fn is_dark(&self, column: usize) -> bool {
        let within = column.checked_sub(QUIET_MODULES);
        within.and_then(|at| self.0.get(at).copied()) == Some(true)
    }

    /// As an SVG image: one path, so that no seams show within a bar.
    pub fn to_svg(&self, module_px: usize) -> Result<String, EncodeError> {
        let (width, height) = self.size(module_px)?;
        let (columns, rows) = (self.width() + 2 * QUIET_MODULES, HEIGHT_MODULES);
        let mut path = String::new();
        for column in (0..columns).filter(|column| self.is_dark(*column)) {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{column} 0h1v{rows}h-1z");
        }
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {columns} {rows}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{columns}v{rows}h-{columns}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>\n"
        ))
    }

    /// As a PNG image in black and white, one bit a pixel.
    pub fn to_png(&self, module_px: usize) -> Result<Vec<u8>, EncodeError> {
        let (width, height) = self.size(module_px)?;
        let columns = self.width() + 2 * QUIET_MODULES;
        let mut row = vec![0xFF; (columns * module_px).div_ceil(8)];
        for px in (0..columns * module_px).filter(|px| self.is_dark(px / module_px)) {
            row[px / 8] &= !(0x80 >> (px % 8));
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&row.repeat(HEIGHT_MODULES * module_px)))
            .map_err(EncodeError::written)?;
        Ok(bytes)
    }

    /// Pixels along both sides.
    fn size(&self, module_px: usize) -> Result<(u32, u32), EncodeError> {
        if !(1..=MODULE_PX_MAX).contains(&module_px) {
            return Err(EncodeError::ModuleSize(module_px));
        }
        let px = |modules: usize| u32::try_from(modules * module_px).map_err(EncodeError::written);
        Ok((px(self.width() + 2 * QUIET_MODULES)?, px(HEIGHT_MODULES)?))
    }
}
