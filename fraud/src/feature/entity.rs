//! Features of an entity in a role; each exists once for every role.
//!
//! In a sentence, WHO is the role's name.

use super::{Definition, Sight, Unit};
use crate::profile::{DAY, HOUR};

features! { Sight<'_>;
    Definition {
        name: "count_1m",
        sentence: "the WHO had {} attempts in the last minute",
        unit: Unit::Count,
        extract: |it| it.counts.count[0],
    },
    Definition {
        name: "count_10m",
        sentence: "the WHO had {} attempts in the last ten minutes",
        unit: Unit::Count,
        extract: |it| it.counts.count[1],
    },
    Definition {
        name: "count_1h",
        sentence: "the WHO had {} attempts in the last hour",
        unit: Unit::Count,
        extract: |it| it.counts.count[2],
    },
    Definition {
        name: "count_1d",
        sentence: "the WHO had {} attempts in the last day",
        unit: Unit::Count,
        extract: |it| it.counts.count[3],
    },
    Definition {
        name: "count_7d",
        sentence: "the WHO had {} attempts in the last seven days",
        unit: Unit::Count,
        extract: |it| it.counts.count[4],
    },
    Definition {
        name: "count_30d",
        sentence: "the WHO had {} attempts in the last thirty days",
        unit: Unit::Count,
        extract: |it| it.counts.count[5],
    },
    Definition {
        name: "amount_1h",
        sentence: "the WHO moved {} in the last hour",
        unit: Unit::Amount,
        extract: |it| it.counts.amount[2],
    },
    Definition {
        name: "amount_1d",
        sentence: "the WHO moved {} in the last day",
        unit: Unit::Amount,
        extract: |it| it.counts.amount[3],
    },
    Definition {
        name: "amount_7d",
        sentence: "the WHO moved {} in the last seven days",
        unit: Unit::Amount,
        extract: |it| it.counts.amount[4],
    },
    Definition {
        name: "amount_30d",
        sentence: "the WHO moved {} in the last thirty days",
        unit: Unit::Amount,
        extract: |it| it.counts.amount[5],
    },
    Definition {
        name: "others_1h",
        sentence: "the WHO met {} different parties in the last hour",
        unit: Unit::Count,
        extract: |it| it.counts.others[0],
    },
    Definition {
        name: "others_1d",
        sentence: "the WHO met {} different parties in the last day",
        unit: Unit::Count,
        extract: |it| it.counts.others[1],
    },
    Definition {
        name: "others_30d",
        sentence: "the WHO met about {} different parties in the last weeks",
        unit: Unit::Count,
        extract: |it| it.entity.others.estimate(it.now),
    },
    Definition {
        name: "settled",
        sentence: "the WHO has {} settled payments behind it, counted to 30",
        unit: Unit::Count,
        extract: |it| f64::from(it.entity.settled.min(30)),
    },
    Definition {
        name: "age",
        sentence: "the WHO was first seen {} days ago, counted to 30",
        unit: Unit::Days,
        extract: age,
    },
    Definition {
        name: "idle",
        sentence: "the WHO last paid {} seconds ago",
        unit: Unit::Seconds,
        extract: |it| past(it, it.entity.last_at, it.entity.settled > 0, 1),
    },
    Definition {
        name: "mean",
        sentence: "the WHO's payments are {} on average",
        unit: Unit::Amount,
        extract: |it| known(it, it.entity.usual.mean()),
    },
    Definition {
        name: "ratio_mean",
        sentence: "the amount is {} times the WHO's average",
        unit: Unit::Ratio,
        extract: |it| known(it, it.amount / it.entity.usual.mean().max(1.0)),
    },
    Definition {
        name: "ratio_median",
        sentence: "the amount is {} times the WHO's median",
        unit: Unit::Ratio,
        extract: |it| known(it, it.amount / it.entity.usual.median().max(1.0)),
    },
    Definition {
        name: "ratio_p90",
        sentence: "the amount is {} times the WHO's ninth decile",
        unit: Unit::Ratio,
        extract: |it| known(it, it.amount / it.entity.usual.ninth_decile().max(1.0)),
    },
    Definition {
        name: "ratio_largest",
        sentence: "the amount is {} times the WHO's largest usual payment",
        unit: Unit::Ratio,
        extract: |it| known(it, it.amount / it.entity.usual.largest().max(1.0)),
    },
    Definition {
        name: "z_score",
        sentence: "the amount is {} standard deviations above the WHO's average",
        unit: Unit::Ratio,
        extract: z_score,
    },
    Definition {
        name: "spend_ratio_1d",
        sentence: "with this the WHO moves {} times its daily average of thirty days",
        unit: Unit::Ratio,
        extract: spend_ratio,
    },
    Definition {
        name: "amount_mean_7d",
        sentence: "the WHO's payments of seven days are {} times its average",
        unit: Unit::Ratio,
        extract: week_ratio,
    },
    Definition {
        name: "unusual_14d",
        sentence: "the WHO had {} unusually large payments in fourteen days",
        unit: Unit::Count,
        extract: |it| it.counts.unusual,
    },
    Definition {
        name: "unusual_first_days",
        sentence: "the first unusually large payment of the WHO in fourteen days was {} days ago",
        unit: Unit::Days,
        extract: |it| it.counts.unusual_days.map_or(f64::NAN, |days| days.0.into()),
    },
    Definition {
        name: "unusual_last_days",
        sentence: "the last unusually large payment of the WHO in fourteen days was {} days ago",
        unit: Unit::Days,
        extract: |it| it.counts.unusual_days.map_or(f64::NAN, |days| days.1.into()),
    },
    Definition {
        name: "hour_share",
        sentence: "a share of {} of the WHO's payments fall near this hour",
        unit: Unit::Ratio,
        extract: |it| it.entity.usual.hour_share(it.now % DAY / HOUR),
    },
    Definition {
        name: "failed_1d",
        sentence: "the WHO had {} failed attempts in the last day",
        unit: Unit::Count,
        extract: |it| it.counts.failed[0],
    },
    Definition {
        name: "failed_7d",
        sentence: "the WHO had {} failed attempts in seven days",
        unit: Unit::Count,
        extract: |it| it.counts.failed[1],
    },
    Definition {
        name: "frauds_14d",
        sentence: "{} payments of the WHO in fourteen days are known to be fraud",
        unit: Unit::Count,
        extract: |it| it.counts.frauds[0],
    },
    Definition {
        name: "fraud_rate_14d",
        sentence: "a share of {} of the WHO's payments of fourteen days that are known is fraud",
        unit: Unit::Ratio,
        extract: |it| it.counts.frauds[0] / it.counts.known[0],
    },
    Definition {
        name: "frauds_35d",
        sentence: "{} payments of the WHO in thirty-five days are known to be fraud",
        unit: Unit::Count,
        extract: |it| it.counts.frauds[1],
    },
    Definition {
        name: "fraud_rate_35d",
        sentence: "a share of {} of the WHO's payments of thirty-five days that are known is fraud",
        unit: Unit::Ratio,
        extract: |it| it.counts.frauds[1] / it.counts.known[1],
    },
    Definition {
        name: "ordinary_frauds_14d",
        sentence: "{} payments of the WHO in fourteen days are known to be fraud although their amount was ordinary",
        unit: Unit::Count,
        extract: |it| it.counts.ordinary_frauds[0],
    },
    Definition {
        name: "ordinary_frauds_35d",
        sentence: "{} payments of the WHO in thirty-five days are known to be fraud although their amount was ordinary",
        unit: Unit::Count,
        extract: |it| it.counts.ordinary_frauds[1],
    },
    Definition {
        name: "last_fraud",
        sentence: "the newest payment of the WHO that is known was fraud (1) or not (0): {}",
        unit: Unit::Flag,
        extract: last_fraud,
    },
    Definition {
        name: "last_label_days",
        sentence: "the newest payment of the WHO that is known was {} days ago",
        unit: Unit::Days,
        extract: |it| {
            past(
                it,
                it.entity.labels.last_at,
                it.entity.labels.last_at > 0,
                DAY,
            )
        },
    },
    Definition {
        name: "fraud_run",
        sentence: "the newest {} known payments of the WHO are all fraud",
        unit: Unit::Count,
        extract: |it| f64::from(it.entity.labels.run),
    },
    Definition {
        name: "fraud_run_days",
        sentence: "all payments of the WHO that are known are fraud since {} days",
        unit: Unit::Days,
        extract: |it| {
            let labels = &it.entity.labels;
            past(it, labels.run_since, labels.run > 0, DAY)
        },
    },
    Definition {
        name: "genuine_since_fraud",
        sentence: "{} genuine payments of the WHO are known since its last fraud",
        unit: Unit::Count,
        extract: genuine_since,
    },
    Definition {
        name: "first_fraud_days",
        sentence: "the first known fraud of the WHO was {} days ago",
        unit: Unit::Days,
        extract: |it| {
            past(
                it,
                it.entity.labels.first_fraud_at,
                it.entity.labels.frauds > 0,
                DAY,
            )
        },
    },
    Definition {
        name: "last_fraud_days",
        sentence: "the last known fraud of the WHO was {} days ago",
        unit: Unit::Days,
        extract: |it| {
            past(
                it,
                it.entity.labels.last_fraud_at,
                it.entity.labels.frauds > 0,
                DAY,
            )
        },
    },
    Definition {
        name: "fraud_distance",
        sentence: "the WHO is {} steps from a known fraud; 3 is far",
        unit: Unit::Count,
        extract: |it| f64::from(it.entity.distance(it.now)),
    },
}

/// A value that means nothing before the first settled payment.
fn known(it: &Sight<'_>, value: f64) -> f64 {
    if it.entity.settled == 0 {
        f64::NAN
    } else {
        value
    }
}

/// How long ago a moment was, in units of `seconds`; missing if it never came.
fn past(it: &Sight<'_>, at: u32, ever: bool, seconds: u32) -> f64 {
    if ever {
        f64::from(it.now.saturating_sub(at)) / f64::from(seconds)
    } else {
        f64::NAN
    }
}

fn age(it: &Sight<'_>) -> f64 {
    if it.entity.settled == 0 {
        0.0
    } else {
        past(it, it.entity.first_at, true, DAY).min(30.0)
    }
}

fn z_score(it: &Sight<'_>) -> f64 {
    let usual = &it.entity.usual;
    known(it, (it.amount - usual.mean()) / usual.deviation().max(1.0))
}

fn spend_ratio(it: &Sight<'_>) -> f64 {
    let days = age(it).clamp(1.0, 30.0);
    known(
        it,
        (it.counts.amount[3] + it.amount) * days / it.counts.amount[5].max(1.0),
    )
}

fn week_ratio(it: &Sight<'_>) -> f64 {
    known(
        it,
        it.counts.amount[4] / it.counts.count[4].max(1.0) / it.entity.usual.mean().max(1.0),
    )
}

fn last_fraud(it: &Sight<'_>) -> f64 {
    let labels = &it.entity.labels;
    if labels.last_at == 0 {
        f64::NAN
    } else {
        f64::from(u8::from(labels.last_fraud))
    }
}

fn genuine_since(it: &Sight<'_>) -> f64 {
    let labels = &it.entity.labels;
    if labels.frauds == 0 {
        f64::NAN
    } else {
        f64::from(labels.genuine_since)
    }
}
