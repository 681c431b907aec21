//! How fast the ledger decides and folds, in memory, on one core: `cargo bench -p ledger --bench core`.
//!
//! Beside each other: a bare hash map with two look-ups and two additions for each transfer, which
//! is the least that any ledger does; single transfers, decided and folded one at a time; transfers
//! in commands of 8,190; folding alone, as replay does it; holds made and captured; transfers under
//! velocity limits. As a test it runs with small numbers and only shows that it runs.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use fx::Currency;
use ledger::core::{Amounts, Class, Direction, Memo, Step, VelocityLimit, VelocityOf, Window};
use ledger::{
    AccountId, AccountKind, Answer, Book, Cold, Command, Event, Ledger, Limits, Machine, Moment,
    NewAccount, NewPosting, NewTransaction, Outcome, Sequence, Timestamp, TransactionId,
};

const BOOK: Book = Book(1);
const BATCH: usize = 8_190;

/// Account ids as callers have them: all over 128 bits.
fn account(number: u64) -> AccountId {
    AccountId(u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// A small generator of numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }

    fn posting(&mut self, accounts: u64) -> NewPosting {
        let debit = self.below(accounts);
        let credit = (debit + 1 + self.below(accounts - 1)) % accounts;
        NewPosting {
            debit: account(debit),
            credit: account(credit),
            amount: 1 + i64::try_from(self.below(10_000)).unwrap_or(0),
        }
    }

    fn transaction(&mut self, accounts: u64, number: u64) -> NewTransaction {
        NewTransaction {
            id: TransactionId(u128::from(number)),
            kind: 1,
            reference: None,
            postings: [self.posting(accounts)].into(),
        }
    }
}

/// A ledger and the clock that goes with it.
struct Bench {
    ledger: Ledger,
    moment: Moment,
    events: Vec<Event>,
}

impl Bench {
    fn new(accounts: u64) -> Self {
        let mut bench = Self {
            ledger: Ledger::default(),
            moment: Moment {
                sequence: Sequence(1),
                at: Timestamp::from_millis(1_800_000_000_000),
            },
            events: Vec::new(),
        };
        let new = (0..accounts).map(|number| NewAccount {
            book: BOOK,
            id: account(number),
            currency: Currency::CNY,
            kind: AccountKind::Liability,
            limits: Limits {
                minimum: Some(i64::MIN),
                maximum: Some(i64::MAX),
            },
        });
        let new: Vec<NewAccount> = new.collect();
        for some in new.chunks(BATCH) {
            bench.run(&Command::Open(some.to_vec()));
        }
        bench
    }

    /// Decides and folds.
    fn run(&mut self, command: &Command) {
        self.moment.at = self.moment.at.plus_nanos(1_000);
        self.events.clear();
        let cold = Cold::default();
        let answer = self
            .ledger
            .decide(self.moment.at, command, &cold, &mut self.events);
        match answer {
            Answer::Decided(Outcome::Refused(rejection)) => panic!("{rejection}"),
            Answer::Missing(keys) => panic!("{keys:?} are missing"),
            Answer::Decided(outcome) => black_box(outcome),
        };
        for event in &self.events {
            self.ledger.evolve(self.moment, event);
        }
    }
}

/// Nanoseconds this thread has had a processor for, so that what else runs on the machine counts
/// less. Where the system does not tell, the clock has to do.
fn busy_nanos(started: Instant) -> u128 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanos.unwrap_or_else(|| started.elapsed().as_nanos())
}

/// Runs and prints how many a second that were.
fn measure(what: &str, count: u64, run: impl FnOnce()) {
    let started = Instant::now();
    let before = busy_nanos(started);
    run();
    let nanos = (busy_nanos(started) - before).max(1);
    let per_second = u128::from(count) * 1_000_000_000 / nanos;
    println!(
        "{what:<44} {per_second:>12} /s   {:>6} ns each",
        nanos / u128::from(count)
    );
}

fn bare(accounts: u64, count: u64) {
    let mut sums: HashMap<(u32, u128), (i128, i128)> = (0..accounts)
        .map(|number| ((1, account(number).0), (0, 0)))
        .collect();
    let mut numbers = Numbers(1);
    let postings: Vec<NewPosting> = (0..count).map(|_| numbers.posting(accounts)).collect();
    measure("bare hash map, two additions", count, || {
        for posting in &postings {
            if let Some(sum) = sums.get_mut(&(1, posting.debit.0)) {
                sum.0 += i128::from(posting.amount);
            }
            if let Some(sum) = sums.get_mut(&(1, posting.credit.0)) {
                sum.1 += i128::from(posting.amount);
            }
        }
    });
    black_box(sums);
}

fn single(what: &str, bench: &mut Bench, accounts: u64, count: u64) {
    let mut numbers = Numbers(1);
    let commands = (0..count).map(|number| Command::Post {
        book: BOOK,
        transactions: [numbers.transaction(accounts, number)].into(),
    });
    let commands: Vec<Command> = commands.collect();
    measure(what, count, || {
        for command in &commands {
            bench.run(command);
        }
    });
}

fn batches(bench: &mut Bench, accounts: u64, count: u64) {
    let mut numbers = Numbers(1);
    let transactions: Vec<NewTransaction> = (0..count)
        .map(|number| numbers.transaction(accounts, number))
        .collect();
    let commands = transactions.chunks(BATCH).map(|some| Command::Post {
        book: BOOK,
        transactions: some.to_vec().into(),
    });
    let commands: Vec<Command> = commands.collect();
    measure("transfers, 8,190 a command", count, || {
        for command in &commands {
            bench.run(command);
        }
    });
}

fn replay(bench: &mut Bench, accounts: u64, count: u64) {
    let mut numbers = Numbers(1);
    let transactions: Vec<NewTransaction> = (0..count)
        .map(|number| numbers.transaction(accounts, number))
        .collect();
    let mut events = Vec::new();
    for some in transactions.chunks(BATCH) {
        let posted = bench
            .ledger
            .post_at(bench.moment.at, BOOK, some, &mut events);
        posted.expect("nothing is in the way");
    }
    measure("folding alone", count, || {
        for event in &events {
            bench.ledger.evolve(bench.moment, event);
        }
    });
}

fn holds(bench: &mut Bench, accounts: u64, count: u64) {
    let mut numbers = Numbers(1);
    let memo = |id| Memo {
        id: TransactionId(id),
        ..Memo::default()
    };
    let mut commands = Vec::new();
    for number in 0..u128::from(count) {
        let hold = Step::Hold {
            memo: memo(number),
            postings: vec![numbers.posting(accounts)],
            amounts: Amounts::Exact,
            timeout_secs: None,
        };
        let capture = Step::Capture {
            memo: memo(number),
            hold: TransactionId(number),
            amounts: None,
            effective: None,
        };
        for step in [hold, capture] {
            commands.push(Command::Transact {
                book: BOOK,
                steps: vec![step],
            });
        }
    }
    measure("holds made and captured", count, || {
        for (number, command) in (0_u64..).zip(&commands) {
            bench.run(command);
            if number % 10_000 == 0 {
                bench.ledger.evict(bench.moment.sequence);
            }
        }
    });
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let count = if full { 2_000_000 } else { 10_000 };
    for accounts in [10_000, 1_000_000] {
        let accounts = if full { accounts } else { accounts / 1_000 };
        println!("{accounts} accounts, {count} transfers");
        bare(accounts, count);
        let mut bench = Bench::new(accounts);
        single("transfers one at a time", &mut bench, accounts, count);
        batches(&mut bench, accounts, count);
        replay(&mut bench, accounts, count);
        holds(&mut bench, accounts, count / 4);
        bench.run(&Command::SetVelocity {
            book: BOOK,
            of: VelocityOf::Class(Class(0)),
            limits: vec![VelocityLimit {
                direction: Direction::Out,
                window: Window::Year,
                count_max: Some(u32::MAX),
                amount_max: Some(i64::MAX),
            }],
        });
        single(
            "transfers under velocity limits",
            &mut bench,
            accounts,
            count,
        );
    }
}
