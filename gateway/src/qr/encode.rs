//! Text into a QR symbol, and the symbol into SVG or PNG.
//!
//! A [`Matrix`] holds the modules alone; [`Drawing`] says how large they are drawn. The quiet zone is never narrower
//! than the four modules that ISO/IEC 18004 asks for, since scanners fail without it. PNGs have one bit a pixel: a
//! code has two colours, and an eighth of the bytes is an eighth of the work.

use std::fmt::Write as _;
use std::ops::Range;

use fast_qr::{ECL, QRBuilder};
use thiserror::Error;

/// ISO/IEC 18004 asks for four light modules on every side.
pub const QUIET_MODULES_MIN: usize = 4;
/// A wider margin than this belongs to the page's layout and not to the code.
pub const QUIET_MODULES_MAX: usize = 16;
/// The largest symbol (177 modules) at 32 pixels a module prints as wide as a poster and takes 6 MB to draw.
pub const MODULE_PX_MAX: usize = 32;

/// How much of a symbol may be lost before it cannot be read: about 7, 15, 25 and 30 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    Low,
    #[default]
    Medium,
    Quartile,
    High,
}

impl Level {
    /// The bytes that the largest symbol carries at this level (ISO/IEC 18004, version 40, byte mode).
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Low => 2953,
            Self::Medium => 2331,
            Self::Quartile => 1663,
            Self::High => 1273,
        }
    }
}

/// How a symbol is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawing {
    /// Pixels (in SVG: units) along the side of one module, 1 to [`MODULE_PX_MAX`].
    pub module_px: usize,
    /// Light modules around the symbol, [`QUIET_MODULES_MIN`] to [`QUIET_MODULES_MAX`].
    pub quiet_modules: usize,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            module_px: 8,
            quiet_modules: QUIET_MODULES_MIN,
        }
    }
}

/// Why a text did not become an image.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    #[error("there is no text to encode; a QR code holds at least one character")]
    Empty,
    #[error(
        "the text has {bytes} bytes and does not fit into a QR code, which holds {max} at this error-correction level; \
         shorten it or choose a lower level"
    )]
    TooLong { bytes: usize, max: usize },
    #[error("\"{0}\" does not fit into a Code 128 bar code, which holds 1 to 80 ASCII characters")]
    NoBarCode(String),
    #[error("a module must be drawn 1 to {MODULE_PX_MAX} pixels wide, not {0}")]
    ModuleSize(usize),
    #[error(
        "the quiet zone must be {QUIET_MODULES_MIN} to {QUIET_MODULES_MAX} modules wide, not {0}"
    )]
    QuietZone(usize),
    #[error("the image could not be written: {0}")]
    Write(String),
}

/// The modules of a symbol, without margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    side: usize,
    dark: Vec<bool>,
}

impl Matrix {
    /// The smallest symbol that holds `text` at `level`.
    pub fn encode(text: &str, level: Level) -> Result<Self, EncodeError> {
        if text.is_empty() {
            return Err(EncodeError::Empty);
        }
        let ecl = match level {
            Level::Low => ECL::L,
            Level::Medium => ECL::M,
            Level::Quartile => ECL::Q,
            Level::High => ECL::H,
        };
        let symbol = QRBuilder::new(text).ecl(ecl).build().map_err(|_| {
            let (bytes, max) = (text.len(), level.bytes_max());
            EncodeError::TooLong { bytes, max }
        })?;
        let dark = (0..symbol.size).flat_map(|y| symbol[y].iter().map(|module| module.value()));
        Ok(Self {
            dark: dark.collect(),
            side: symbol.size,
        })
    }

    /// Modules along one side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The rows of modules from the top, `true` for dark.
    pub fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.dark.chunks_exact(self.side)
    }

    /// Whether the module in a column and row is dark; outside the symbol all is light.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.side && row < self.side && self.dark[row * self.side + column]
    }

    /// The symbol as an SVG image: one path, so that no seams show between modules.
    pub fn to_svg(&self, drawing: Drawing) -> Result<String, EncodeError> {
        self.to_svg_under(drawing, "")
    }

    /// The symbol as an SVG image with something else drawn over it, in modules as units.
    pub(super) fn to_svg_under(&self, drawing: Drawing, over: &str) -> Result<String, EncodeError> {
        drawing.check()?;
        let side = self.side + 2 * drawing.quiet_modules;
        let px = side * drawing.module_px;
        let mut path = String::new();
        for (y, row) in (drawing.quiet_modules..).zip(self.rows()) {
            for run in dark_runs(row) {
                let (x, length) = (drawing.quiet_modules + run.start, run.len());
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
        }
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{px}\" height=\"{px}\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
             <path fill=\"#000\" d=\"{path}\"/>{over}</svg>\n"
        ))
    }

    /// The symbol as a PNG image in black and white, one bit a pixel.
    ///
    /// The rows of pixels within a module are equal, so each is written as its difference to the one above, which is
    /// mostly nothing and packs fast and well.
    pub fn to_png(&self, drawing: Drawing) -> Result<Vec<u8>, EncodeError> {
        drawing.check()?;
        let px = drawing.side_px(self)?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, px, px);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Up);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.bitmap(drawing)))
            .map_err(EncodeError::written)?;
        Ok(bytes)
    }

    /// One bit a pixel, rows padded to whole bytes, set for light: PNG's own layout.
    fn bitmap(&self, drawing: Drawing) -> Vec<u8> {
        let module = drawing.module_px;
        let quiet = drawing.quiet_modules * module;
        let px = self.side * module + 2 * quiet;
        let row_bytes = px.div_ceil(8);
        let mut bits = vec![0xFF; row_bytes * px];
        let below_margin = bits[quiet * row_bytes..].chunks_exact_mut(row_bytes * module);
        for (row, band) in self.rows().zip(below_margin) {
            let (first, rest) = band.split_at_mut(row_bytes);
            for run in dark_runs(row) {
                clear(first, quiet + run.start * module..quiet + run.end * module);
            }
            for line in rest.chunks_exact_mut(row_bytes) {
                line.copy_from_slice(first);
            }
        }
        bits
    }
}

/// The stretches of dark modules in a row.
fn dark_runs(row: &[bool]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    row.chunk_by(|left, right| left == right)
        .filter_map(move |run| {
            let start = end;
            end += run.len();
            run[0].then_some(start..end)
        })
}

/// Clears a range of bits, counted from the highest bit of the first byte.
fn clear(bits: &mut [u8], range: Range<usize>) {
    let (first, last) = (range.start / 8, range.end / 8);
    let (before, after) = (!(0xFF >> (range.start % 8)), 0xFF >> (range.end % 8));
    if first == last {
        bits[first] &= before | after;
        return;
    }
    bits[first] &= before;
    bits[first + 1..last].fill(0);
    if let Some(end) = bits.get_mut(last) {
        *end &= after;
    }
}

impl Drawing {
    /// The pixels along one side of a drawn symbol.
    pub(super) fn side_px(self, matrix: &Matrix) -> Result<u32, EncodeError> {
        let px = (matrix.side + 2 * self.quiet_modules) * self.module_px;
        u32::try_from(px).map_err(EncodeError::written)
    }

    pub(super) fn check(self) -> Result<(), EncodeError> {
        if !(1..=MODULE_PX_MAX).contains(&self.module_px) {
            return Err(EncodeError::ModuleSize(self.module_px));
        }
        if !(QUIET_MODULES_MIN..=QUIET_MODULES_MAX).contains(&self.quiet_modules) {
            return Err(EncodeError::QuietZone(self.quiet_modules));
        }
        Ok(())
    }
}

impl EncodeError {
    pub(super) fn written(error: impl std::error::Error) -> Self {
        Self::Write(error.to_string())
    }
}
