//! Stories told in small tables, run on the ledger and on the oracle through one [`check`].
//!
//! A line is a command, a bar, and what comes of it: `ok`, or a reason's code with the step (or
//! transaction) and posting it is about (`@1.2`, when not the first) and the account. `post a>b 10`
//! debits `a` and credits `b`; a comma starts the next posting, a slash the next transaction, `x3`
//! repeats. `move`, `hold`, `capture`, `release` and `reverse` are steps, a semicolon between them.
//! `balance` and `available` state how an account stands, `pass` lets seconds go by, `evict` sends
//! what is finished out of memory. Text after `#` is a remark.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use fx::Currency;
use ledger::core::{
    Amounts, BookSettings, Class, Description, Direction, Memo, Metadata, Step, VelocityLimit,
    VelocityOf, Window,
};
use ledger::{
    AccountId, AccountKind, AccountState, Book, Command, Limits, NewAccount, NewPosting,
    NewTransaction, Outcome, Reason, Timestamp, TransactionId, TransactionNo,
};

use crate::core_pair::Pair;

/// Words after which a posting list or an amount list is over.
const OPTIONS: [&str; 6] = ["ref", "meta", "effective", "corrects", "for", "at_most"];

/// A line, or a part of one, word by word.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().collect())
    }

    fn at(&self, position: usize) -> &'a str {
        self.0.get(position).copied().unwrap_or_default()
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    /// The number after a word, if the word is there.
    fn number<T: TryFrom<i64>>(&self, word: &str) -> Option<T> {
        let at = self.0.iter().position(|found| *found == word)?;
        let number: i64 = self.at(at + 1).parse().unwrap();
        T::try_from(number).ok()
    }

    /// `x8190` at the end, if it is there.
    fn repeats(&self) -> usize {
        let last = self.0.last().and_then(|word| word.strip_prefix('x'));
        last.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// As much text as the word says bytes.
    fn text(&self, word: &str) -> Option<Box<str>> {
        let bytes = self.number::<usize>(word)?;
        Some("r".repeat(bytes).into())
    }

    /// As many pairs as the word says.
    fn metadata(&self) -> Metadata {
        let pairs = self.number::<u32>("meta").unwrap_or(0);
        (0..pairs)
            .map(|number| (number.to_string().into(), "v".into()))
            .collect()
    }

    fn limits(&self) -> Limits {
        Limits {
            minimum: self.number("min"),
            maximum: self.number("max"),
        }
    }

    /// The amounts up to the first option; `None` when there are none.
    fn amounts(&self) -> Option<Vec<i64>> {
        let words = self
            .0
            .iter()
            .skip(2)
            .take_while(|word| !OPTIONS.contains(word));
        let amounts: Vec<i64> = words.map(|word| word.parse().unwrap()).collect();
        (!amounts.is_empty()).then_some(amounts)
    }
}

/// A story being told: the names it has used so far and the pair that lives it.
#[derive(Default)]
struct Teller {
    pair: Pair,
    book: Book,
    names: BTreeMap<String, AccountId>,
    transactions: u128,
}

impl Teller {
    fn id(&mut self, name: &str) -> AccountId {
        let next = AccountId(1_000_000 * (self.names.len() as u128 + 1));
        *self.names.entry(name.to_owned()).or_insert(next)
    }

    fn name(&self, id: AccountId) -> String {
        let named = self.names.iter().find(|(_, named)| **named == id);
        named.map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }

    fn hold_id(&mut self, name: &str) -> TransactionId {
        TransactionId(self.id(name.trim_end_matches(':')).0)
    }

    /// Some seconds from now, or back.
    fn moment(&self, secs: i64) -> Timestamp {
        let nanos = secs.unsigned_abs() * 1_000_000_000;
        let now = self.pair.now();
        if secs > 0 {
            now.plus_nanos(nanos)
        } else {
            Timestamp(now.0 - nanos)
        }
    }

    fn posting(&mut self, text: &str) -> Vec<NewPosting> {
        let words = Words::of(text);
        let (debit, credit) = words.at(0).split_once('>').unwrap();
        let posting = NewPosting {
            debit: self.id(debit),
            credit: self.id(credit),
            amount: words.at(1).parse().unwrap(),
        };
        vec![posting; words.repeats()]
    }

    /// `a>b 10, a>c 5 x3`, up to the first option.
    fn postings(&mut self, words: &[&str]) -> Vec<NewPosting> {
        let words = words.iter().take_while(|word| !OPTIONS.contains(word));
        let text = words.copied().collect::<Vec<_>>().join(" ");
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        parts.flat_map(|part| self.posting(part)).collect()
    }

    fn transaction(&mut self, text: &str) -> NewTransaction {
        let words = Words::of(text);
        self.transactions += 1;
        NewTransaction {
            id: TransactionId(self.transactions),
            kind: 0,
            reference: words.text("ref"),
            postings: self.postings(&words.0).into(),
        }
    }

    fn step(&mut self, text: &str) -> Step {
        let words = Words::of(text);
        self.transactions += 1;
        let memo = Memo {
            id: TransactionId(self.transactions),
            kind: 0,
            reference: words.text("ref"),
            metadata: words.metadata(),
        };
        let effective = words.number("effective").map(|secs| self.moment(secs));
        let amounts = if words.has("at_most") {
            Amounts::AtMost
        } else {
            Amounts::Exact
        };
        match words.at(0) {
            "move" => Step::Post {
                memo,
                postings: self.postings(&words.0[1..]),
                amounts,
                effective,
                corrects: words.number("corrects").map(TransactionNo),
            },
            "hold" => Step::Hold {
                memo: Memo {
                    id: self.hold_id(words.at(1)),
                    ..memo
                },
                postings: self.postings(&words.0[2..]),
                amounts,
                timeout_secs: words.number("for").and_then(NonZeroU32::new),
            },
            "capture" => Step::Capture {
                memo,
                hold: self.hold_id(words.at(1)),
                amounts: words.amounts(),
                effective,
            },
            "release" => Step::Release {
                hold: self.hold_id(words.at(1)),
            },
            "reverse" => Step::Reverse {
                memo,
                transaction: TransactionNo(words.at(1).trim_end_matches(':').parse().unwrap()),
                amounts: words.amounts(),
                effective,
            },
            other => panic!("no such step: {other}"),
        }
    }

    fn open(&mut self, words: &Words) -> Command {
        let kind = match words.at(3) {
            "asset" => AccountKind::Asset,
            "liability" => AccountKind::Liability,
            "income" => AccountKind::Income,
            other => panic!("no such kind: {other}"),
        };
        let first = NewAccount {
            book: self.book,
            id: self.id(words.at(1)),
            currency: currency(words.at(2), 0),
            kind,
            limits: words.limits(),
        };
        let more = (0..).map(|nth| NewAccount {
            id: AccountId(first.id.0 + nth),
            ..first
        });
        Command::Open(more.take(words.repeats()).collect())
    }

    /// `velocity alice out day count 3 amount 100`, or `velocity tier1 …` for class 1.
    fn velocity(&mut self, words: &Words) -> Command {
        let class = words.at(1).strip_prefix("tier");
        let direction = match words.at(2) {
            "in" => Some(Direction::In),
            "out" => Some(Direction::Out),
            "both" => Some(Direction::Both),
            _ => None,
        };
        let window = match words.at(3) {
            "month" => Window::Month,
            "year" => Window::Year,
            _ => Window::Day,
        };
        let limit = direction.map(|direction| VelocityLimit {
            direction,
            window,
            count_max: words.number("count"),
            amount_max: words.number("amount"),
        });
        Command::SetVelocity {
            book: self.book,
            of: match class {
                Some(class) => VelocityOf::Class(Class(class.parse().unwrap())),
                None => VelocityOf::Account(self.id(words.at(1))),
            },
            limits: limit.into_iter().collect(),
        }
    }

    /// What a line asks for.
    fn command(&mut self, line: &str) -> Command {
        let words = Words::of(line);
        let book = self.book;
        match words.at(0) {
            "asset" => Command::RegisterAsset(currency(words.at(1), words.at(2).parse().unwrap())),
            "open" => self.open(&words),
            "limits" => Command::SetLimits {
                book,
                account: self.id(words.at(1)),
                limits: words.limits(),
            },
            "state" => Command::SetState {
                book,
                account: self.id(words.at(1)),
                state: state(words.at(2)),
            },
            "velocity" => self.velocity(&words),
            "class" => Command::SetClass {
                book,
                account: self.id(words.at(1)),
                class: Class(words.at(2).parse().unwrap()),
            },
            "settings" => Command::SetBook {
                book,
                settings: BookSettings {
                    name: words.text("name").unwrap_or_default(),
                    offset_minutes: words.number("offset").unwrap_or(0),
                },
            },
            "close" => Command::ClosePeriod {
                book,
                before: self.moment(words.at(1).parse().unwrap()),
            },
            "describe" => Command::Describe {
                book,
                account: self.id(words.at(1)),
                description: Description {
                    kind: 0,
                    reference: words.text("ref"),
                    metadata: words.metadata(),
                },
            },
            "ask" => Command::Balances {
                book,
                accounts: vec![self.id(words.at(1))],
            },
            "ask-hold" => Command::Holds {
                book,
                holds: vec![self.hold_id(words.at(1))],
            },
            "post" => {
                let rest = line.trim_start().strip_prefix("post").unwrap();
                let parts = rest.split('/').filter(|_| !rest.trim().is_empty());
                let transactions = parts.map(|part| self.transaction(part)).collect();
                Command::Post { book, transactions }
            }
            _ => Command::Transact {
                book,
                steps: line.split(';').map(|part| self.step(part)).collect(),
            },
        }
    }

    /// What a line states or lets happen without a command; false if it is a command.
    fn aside(&mut self, line: &str) -> bool {
        let words = Words::of(line);
        match words.at(0) {
            "book" => self.book = Book(words.at(1).parse().unwrap()),
            "pass" => {
                let secs: u64 = words.at(1).parse().unwrap();
                self.pair.pass(secs * 1_000_000_000, 1_000);
            }
            "evict" => self.pair.evict(words.at(1).parse().unwrap()),
            "balance" | "available" => {
                let id = self.id(words.at(1));
                let account = self.pair.engine.machine().account(self.book, id).unwrap();
                let number = if words.at(0) == "balance" {
                    account.net()
                } else {
                    account.available().unwrap()
                };
                assert_eq!(number.to_string(), words.at(2), "{line}");
            }
            _ => return false,
        }
        true
    }

    fn outcome(&self, outcome: &Outcome) -> String {
        let Outcome::Refused(rejection) = outcome else {
            return "ok".to_owned();
        };
        let place = match (rejection.transaction, rejection.posting) {
            (0, 0) => String::new(),
            (transaction, posting) => format!(" @{transaction}.{posting}"),
        };
        let account = rejection.account.map(|id| format!(" {}", self.name(id)));
        rejection.reason.code().to_owned() + &place + &account.unwrap_or_default()
    }
}

fn currency(code: &str, exponent: u8) -> Currency {
    Currency::iso(code).unwrap_or_else(|_| Currency::own(code, exponent).unwrap())
}

fn state(word: &str) -> AccountState {
    match word {
        "open" => AccountState::Open,
        "frozen_in" => AccountState::FrozenIn,
        "frozen_out" => AccountState::FrozenOut,
        "frozen" => AccountState::Frozen,
        "closed" => AccountState::Closed,
        other => panic!("no such state: {other}"),
    }
}

/// Tells a story and returns the reasons it met, in order.
pub(crate) fn check(name: &str, story: &str) -> Vec<Reason> {
    let mut teller = Teller::default();
    let mut reasons = Vec::new();
    for line in story.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || teller.aside(line) {
            continue;
        }
        let (asked, expected) = line.split_once('|').unwrap();
        let command = teller.command(asked);
        let outcome = teller.pair.run(command);
        assert_eq!(teller.outcome(&outcome), expected.trim(), "{name}: {line}");
        if let Outcome::Refused(rejection) = outcome {
            reasons.push(rejection.reason);
        }
    }
    teller.pair.check_replay();
    reasons
}
