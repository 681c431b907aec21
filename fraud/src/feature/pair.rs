//! Features of payer and payee together, and of money passing through the payer.

use super::{Definition, Meeting, Unit};
use crate::profile::DAY;

features! { Meeting<'_>;
    Definition {
        name: "count",
        sentence: "the payer paid this payee {} times before",
        unit: Unit::Count,
        extract: |it| it.forth.map_or(0.0, |pair| f64::from(pair.count)),
    },
    Definition {
        name: "age",
        sentence: "the payer first paid this payee {} days ago",
        unit: Unit::Days,
        extract: |it| {
            it.forth
                .map_or(f64::NAN, |pair| days_since(it.now, pair.first_at))
        },
    },
    Definition {
        name: "idle",
        sentence: "the payer last paid this payee {} days ago",
        unit: Unit::Days,
        extract: |it| {
            it.forth
                .map_or(f64::NAN, |pair| days_since(it.now, pair.last_at))
        },
    },
    Definition {
        name: "ratio_mean",
        sentence: "the amount is {} times what the payer usually pays this payee",
        unit: Unit::Ratio,
        extract: |it| {
            it.forth.map_or(f64::NAN, |pair| {
                it.amount * f64::from(pair.count) / (pair.amount as f64).max(1.0)
            })
        },
    },
    Definition {
        name: "cycle",
        sentence: "the payee paid the payer {} times before",
        unit: Unit::Count,
        extract: |it| it.back.map_or(0.0, |pair| f64::from(pair.count)),
    },
    Definition {
        name: "circle",
        sentence: "with this, money comes back to where it was, through {} parties; 0 if it does not",
        unit: Unit::Count,
        extract: circle,
    },
    Definition {
        name: "received_1d",
        sentence: "the payer received {} in the last day",
        unit: Unit::Amount,
        extract: |it| {
            it.inflow
                .as_ref()
                .map_or(0.0, |(_, counts)| counts.amount[3])
        },
    },
    Definition {
        name: "fan_in_1d",
        sentence: "the payer received money from {} parties in the last day",
        unit: Unit::Count,
        extract: |it| {
            it.inflow
                .as_ref()
                .map_or(0.0, |(_, counts)| counts.others[1])
        },
    },
    Definition {
        name: "dwell",
        sentence: "money last reached the payer {} seconds ago",
        unit: Unit::Seconds,
        extract: |it| {
            // Whoever is only about to be paid has been reached by nothing yet.
            let reached = it.inflow.as_ref().filter(|(entity, _)| entity.settled > 0);
            reached.map_or(f64::NAN, |(entity, _)| {
                f64::from(it.now.saturating_sub(entity.last_at))
            })
        },
    },
    Definition {
        name: "pass_through_1d",
        sentence: "with this the payer sends on {} times what it received in the last day",
        unit: Unit::Ratio,
        extract: |it| match &it.inflow {
            Some((_, counts)) if counts.amount[3] > 0.0 => {
                (it.sent_1d + it.amount) / counts.amount[3]
            }
            _ => f64::NAN,
        },
    },
}

/// How many parties money has gone through when it comes back to the payee.
fn circle(it: &Meeting<'_>) -> f64 {
    let Some((payee, (payer, _))) = it.payee.zip(it.inflow.as_ref()) else {
        return 0.0;
    };
    let hands = payer.sources.hands_from(payee, it.now);
    hands.map_or(0.0, |hands| f64::from(hands) + 1.0)
}

fn days_since(now: u32, at: u32) -> f64 {
    f64::from(now.saturating_sub(at)) / f64::from(DAY)
}
