//! Features of the attempt itself.

use super::{Definition, Unit};
use crate::attempt::Attempt;
use crate::profile::{DAY, HOUR};

features! { Attempt;
    Definition {
        name: "amount",
        sentence: "the amount is {}",
        unit: Unit::Amount,
        extract: |it| it.amount as f64,
    },
    Definition {
        name: "hour",
        sentence: "it is {} o'clock UTC",
        unit: Unit::Hour,
        extract: |it| f64::from(it.second() % DAY) / f64::from(HOUR),
    },
    Definition {
        name: "weekday",
        sentence: "it is day {} of the week, Monday being 0",
        unit: Unit::Category,
        // The first of January 1970 was a Thursday.
        extract: |it| f64::from((it.second() / DAY + 3) % 7),
    },
    Definition {
        name: "kind",
        sentence: "it is of kind {}",
        unit: Unit::Category,
        extract: |it| f64::from(it.kind as u8),
    },
    Definition {
        name: "channel",
        sentence: "it came by channel {}",
        unit: Unit::Category,
        extract: |it| f64::from(it.channel as u8),
    },
}
