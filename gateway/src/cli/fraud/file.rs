//! Files of attempts, and how far their reading has come.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fraud::evaluate;

use super::parquet::Parquet;

/// Reads a file as CSV, whichever of the two it is.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let named = path.display();
    ensure!(
        !path.is_dir(),
        "{named} is a directory, not a file; the attempts of a gateway are exported first, with \
         `gateway fraud export --data {named} -o attempts.csv`"
    );
    let cannot = || format!("{named} cannot be read");
    let mut file = File::open(path).with_context(cannot)?;
    let mut start = Vec::new();
    file.by_ref()
        .take(Parquet::MARK.len() as u64)
        .read_to_end(&mut start)
        .with_context(cannot)?;
    if start == Parquet::MARK {
        return Ok(Box::new(Parquet::open(file).with_context(cannot)?));
    }
    file.rewind().with_context(cannot)?;
    Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
}

/// Tells people on standard error how far the work has come, every other second.
pub(super) struct Progress {
    started: Instant,
    told: Instant,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(2);

    pub(super) fn start() -> Self {
        let started = Instant::now();
        Self {
            started,
            told: started,
        }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(super) fn tell(&mut self, progress: evaluate::Progress) {
        if self.told.elapsed() < Self::EVERY {
            return;
        }
        self.told = Instant::now();
        let after = self.started.elapsed().as_secs();
        match progress {
            evaluate::Progress::Read { rows } => eprintln!("{after:4} s: {rows} rows read"),
            evaluate::Progress::Walked { rows, of } => {
                eprintln!("{after:4} s: features of {rows} of {of} rows");
            }
            evaluate::Progress::Trained { trees, of } => {
                eprintln!("{after:4} s: {trees} of {of} trees grown");
            }
        }
    }
}
