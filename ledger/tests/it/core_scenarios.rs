//! Stories told in small tables, run on the ledger and on the oracle through one [`check`].
//!
//! A line is a command, a bar, and what comes of it: `ok`, or a reason's code with the transaction
//! and posting it is about (`@1.2`, when not the first) and the account. `post a>b 10` debits `a`
//! and credits `b`; a comma starts the next posting, a slash the next transaction, `x3` repeats.
//! `balance a 10` states the balance of `a` on its normal side. Text after `#` is a remark.

use std::collections::BTreeMap;

use fx::{Currencies, Currency};
use ledger::{
    AccountId, AccountKind, AccountState, Book, Command, Event, Ledger, Limits, NewAccount,
    NewPosting, NewTransaction, Outcome, Reason, TransactionId,
};

use crate::core_pair::Pair;

const BALANCES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open bob   CNY liability min 0 max 500       | ok
    open fees  CNY income                        | ok
    post cash>alice 1000                         | ok
    balance cash  1000
    balance alice 1000
    post alice>bob 300, alice>fees 5             | ok
    balance alice 695
    balance bob   300
    balance fees  5
    # The second posting pays for the first: limits are looked at when the transaction is complete.
    post bob>fees 400, alice>bob 100             | ok
    balance bob   0
    # But not when the command is complete: here the second transaction comes too late.
    post bob>fees 100 / alice>bob 100            | below_minimum bob
    post alice>bob 100 / bob>fees 100            | ok
    balance alice 495
";

const TERMS: &str = "
    asset POINTS 0                               | ok
    asset POINTS 0                               | ok  # again, the same: nothing to do
    asset POINTS 2                               | asset_exists
    asset CNY 2                                  | ok  # an ISO currency needs no registration
    open  a POINTS liability                     | ok
    open  a POINTS liability                     | ok  # again, on the same terms
    open  a POINTS asset                         | account_exists a
    open  b MILES liability                      | asset_not_registered b
    open  b CNY liability min 10 max 9           | limits_invalid b
    open  b CNY liability min 10 max 10          | ok
    open  a POINTS asset min 2 max 1             | account_exists a
    open  many CNY liability x8190               | ok
    open  many CNY liability x8191               | accounts_too_many
    limits b min 5 max 4                         | limits_invalid b
    limits ghost min 5                           | account_not_found ghost
    limits b min 5                               | ok
    state ghost frozen                           | account_not_found ghost
    ask ghost                                    | account_not_found ghost
    ask b                                        | ok
";

const STATES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    open bob   CNY liability                     | ok
    post cash>alice 100                          | ok
    state alice frozen_out                       | ok
    post alice>bob 1                             | account_frozen alice
    post cash>alice 1                            | ok
    state alice frozen_in                        | ok
    post cash>alice 1                            | account_frozen alice
    post alice>bob 1                             | ok
    state alice frozen                           | ok
    post alice>bob 1                             | account_frozen alice
    state alice closed                           | balance_not_zero alice
    state alice open                             | ok
    post alice>bob 100                           | ok
    state alice closed                           | ok
    post cash>alice 1                            | account_closed alice
    state alice open                             | ok  # an operator may open it again
    post cash>alice 1                            | ok
    # Cash is an asset: what debits it comes in.
    state cash frozen_in                         | ok
    post cash>alice 1                            | account_frozen cash
    post alice>cash 1                            | ok
";

const BREACHES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    open bob   CNY liability                     | ok
    post cash>alice 100                          | ok
    limits alice max 50                          | ok  # below today's balance: no error by itself
    post cash>alice 1                            | above_maximum alice
    post alice>bob 10                            | ok  # 90 is still above, but nearer
    post alice>bob 10, cash>alice 10             | ok  # as far above as before
    limits alice min 95                          | ok
    post alice>bob 1                             | below_minimum alice
    post cash>alice 1                            | ok
    balance alice 91
    post alice>bob 1, bob>alice 2                | ok
    limits alice min 200                         | ok
    # Both parties break a limit in one posting: the minimum stands before the maximum.
    limits bob max 5                             | ok
    post alice>bob 1                             | below_minimum alice
    post cash>bob 1                              | above_maximum bob
";

const BOOKS: &str = "
    book 1                                       | ok
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    book 2                                       | ok
    open cash  CNY asset                         | ok
    post cash>alice 1                            | account_not_found alice  # she is in book 1
    book 1                                       | ok
    post cash>alice 1                            | ok
    balance cash 1
    book 2                                       | ok
    balance cash 0
";

/// One command that has everything wrong with it, mended one fault a line: the reasons come out in
/// the order of precedence, also across transactions.
const LADDER: &str = "
    open cash    CNY asset                       | ok
    open alice   CNY liability min 0             | ok
    open full    CNY liability max 0             | ok
    open yen     JPY liability                   | ok
    open shut    CNY liability                   | ok
    open frozen  CNY liability                   | ok
    state shut closed                            | ok
    state frozen frozen                          | ok
    post                                         | transactions_missing
    post ghost>ghost 0 x257 ref 281 /            | postings_missing @1.0
    post ghost>ghost 0 ref 281 / a>a 0 x257      | postings_too_many @1.0
    post ghost>ghost 0 / a>a 0 ref 281           | reference_too_long @1.0
    post ghost>ghost 1 / alice>yen 0             | amount_not_positive @1.0
    post ghost>yen 1 / shut>shut 1               | same_account @1.0 shut
    post alice>yen 1 / shut>ghost 1              | account_not_found @1.0 ghost
    post alice>shut 1 / shut>yen 1               | assets_differ @1.0 yen
    post alice>frozen 1 / alice>shut 1           | account_closed @1.0 shut
    post alice>cash 1 / cash>alice 2, frozen>alice 1 | account_frozen @1.1 frozen
    post cash>full 1, alice>full 1               | below_minimum @0.1 alice
    post cash>alice 1, cash>full 1               | above_maximum @0.1 full
    post cash>alice 1, alice>cash 1              | ok
";

const STORIES: [(&str, &str); 6] = [
    ("balances", BALANCES),
    ("terms", TERMS),
    ("states", STATES),
    ("breaches", BREACHES),
    ("books", BOOKS),
    ("ladder", LADDER),
];

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

    fn currency(code: &str, exponent: u8) -> Currency {
        Currency::iso(code).unwrap_or_else(|_| Currency::own(code, exponent).unwrap())
    }

    /// `min N max N`, each if it is there.
    fn limits(words: &[&str]) -> Limits {
        let bound = |name| {
            let at = words.iter().position(|word| *word == name)?;
            Some(words[at + 1].parse().unwrap())
        };
        Limits {
            minimum: bound("min"),
            maximum: bound("max"),
        }
    }

    /// `x8190`, if it is there.
    fn repeats(words: &[&str]) -> usize {
        let last = words.last().and_then(|word| word.strip_prefix('x'));
        last.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    fn posting(&mut self, words: &[&str]) -> Vec<NewPosting> {
        let (debit, credit) = words[0].split_once('>').unwrap();
        let posting = NewPosting {
            debit: self.id(debit),
            credit: self.id(credit),
            amount: words[1].parse().unwrap(),
        };
        vec![posting; Self::repeats(words)]
    }

    fn transaction(&mut self, text: &str) -> NewTransaction {
        let (text, reference) = match text.split_once("ref ") {
            Some((text, bytes)) => (text, Some("r".repeat(bytes.trim().parse().unwrap()).into())),
            None => (text, None),
        };
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let postings = parts
            .flat_map(|part| self.posting(&part.split_whitespace().collect::<Vec<_>>()))
            .collect();
        self.transactions += 1;
        NewTransaction {
            id: TransactionId(self.transactions),
            kind: 0,
            reference,
            postings,
        }
    }

    fn open(&mut self, words: &[&str]) -> Command {
        let kind = match words[3] {
            "asset" => AccountKind::Asset,
            "liability" => AccountKind::Liability,
            "income" => AccountKind::Income,
            other => panic!("no such kind: {other}"),
        };
        let first = NewAccount {
            book: self.book,
            id: self.id(words[1]),
            currency: Self::currency(words[2], 0),
            kind,
            limits: Self::limits(words),
        };
        let more = (0..).map(|nth| NewAccount {
            id: AccountId(first.id.0 + nth),
            ..first
        });
        Command::Open(more.take(Self::repeats(words)).collect())
    }

    /// What a line asks for; `None` when it only turns to another book.
    fn command(&mut self, line: &str) -> Option<Command> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (book, second) = (self.book, words.get(1).copied().unwrap_or_default());
        Some(match words[0] {
            "book" => {
                self.book = Book(second.parse().unwrap());
                return None;
            }
            "asset" => Command::RegisterAsset(Self::currency(second, words[2].parse().unwrap())),
            "open" => self.open(&words),
            "limits" => Command::SetLimits {
                book,
                account: self.id(second),
                limits: Self::limits(&words),
            },
            "state" => Command::SetState {
                book,
                account: self.id(second),
                state: match words[2] {
                    "open" => AccountState::Open,
                    "frozen_in" => AccountState::FrozenIn,
                    "frozen_out" => AccountState::FrozenOut,
                    "frozen" => AccountState::Frozen,
                    "closed" => AccountState::Closed,
                    other => panic!("no such state: {other}"),
                },
            },
            "ask" => Command::Balances {
                book,
                accounts: vec![self.id(second)],
            },
            "post" => {
                let rest = line.trim_start().strip_prefix("post").unwrap();
                let parts = rest.split('/').filter(|_| !rest.trim().is_empty());
                let transactions = parts.map(|part| self.transaction(part)).collect();
                Command::Post { book, transactions }
            }
            other => panic!("no such command: {other}"),
        })
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

/// Tells a story and returns the reasons it met, in order.
fn check(name: &str, story: &str) -> Vec<Reason> {
    let mut teller = Teller::default();
    let mut reasons = Vec::new();
    for line in story.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if let Some(rest) = line.strip_prefix("balance ") {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let id = teller.id(words[0]);
            let account = teller
                .pair
                .engine
                .machine()
                .account(teller.book, id)
                .unwrap();
            assert_eq!(account.net().to_string(), words[1], "{name}: {line}");
            continue;
        }
        let (asked, expected) = line.split_once('|').unwrap();
        let Some(command) = teller.command(asked) else {
            continue;
        };
        let outcome = teller.pair.run(command);
        assert_eq!(teller.outcome(&outcome), expected.trim(), "{name}: {line}");
        if let Outcome::Refused(rejection) = outcome {
            reasons.push(rejection.reason);
        }
    }
    teller.pair.check_replay();
    reasons
}

#[test]
fn stories() {
    for (name, story) in STORIES {
        check(name, story);
    }
}

#[test]
fn the_ladder_meets_its_reasons_in_order_of_precedence() {
    let reasons = check("ladder", LADDER);
    assert!(reasons.is_sorted(), "{reasons:?}");
}

/// A hundred thousand assets are too many for a story.
fn fill_the_assets() -> Reason {
    let mut ledger = Ledger::default();
    for number in 0..Currencies::ASSETS_MAX {
        ledger.fold(&Event::AssetRegistered(
            Currency::own(&format!("A{number:06}"), 0).unwrap(),
        ));
    }
    let one_more = Currency::own("POINTS", 0).unwrap();
    let refused = ledger.register_asset(one_more, &mut Vec::new());
    refused.unwrap_err().reason
}

#[test]
fn every_reason_has_a_story() {
    let mut met: Vec<Reason> = STORIES
        .iter()
        .flat_map(|(name, story)| check(name, story))
        .collect();
    met.push(fill_the_assets());
    met.sort_unstable();
    met.dedup();
    assert_eq!(met, Reason::ALL);
}

#[test]
fn reasons_keep_their_numbers_and_codes() {
    let mut codes = Vec::new();
    for reason in Reason::ALL {
        assert_eq!(Reason::try_from(reason.number()), Ok(reason));
        assert!(
            !codes.contains(&reason.code()),
            "two reasons share {}",
            reason.code()
        );
        codes.push(reason.code());
    }
    assert!(
        Reason::ALL.is_sorted(),
        "precedence is the order of the list"
    );
    assert!(Reason::try_from(u16::MAX).is_err());
}
