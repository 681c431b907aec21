//! The limits of the sequencer and the projector, each with its reason.

use std::sync::Arc;
use std::time::Duration;

use crate::shell::clock::{Clock, SystemClock};

/// Everything that may be set; the defaults are for a server of two cores and half a gigabyte.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Commands that may wait: at a hundred thousand a second, more than half a second's worth;
    /// whoever would wait longer is better told so.
    pub queue_commands_max: usize,
    /// Bytes that may wait, for the same reason.
    pub queue_bytes_max: usize,
    /// What one batch takes before it waits for the last one to be durable. A row of a megabyte or
    /// two is where a disk's throughput is reached and a commit is still short.
    pub batch_events_max: usize,
    pub batch_bytes_max: usize,
    /// Things that fall due in one batch, so that a backlog of them does not hold up commands.
    pub batch_due_max: usize,
    /// Events by which the views may be behind before commits slow down. What has not been
    /// projected cannot leave memory, so this bounds memory too: each key of the *once* index takes 48 bytes for the writer,
    /// 48 for the projector, and 11 to 22 for looking it up.
    pub lag_events_max: u64,
    /// Projected events that stay in memory before they are let go. Young keys of the *once* index
    /// are answered without a look into the views.
    pub evict_events: u64,
    /// Events between two checkpoints, each of which lets recovery start there. A checkpoint costs
    /// a digest of the whole state.
    pub checkpoint_events: u64,
    /// Bytes of rows on their way to the projector in memory; when it is further behind, it reads
    /// the journal. Nearly half of the lag that is let grow, in rows of small transfers.
    pub feed_bytes_max: usize,
    /// How long the projector works at one chunk.
    pub chunk_time: Duration,
    /// How long it works at one when it is far behind: larger chunks are sorted better.
    pub chunk_time_behind: Duration,
    /// How long it lets a burst of commands have the processor to itself between two chunks, unless
    /// it is behind by three quarters of what it may be. So much later do the views show what was done.
    pub chunk_wait_in_burst: Duration,
    /// How long it waits for more after a chunk when little is waiting.
    pub chunk_pause: Duration,
    /// How long nothing may become durable, or the views hold up commits, before what waits is told
    /// `busy`: longer than a disk's hiccup, shorter than what callers wait for.
    pub stall_max: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_commands_max: 65_536,
            queue_bytes_max: 64 << 20,
            batch_events_max: 16_384,
            batch_bytes_max: 8 << 20,
            batch_due_max: 1_000,
            lag_events_max: 650_000,
            evict_events: 100_000,
            checkpoint_events: 4_000_000,
            feed_bytes_max: 32 << 20,
            chunk_time: Duration::from_millis(50),
            chunk_time_behind: Duration::from_millis(250),
            chunk_wait_in_burst: Duration::from_secs(1),
            chunk_pause: Duration::from_millis(2),
            stall_max: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
        }
    }
}
