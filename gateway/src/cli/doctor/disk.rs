//! Is there room for what is written here, and is it still here after a power cut?
//!
//! Of the second no program can be sure. But a file system in memory keeps nothing, and a disk that claims to have
//! written a block safely in a few microseconds has only put it into a cache.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Finding;

const WHAT: &str = "durability";
const MIB: u64 = 1 << 20;
/// Below this there is hardly room for the snapshot of the next start.
const ROOM_MIN: u64 = 64 * MIB;
/// A transfer takes about 200 bytes, so this is a few million of them.
const ROOM_GOOD: u64 = 1024 * MIB;
/// The file that is written and removed again.
const PROBE: &str = ".doctor-probe";
/// As large as the smallest write of the journal.
const PROBE_BYTES: usize = 4096;
const PROBES: u32 = 20;
/// The fastest disks with a cache that survives a power cut need about 10 µs.
const CREDIBLE_MIN: Duration = Duration::from_micros(8);
/// Above this a payment waits noticeably for the disk alone.
const FAST_MAX: Duration = Duration::from_millis(20);

/// What is left of the disk that a directory is on.
pub(super) fn space(directory: &Path) -> Finding {
    match rustix::fs::statvfs(directory) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Finding::doubtful(
            "space",
            format!("{} does not say what is left: {error}", directory.display()),
            "see yourself that there is room: df",
        ),
    }
}

fn room(free: u64) -> Finding {
    let seen = format!("{} MiB are left on the disk", free / MIB);
    let mend = "free some, or move the data directory to a larger disk while nothing runs; without room nothing is \
                accepted any more";
    match free {
        ..ROOM_MIN => Finding::bad("space", seen, mend),
        ROOM_MIN..ROOM_GOOD => Finding::doubtful("space", seen, mend),
        ROOM_GOOD.. => Finding::well("space", seen),
    }
}

/// Writes into the directory the way the journal does, and looks at how long it takes.
pub(super) fn durability(directory: &Path) -> Finding {
    if let Some(kind) = forgetful(directory) {
        let seen = format!(
            "{} is on {kind}, which is empty after a restart",
            directory.display()
        );
        return Finding::doubtful(
            WHAT,
            seen,
            "fine for trying out; for anything else choose --data on a disk",
        );
    }
    match probe(directory) {
        Ok(time) => judge(time),
        Err(error) => Finding::bad(
            WHAT,
            format!(
                "writing and syncing a file in {} failed: {error}",
                directory.display()
            ),
            "use a file system that can sync files, with space left",
        ),
    }
}

fn judge(time: Duration) -> Finding {
    let seen = format!(
        "a synced write takes {} µs, so about {} commits/s",
        time.as_micros(),
        per_second(time)
    );
    if time < CREDIBLE_MIN {
        let mend = "faster than disks are: see that sync is not switched off (virtual machines, eatmydata, nobarrier)";
        return Finding::doubtful(WHAT, seen, mend);
    }
    if time > FAST_MAX {
        return Finding::doubtful(
            WHAT,
            seen,
            "correct but slow: every payment waits for one; a solid-state disk helps",
        );
    }
    Finding::well(WHAT, seen)
}

fn per_second(time: Duration) -> u128 {
    1_000_000_000 / time.as_nanos().max(1)
}

/// The middle one of several synced writes.
fn probe(directory: &Path) -> io::Result<Duration> {
    let path = directory.join(PROBE);
    let measured = measure(&path);
    let removed = fs::remove_file(&path);
    let time = measured?;
    removed?;
    Ok(time)
}

fn measure(path: &Path) -> io::Result<Duration> {
    let mut file = File::create(path)?;
    let block = [0x5a; PROBE_BYTES];
    let mut times = Vec::new();
    for _ in 0..PROBES {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// The kind of file system a directory is on, if it is one that lives in memory.
fn forgetful(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    // Without this table (on systems other than Linux) nothing is known, and nothing is said.
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let kind = kind_of(&mounts, &directory)?;
    matches!(kind, "tmpfs" | "ramfs").then(|| kind.to_owned())
}

/// The kind of the file system that is mounted nearest above a directory.
fn kind_of<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        directory.starts_with(point).then_some((point.len(), kind))
    });
    // Of two mounts at one place the later covers the earlier.
    mounted
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_says_what_a_directory_is_on() {
        let mounts =
            "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sdb1 /run/data xfs rw 0 0\n";
        assert_eq!(kind_of(mounts, Path::new("/var/lib/jiaozi")), Some("ext4"));
        assert_eq!(kind_of(mounts, Path::new("/run/jiaozi")), Some("tmpfs"));
        assert_eq!(kind_of(mounts, Path::new("/run/data/jiaozi")), Some("xfs"));
        assert_eq!(kind_of(mounts, Path::new("/runner")), Some("ext4"));
    }

    #[test]
    fn a_disk_that_is_almost_full_is_said_to_be() {
        use super::super::Grade;
        assert_eq!(room(10 * MIB).grade, Grade::Bad);
        assert_eq!(room(500 * MIB).grade, Grade::Doubtful);
        assert_eq!(room(5_000 * MIB).grade, Grade::Well);
    }

    #[test]
    fn a_sync_that_takes_no_time_is_not_believed() {
        use super::super::Grade;
        assert_eq!(judge(Duration::from_micros(2)).grade, Grade::Doubtful);
        assert_eq!(judge(Duration::from_micros(150)).grade, Grade::Well);
        assert_eq!(judge(Duration::from_millis(60)).grade, Grade::Doubtful);
    }
}
