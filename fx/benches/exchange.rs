//! What a conversion and a quote cost, beside a 128-bit division by the compiler on the same
//! machine.
//!
//! `cargo bench -p fx` prints the least of several passes in nanoseconds. Run by `cargo test` it does
//! the same with little work, so that it keeps compiling and its results stay right.

use std::hint::black_box;
use std::time::Instant;

use fx::{
    Conversion, Currency, Freshness, Limits, Money, Rate, RateBook, Rounding, Side, Source, Tick,
    Tier, Timestamp,
};

const CASES: usize = 4_096;

/// Passes over all cases; short ones, so that some are not interrupted.
struct Passes(usize);

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let passes = Passes(if is_bench { 500 } else { 1 });
    let amounts = amounts();
    let rate = Rate::parse("7.4326").expect("a rate");

    let scale = u128::from(Rate::SCALE);
    let division = passes.nanos(&amounts, |amount| {
        let product = u128::from(amount.unsigned_abs()) * u128::from(rate.scaled());
        product / black_box(scale)
    });
    let direct = Conversion::at(rate, Currency::EUR, Currency::CNY);
    let conversion = passes.conversion(&amounts, &direct, Currency::EUR);
    let long = Rate::parse("7.4326123457").expect("a rate");
    let pivot_to_cny = Conversion::at(long, Currency::USD, Currency::CNY);
    let eur_to_pivot = Conversion::at(
        Rate::parse("1.1172345679").expect("a rate"),
        Currency::EUR,
        Currency::USD,
    );
    let cross = eur_to_pivot.then(&pivot_to_cny).expect("a cross");
    let wide = passes.conversion(&amounts, &cross, Currency::EUR);
    let making = passes.nanos(&amounts, |amount| {
        let rate = Rate::from_scaled(amount.unsigned_abs()).expect("no amount is zero");
        Conversion::at(rate, Currency::EUR, Currency::CNY)
    });

    let (book, now) = book();
    let tier = Tier::new("retail", 30);
    let quote = |side: Side, from: Currency, to: Currency| {
        passes.nanos(&amounts, |amount| {
            book.quote(side, Money::new(amount + 1_000, from), to, &tier, now)
                .expect("a quote")
        })
    };
    let quote_direct = quote(Side::Sell, Currency::EUR, Currency::CNY);
    let quote_cross = quote(Side::Sell, Currency::USD, Currency::CNY);
    let quote_buy = quote(Side::Buy, Currency::USD, Currency::JPY);

    println!("{:>9}  what (least of {} passes)", "ns", passes.0);
    for (nanos, what) in [
        (
            division,
            "baseline: i64 amount x u64 rate / 10^10, the compiler's 128-bit division, no rounding",
        ),
        (
            conversion,
            "convert at a rate or a cross of published rates, half-even",
        ),
        (
            wide,
            "convert at a cross of two rates with all ten decimals (parts beyond 64 bits)",
        ),
        (making, "prepare a conversion from a rate"),
        (quote_direct, "quote EUR to CNY, one leg"),
        (quote_cross, "quote USD to CNY through EUR"),
        (quote_buy, "quote JPY bought for USD through EUR"),
    ] {
        println!("{:>7}.{}  {what}", nanos / 10, nanos % 10);
    }
}

impl Passes {
    /// Tenths of a nanosecond for one case, the least over all passes.
    fn nanos<T>(&self, amounts: &[i64], work: impl Fn(i64) -> T) -> u128 {
        let pass = |_| {
            let start = Instant::now();
            for &amount in amounts {
                black_box(work(black_box(amount)));
            }
            start.elapsed().as_nanos() * 10 / amounts.len() as u128
        };
        (0..self.0).map(pass).min().unwrap_or_default()
    }

    fn conversion(&self, amounts: &[i64], conversion: &Conversion, from: Currency) -> u128 {
        self.nanos(amounts, |amount| {
            conversion.convert(Money::new(amount, from), Rounding::HalfEven)
        })
    }
}

/// Amounts of every magnitude from 1 to 2^40, in no order that a branch predictor could learn.
fn amounts() -> Vec<i64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let size = (state >> 24) >> (state % 34);
        i64::try_from(size).expect("40 bits") + 1
    };
    (0..CASES).map(|_| next()).collect()
}

fn book() -> (RateBook, Timestamp) {
    let now = Timestamp(1_793_366_100_000_000_000);
    let mut book = RateBook::new(Currency::EUR, 1_000);
    let limits = Limits {
        freshness: Freshness::Within { seconds: 60 },
        band_bps: 500,
    };
    book.add_source(Source::new("desk", limits))
        .expect("a new source");
    for (quote, rate) in [
        (Currency::USD, "1.1172"),
        (Currency::CNY, "7.4326"),
        (Currency::JPY, "175.68"),
    ] {
        let rate = Rate::parse(rate).expect("a rate");
        let tick = Tick {
            base: Currency::EUR,
            quote,
            bid: rate,
            ask: rate,
            time: now,
        };
        book.accept("desk", &tick, now).expect("a tick");
    }
    (book, now)
}
