//! Old rows of the journal, moved out of its database into files.
//!
//! ```text
//! archive/00000000000000000001-00000000000000104200.jza
//!
//! magic · { frame }* · { first row (u64) · offset (u64) · length (u32) }* · frames (u32) · magic
//! frame = zstd over { sequence (u64) · epoch (u64) · prev_hash · hash · length (u32) · payload }*
//! ```
//!
//! Numbers are little-endian. A frame holds about a mebibyte of rows, so that one row is read without the others. A file
//! gets its name when it is whole and durable, and rows leave the database only after they have been read back from it
//! and found to be the same chain. So a row is at every moment in the database, in a file or in both, and whoever reads
//! the journal does not notice. The chain's hashes vouch for what is in a file as they do for what is not.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::JournalError;

pub(crate) const DIRECTORY: &str = "archive";
const SUFFIX: &str = ".jza";
const MAGIC: &[u8; 8] = b"jzarch1\n";
/// Rows before compression.
const FRAME_BYTES: usize = 1 << 20;
/// Of a row beside its payload.
const HEAD_BYTES: usize = 8 + 8 + 32 + 32 + 4;
const ENTRY_BYTES: usize = 8 + 8 + 4;
/// More than any frame: one row may be larger than a frame should be.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Old rows are written once and read seldom.
const ZSTD_LEVEL: i32 = 9;

/// The files of a data directory. Which there are is looked up anew whenever something is not found.
#[derive(Debug)]
pub(crate) struct Archive {
    directory: PathBuf,
    files: Vec<Segment>,
    /// The last frame that was read, as rows.
    frame: Arc<Vec<Row>>,
}

/// A file and what is in it.
#[derive(Clone, Debug)]
struct Segment {
    path: PathBuf,
    first: u64,
    last: u64,
    /// First row, offset and length of each frame; empty until it is needed.
    frames: Vec<(u64, u64, u32)>,
}

impl Archive {
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            directory: data.join(DIRECTORY),
            files: Vec::new(),
            frame: Arc::default(),
        }
    }

    /// The last row that is archived.
    pub(crate) fn last(&mut self) -> Result<Sequence, JournalError> {
        self.look()?;
        Ok(Sequence(self.files.last().map_or(0, |file| file.last)))
    }

    /// A row, if it is archived.
    pub(crate) fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        let frame = self.frame_of(sequence)?;
        let mut rows = frame.iter();
        Ok(rows.find(|row| row.sequence == sequence).cloned())
    }

    /// Archived rows after this one, up to about so many bytes of payload; none when the next is not archived.
    pub(crate) fn read(
        &mut self,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<Row>, JournalError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let mut next = after.next();
        while bytes < bytes_max {
            let frame = self.frame_of(next)?;
            let fresh = frame.iter().filter(|row| row.sequence >= next);
            let fresh: Vec<Row> = fresh.cloned().collect();
            let Some(last) = fresh.last() else { break };
            next = last.sequence.next();
            bytes += fresh.iter().map(|row| row.payload.len()).sum::<usize>();
            rows.extend(fresh);
        }
        Ok(rows)
    }

    /// The rows of the frame in which a row should be; none when it is not archived.
    fn frame_of(&mut self, sequence: Sequence) -> Result<Arc<Vec<Row>>, JournalError> {
        let holds = |rows: &[Row]| rows.iter().any(|row| row.sequence == sequence);
        if holds(&self.frame) {
            return Ok(self.frame.clone());
        }
        let has = |file: &Segment| (file.first..=file.last).contains(&sequence.0);
        if !self.files.iter().any(has) {
            self.look()?;
        }
        let Some(file) = self.files.iter_mut().find(|file| has(file)) else {
            return Ok(Arc::default());
        };
        self.frame = Arc::new(file.read(sequence.0)?);
        Ok(self.frame.clone())
    }

    /// Looks which files there are.
    fn look(&mut self) -> Result<(), JournalError> {
        let failed = |error| JournalError::File {
            path: self.directory.clone(),
            error,
        };
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let rows = name.and_then(|name| name.strip_suffix(SUFFIX)?.split_once('-'));
            let rows =
                rows.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
            if let Some((first, last)) = rows {
                files.push(Segment {
                    path,
                    first,
                    last,
                    frames: Vec::new(),
                });
            }
        }
        files.sort_by_key(|file| file.first);
        self.files = files;
        Ok(())
    }
}

impl Segment {
    /// The rows of the frame in which a row is.
    fn read(&mut self, sequence: u64) -> Result<Vec<Row>, JournalError> {
        let read = self.try_read(sequence);
        read.map_err(|error| JournalError::File {
            path: self.path.clone(),
            error,
        })
    }

    fn try_read(&mut self, sequence: u64) -> io::Result<Vec<Row>> {
        let mut file = File::open(&self.path)?;
        if self.frames.is_empty() {
            self.frames = frames(&mut file)?;
        }
        let at = self
            .frames
            .partition_point(|(first, _, _)| *first <= sequence);
        let frame = at.checked_sub(1).and_then(|at| self.frames.get(at));
        let (_, offset, length) = *frame.ok_or_else(|| damaged("no frame has the row"))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes)?;
        unpack(&zstd::bulk::decompress(&bytes, FRAME_BYTES_MAX)?)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the archive file is damaged: {what}; put a copy of it back"),
    )
}

/// The index at the end of a file.
fn frames(file: &mut File) -> io::Result<Vec<(u64, u64, u32)>> {
    let size = file.metadata()?.len();
    let mut foot = [0; 4 + MAGIC.len()];
    let foot_at = size.checked_sub(foot.len() as u64);
    file.seek(SeekFrom::Start(
        foot_at.ok_or_else(|| damaged("it is too short"))?,
    ))?;
    file.read_exact(&mut foot)?;
    if !foot.ends_with(MAGIC) {
        return Err(damaged("it does not end as it should"));
    }
    let count = u32::from_le_bytes([foot[0], foot[1], foot[2], foot[3]]);
    let index_bytes = u64::from(count) * ENTRY_BYTES as u64;
    let index_at = size.checked_sub(foot.len() as u64 + index_bytes);
    let index_at = index_at.ok_or_else(|| damaged("its index is too short"))?;
    file.seek(SeekFrom::Start(index_at))?;
    let mut frames = Vec::new();
    for _ in 0..count {
        let mut entry = [0; ENTRY_BYTES];
        file.read_exact(&mut entry)?;
        let mut entry = entry.as_slice();
        let first = take_u64(&mut entry).unwrap_or_default();
        let offset = take_u64(&mut entry).unwrap_or_default();
        let length = take_u32(&mut entry).unwrap_or_default();
        if offset.saturating_add(length.into()) > index_at {
            return Err(damaged("a frame is beyond its end"));
        }
        frames.push((first, offset, length));
    }
    Ok(frames)
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*number))
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn pack(row: &Row, frame: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(row.payload.len()).map_err(io::Error::other)?;
    frame.extend(row.sequence.0.to_le_bytes());
    frame.extend(row.epoch.to_le_bytes());
    frame.extend(row.prev_hash);
    frame.extend(row.hash);
    frame.extend(length.to_le_bytes());
    frame.extend(&row.payload);
    Ok(())
}

fn unpack(mut rest: &[u8]) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    while !rest.is_empty() {
        rows.push(take_row(&mut rest).ok_or_else(|| damaged("a row ends in the middle"))?);
    }
    Ok(rows)
}

fn take_row(rest: &mut &[u8]) -> Option<Row> {
    let (sequence, epoch) = (take_u64(rest)?, take_u64(rest)?);
    let (prev_hash, after) = rest.split_first_chunk()?;
    let (hash, after) = after.split_first_chunk()?;
    *rest = after;
    let length = take_u32(rest)? as usize;
    let (payload, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Row {
        sequence: Sequence(sequence),
        epoch,
        prev_hash: *prev_hash,
        hash: *hash,
        payload: payload.to_vec(),
    })
}

/// A file that is being written.
pub(crate) struct Writer {
    directory: PathBuf,
    draft: PathBuf,
    file: File,
    offset: u64,
    rows: Option<(u64, u64)>,
    frame: Vec<u8>,
    frame_first: u64,
    frames: Vec<(u64, u64, u32)>,
}

impl Writer {
    pub(crate) fn new(data: &Path) -> io::Result<Self> {
        let directory = data.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        let draft = directory.join("next.part");
        let mut file = File::create(&draft)?;
        file.write_all(MAGIC)?;
        Ok(Self {
            directory,
            draft,
            file,
            offset: MAGIC.len() as u64,
            rows: None,
            frame: Vec::with_capacity(FRAME_BYTES + HEAD_BYTES),
            frame_first: 0,
            frames: Vec::new(),
        })
    }

    /// How many bytes the file has so far.
    pub(crate) fn len(&self) -> u64 {
        self.offset
    }

    /// Appends the row that comes next.
    pub(crate) fn push(&mut self, row: &Row) -> io::Result<()> {
        let number = row.sequence.0;
        if self.frame.is_empty() {
            self.frame_first = number;
        }
        pack(row, &mut self.frame)?;
        let first = self.rows.map_or(number, |(first, _)| first);
        self.rows = Some((first, number));
        if self.frame.len() >= FRAME_BYTES {
            self.end_frame()?;
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let packed = zstd::bulk::compress(&self.frame, ZSTD_LEVEL)?;
        let length = u32::try_from(packed.len()).map_err(io::Error::other)?;
        self.file.write_all(&packed)?;
        self.frames.push((self.frame_first, self.offset, length));
        self.offset += u64::from(length);
        self.frame.clear();
        Ok(())
    }

    /// Makes the file durable and gives it its name. Without any row there is none.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.end_frame()?;
        let Some((first, last)) = self.rows else {
            return fs::remove_file(&self.draft);
        };
        for (first, offset, length) in &self.frames {
            self.file.write_all(&first.to_le_bytes())?;
            self.file.write_all(&offset.to_le_bytes())?;
            self.file.write_all(&length.to_le_bytes())?;
        }
        let count = u32::try_from(self.frames.len()).map_err(io::Error::other)?;
        self.file.write_all(&count.to_le_bytes())?;
        self.file.write_all(MAGIC)?;
        self.file.sync_all()?;
        let name = format!("{first:020}-{last:020}{SUFFIX}");
        fs::rename(&self.draft, self.directory.join(name))?;
        File::open(&self.directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, bytes: usize) -> Row {
        Row {
            sequence: Sequence(number),
            epoch: 3,
            prev_hash: [1; 32],
            hash: [2; 32],
            payload: vec![number.to_le_bytes()[0]; bytes],
        }
    }

    #[test]
    fn what_was_archived_is_read_back_row_by_row_and_in_pieces() {
        let data = tempfile::tempdir().unwrap();
        let rows: Vec<Row> = (1..=900).map(|number| row(number, 5_000)).collect();
        let mut archive = Archive::of(data.path());
        assert_eq!(archive.last().unwrap(), Sequence(0));
        for part in [&rows[..500], &rows[500..]] {
            let mut writer = Writer::new(data.path()).unwrap();
            for row in part {
                writer.push(row).unwrap();
            }
            writer.finish().unwrap();
        }
        Writer::new(data.path()).unwrap().finish().unwrap();
        assert_eq!(archive.last().unwrap(), Sequence(900));
        for number in [1, 209, 210, 211, 500, 501, 900] {
            let found = archive.row(Sequence(number)).unwrap();
            assert_eq!(
                found.as_ref(),
                Some(&rows[usize::try_from(number).unwrap() - 1])
            );
        }
        assert_eq!(archive.row(Sequence(901)).unwrap(), None);
        let (mut after, mut read) = (Sequence(0), Vec::new());
        loop {
            let more = archive.read(after, 700_000).unwrap();
            let Some(last) = more.last() else { break };
            after = last.sequence;
            read.extend(more);
        }
        assert_eq!(read, rows);
        assert_eq!(
            fs::read_dir(data.path().join(DIRECTORY)).unwrap().count(),
            2
        );
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_panic() {
        let data = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(data.path()).unwrap();
        for number in 1..=3 {
            writer.push(&row(number, 50)).unwrap();
        }
        writer.finish().unwrap();
        let file = fs::read_dir(data.path().join(DIRECTORY))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let good = fs::read(&file).unwrap();
        let mut differing = 0;
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 0x55;
            fs::write(&file, &changed).unwrap();
            let found = Archive::of(data.path()).row(Sequence(2));
            differing += u32::from(!matches!(found, Ok(Some(found)) if found == row(2, 50)));
        }
        // Some bits of a file say nothing; whatever is read is held to the chain's hashes besides.
        let bytes = u32::try_from(good.len()).unwrap();
        assert!(
            differing * 2 > bytes,
            "{differing} of {bytes} changes were noticed"
        );
        for end in 0..good.len() {
            fs::write(&file, &good[..end]).unwrap();
            assert!(
                Archive::of(data.path()).row(Sequence(2)).is_err(),
                "{end} bytes"
            );
        }
    }
}
