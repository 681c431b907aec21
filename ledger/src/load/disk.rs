//! What the disk itself can do: writing so many bytes and waiting until they are safe, again and
//! again, with nothing else around it. No journal on this disk commits faster.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::LoadError;

/// The file is written once before anything is measured, so that the disk need not find room for
/// it; then it is written over, as a write-ahead log is.
const FILE_BYTES: usize = 64 << 20;
const WRITES_MAX: u32 = 2_000;

/// How often a second so many bytes can be made durable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskLimit {
    pub bytes: usize,
    pub writes_per_s: f64,
}

impl DiskLimit {
    /// Measures for about so long, in a file of its own that is removed afterwards.
    pub fn measure(directory: &Path, bytes: usize, within: Duration) -> Result<Self, LoadError> {
        let path = directory.join("disk-limit");
        let failed = |error| LoadError::File {
            path: path.clone(),
            error,
        };
        let measured = write(&path, bytes.clamp(1, FILE_BYTES), within).map_err(failed)?;
        std::fs::remove_file(&path).map_err(failed)?;
        Ok(measured)
    }
}

fn write(path: &Path, bytes: usize, within: Duration) -> std::io::Result<DiskLimit> {
    let file = File::create(path)?;
    file.write_all_at(&vec![0; FILE_BYTES], 0)?;
    file.sync_all()?;
    // Not all alike, so that nothing on the way can leave it out.
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
    let started = Instant::now();
    let (mut writes, mut offset) = (0, 0);
    while writes < WRITES_MAX && (writes < 8 || started.elapsed() < within) {
        file.write_all_at(&content, offset as u64)?;
        file.sync_data()?;
        writes += 1;
        offset += bytes;
        if offset + bytes > FILE_BYTES {
            offset = 0;
        }
    }
    Ok(DiskLimit {
        bytes,
        writes_per_s: f64::from(writes) / started.elapsed().as_secs_f64(),
    })
}
