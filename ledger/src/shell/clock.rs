//! Clocks, and the stamps the one writer makes from them.
//!
//! Stamps are strictly increasing. They start at the wall clock and go on with the monotonic one,
//! following the wall while the two are near; a machine's sleep passes on both; when the wall clock jumps, an alarm is raised and the
//! stamps go on as if nothing had happened, until the next start. A wall clock that stands before
//! the journal's last record at the start is such a jump too.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::time::Timestamp;

/// A larger difference between wall and stamps is a jump: not followed, but told.
pub const STEP_MAX: Duration = Duration::from_secs(5);

pub trait Clock: Debug + Send + Sync + 'static {
    /// What the clock on the wall says.
    fn wall(&self) -> Timestamp;
    /// Time since an arbitrary start, never going back, and not standing still while the machine
    /// sleeps.
    fn monotonic(&self) -> Duration;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Time since the machine was started, its sleep included. `std::time::Instant` leaves the sleep
/// out, and then the wall clock seems to jump by it.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
/// Elsewhere the monotonic clock itself goes on in sleep.
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(nanos(since))
    }

    fn monotonic(&self) -> Duration {
        let now = clock_gettime(SINCE_BOOT);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanos)
    }
}

/// A clock that stands still until it is moved: for tests and simulations. Whoever moves it calls
/// [`tick`](crate::shell::Handle::tick) afterwards, for the writer cannot see it move.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<(Timestamp, Duration)>>);

impl ManualClock {
    pub fn new(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new((wall, Duration::ZERO))))
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 = now.0.plus_nanos(nanos(by));
        now.1 += by;
    }

    /// Sets the wall clock, as an operator may: the monotonic one goes on.
    pub fn set_wall(&self, wall: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = wall;
    }

    fn read(&self) -> (Timestamp, Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.read().0
    }

    fn monotonic(&self) -> Duration {
        self.read().1
    }
}

/// A jump of the wall clock: how far it now is from the stamps, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub seconds: i64,
}

/// Makes the stamps.
#[derive(Debug)]
pub(crate) struct Stamps {
    clock: Arc<dyn Clock>,
    /// What the stamps said when the monotonic clock said `base.1`.
    base: (Timestamp, Duration),
    stepped: bool,
}

impl Stamps {
    /// Stamps after `last`.
    pub(crate) fn after(last: Timestamp, clock: Arc<dyn Clock>) -> Self {
        let wall = clock.wall();
        let behind = last.nanos_since(wall) > nanos(STEP_MAX);
        let start = if behind { last } else { wall };
        let base = (start, clock.monotonic());
        Self {
            clock,
            base,
            stepped: false,
        }
    }

    /// What the stamps said when the monotonic clock said what.
    pub(crate) const fn base(&self) -> (Timestamp, Duration) {
        self.base
    }

    /// What time it is, and whether the wall clock has just jumped. The same moment may be told
    /// twice; [`next`] keeps stamps apart.
    pub(crate) fn now(&mut self) -> (Timestamp, Option<Step>) {
        let (wall, monotonic) = (self.clock.wall(), self.clock.monotonic());
        let passed = monotonic.saturating_sub(self.base.1);
        let own = self.base.0.plus_nanos(nanos(passed));
        let apart = wall.0.abs_diff(own.0);
        if apart <= nanos(STEP_MAX) {
            self.base = (wall, monotonic);
            self.stepped = false;
            return (wall, None);
        }
        let first = !std::mem::replace(&mut self.stepped, true);
        let seconds = i64::try_from(apart / 1_000_000_000).unwrap_or(i64::MAX);
        let seconds = if wall < own { -seconds } else { seconds };
        (own, first.then_some(Step { seconds }))
    }
}

/// The stamp for a record that follows one stamped `last`, when the clock says `now`.
pub(crate) fn next(last: Timestamp, now: Timestamp) -> Timestamp {
    now.max(last.plus_nanos(1))
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn started(last: Timestamp) -> (ManualClock, Stamps) {
        let clock = ManualClock::new(NOON);
        let stamps = Stamps::after(last, Arc::new(clock.clone()));
        (clock, stamps)
    }

    #[test]
    fn small_corrections_are_followed_and_jumps_are_told_once() {
        let (clock, mut stamps) = started(Timestamp::ZERO);
        assert_eq!(stamps.now(), (NOON, None));
        clock.set_wall(NOON.plus_secs(4));
        assert_eq!(stamps.now(), (NOON.plus_secs(4), None));
        clock.set_wall(NOON.plus_secs(4_000));
        let jump = Some(Step { seconds: 3_996 });
        assert_eq!(stamps.now(), (NOON.plus_secs(4), jump));
        clock.advance(Duration::from_secs(10));
        assert_eq!(stamps.now(), (NOON.plus_secs(14), None));
        clock.set_wall(NOON.plus_secs(15));
        assert_eq!(stamps.now(), (NOON.plus_secs(15), None));
        clock.set_wall(NOON);
        assert_eq!(stamps.now().1, Some(Step { seconds: -15 }));
    }

    /// The kernel's own count of the time since the start, sleep included, in hundredths of a second.
    #[cfg(target_os = "linux")]
    fn uptime() -> Duration {
        let text = std::fs::read_to_string("/proc/uptime").expect("Linux tells its uptime");
        let seconds = text.split_whitespace().next().and_then(|n| n.parse().ok());
        Duration::from_secs_f64(seconds.expect("it begins with a number"))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machines_sleep_counts_as_time() {
        let before = uptime();
        let now = SystemClock.monotonic();
        let after = uptime() + Duration::from_millis(10);
        assert!(
            before <= now && now <= after,
            "{before:?} {now:?} {after:?}"
        );
    }

    #[test]
    fn a_night_on_both_clocks_is_followed_without_an_alarm() {
        let (clock, mut stamps) = started(Timestamp::ZERO);
        clock.advance(Duration::from_secs(8 * 3_600));
        assert_eq!(stamps.now(), (NOON.plus_secs(8 * 3_600), None));
    }

    #[test]
    fn a_wall_clock_behind_the_journal_does_not_hold_time_up() {
        let last = NOON.plus_secs(3_600);
        let (clock, mut stamps) = started(last);
        assert_eq!(stamps.now(), (last, Some(Step { seconds: -3_600 })));
        clock.advance(Duration::from_secs(1));
        assert_eq!(stamps.now(), (last.plus_secs(1), None));
    }

    #[test]
    fn stamps_are_strictly_increasing() {
        assert_eq!(next(NOON, NOON), NOON.plus_nanos(1));
        assert_eq!(next(NOON, NOON.plus_secs(1)), NOON.plus_secs(1));
        assert_eq!(
            next(NOON.plus_secs(1), NOON),
            NOON.plus_secs(1).plus_nanos(1)
        );
    }
}
