//! Encoding to and decoding from files, for the command line.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::barcode::{self, Bars};
use super::decode::{self, DecodeError, IMAGE_BYTES_MAX};
use super::encode::{Drawing, EncodeError, Level, Matrix};

/// Why a file was not written or read.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("{} ends in neither .png nor .svg; name the image with one of them", .0.display())]
    Extension(PathBuf),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error("{}: {source}", path.display())]
    Decode { path: PathBuf, source: DecodeError },
}

/// Writes `text` as a QR code to `path`: a PNG or an SVG, as the file's extension says.
pub fn encode_to_file(text: &str, path: &Path) -> Result<(), FileError> {
    let matrix = Matrix::encode(text, Level::default())?;
    let bytes = match format(path)? {
        Format::Png => matrix.to_png(Drawing::default())?,
        Format::Svg => matrix.to_svg(Drawing::default())?.into_bytes(),
    };
    write(path, &bytes)
}

/// Writes `text` as a bar code to `path`, in the same way.
pub fn bars_to_file(text: &str, path: &Path) -> Result<(), FileError> {
    let bars = Bars::encode(text)?;
    let bytes = match format(path)? {
        Format::Png => bars.to_png(barcode::MODULE_PX_DEFAULT)?,
        Format::Svg => bars.to_svg(barcode::MODULE_PX_DEFAULT)?.into_bytes(),
    };
    write(path, &bytes)
}

enum Format {
    Png,
    Svg,
}

fn format(path: &Path) -> Result<Format, FileError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("png") => Ok(Format::Png),
        Some("svg") => Ok(Format::Svg),
        _ => Err(FileError::Extension(path.to_owned())),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    fs::write(path, bytes).map_err(|source| FileError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The payloads of the QR codes in the image at `path`, at least one.
pub fn decode_file(path: &Path) -> Result<Vec<String>, FileError> {
    let bytes = read_limited(path).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })?;
    decode::payloads(&bytes).map_err(|source| FileError::Decode {
        path: path.to_owned(),
        source,
    })
}

/// One byte more than an image may have is enough to see that it is too large; the rest of a huge file stays unread.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(IMAGE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
