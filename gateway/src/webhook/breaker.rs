//! A circuit breaker: leaves a receiver alone that has failed many times in a row, and looks again now and then.

use super::Settings;

/// The breaker of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaker {
    /// All is well, apart from so many failures since the last success.
    Closed { failures: u32 },
    /// Nothing is tried until then. Each time it opens again it stays open twice as long.
    Open { until_ms: i64, pause_ms: i64 },
    /// One attempt is under way that decides.
    Probing { pause_ms: i64 },
}

impl Breaker {
    pub(super) const NEW: Self = Self::Closed { failures: 0 };

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// When an attempt is possible again, if not now.
    pub(super) fn opens_at_ms(self) -> Option<i64> {
        match self {
            Self::Open { until_ms, .. } => Some(until_ms),
            Self::Closed { .. } | Self::Probing { .. } => None,
        }
    }

    /// Asks to make an attempt. A breaker that was open long enough lets exactly one through.
    pub(super) fn admit(&mut self, now_ms: i64) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { until_ms, pause_ms } if until_ms <= now_ms => {
                *self = Self::Probing { pause_ms };
                true
            }
            Self::Open { .. } | Self::Probing { .. } => false,
        }
    }

    /// The receiver gave a sign of life. True if it had been left alone.
    pub(super) fn alive(&mut self) -> bool {
        !std::mem::replace(self, Self::NEW).is_closed()
    }

    pub(super) fn failed(&mut self, now_ms: i64, settings: &Settings) {
        let pause_ms = match *self {
            Self::Closed { failures } if failures + 1 < settings.breaker_failures => {
                *self = Self::Closed {
                    failures: failures + 1,
                };
                return;
            }
            Self::Closed { .. } => settings.breaker_pause_ms,
            // An attempt that began before the breaker opened says nothing new.
            Self::Open { .. } => return,
            Self::Probing { pause_ms } => pause_ms
                .saturating_mul(2)
                .min(settings.breaker_pause_ms_max),
        };
        *self = Self::Open {
            until_ms: now_ms.saturating_add(pause_ms),
            pause_ms,
        };
    }
}
