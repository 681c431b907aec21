//! Random commands on the ledger and on the oracle: they must agree on everything.
//!
//! A command is made from a handful of dice, each command by itself, so that a failing sequence
//! shrinks by leaving commands out and by smaller dice. The world is small on purpose: two books, a
//! few accounts, so that commands meet.

use fx::Currency;
use ledger::core::ACCOUNTS_PER_COMMAND_MAX;
use ledger::{
    AccountId, AccountKind, AccountState, Book, Command, Limits, NewAccount, NewPosting,
    NewTransaction, TransactionId,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::core_pair::Pair;

/// The dice of one command.
type Roll = [u8; 24];

/// Reads a roll die by die; past its end every die is 0.
struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn of(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |die| die % sides)
    }

    /// True once in `sides` times, and never when all dice are 0.
    fn rarely(&mut self, sides: u8) -> bool {
        self.of(sides) == sides - 1
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::from(self.of(u8::try_from(among.len()).unwrap()))]
    }

    fn book(&mut self) -> Book {
        Book(u32::from(self.rarely(8)))
    }

    /// Mostly one of few accounts of the same asset, seldom one that was never opened.
    fn account(&mut self) -> AccountId {
        AccountId(u128::from(self.of(7)))
    }

    fn amount(&mut self) -> i64 {
        if self.rarely(16) {
            self.pick(&[0, -1, i64::MIN, i64::MAX, i64::MAX - 1])
        } else {
            1 + i64::from(self.of(120))
        }
    }

    fn limits(&mut self) -> Limits {
        let bounds = [
            None,
            Some(0),
            Some(-50),
            Some(100),
            Some(i64::MIN),
            Some(i64::MAX),
        ];
        let minimum = self.pick(&bounds);
        let maximum = self.pick(&[None, None, Some(200), Some(100), Some(-1), Some(i64::MAX)]);
        Limits { minimum, maximum }
    }

    fn currency(&mut self) -> Currency {
        match self.of(8) {
            0..=5 => Currency::CNY,
            6 => Currency::JPY,
            _ => self.asset(),
        }
    }

    fn asset(&mut self) -> Currency {
        let exponent = self.of(3);
        Currency::own("POINTS", exponent).unwrap()
    }

    fn new_account(&mut self) -> NewAccount {
        use AccountKind::{Asset, Equity, Expense, Income, Liability};
        NewAccount {
            book: self.book(),
            id: self.account(),
            currency: self.currency(),
            kind: self.pick(&[Liability, Asset, Equity, Income, Expense]),
            limits: if self.rarely(4) {
                self.limits()
            } else {
                Limits::NONE
            },
        }
    }

    fn transaction(&mut self) -> NewTransaction {
        let mut postings = Vec::new();
        let count = if self.rarely(16) {
            self.pick(&[0, 257])
        } else {
            1 + u16::from(self.of(3))
        };
        for _ in 0..count {
            let debit = self.account();
            // Half of the time another account by construction, else any, also the same.
            let credit = AccountId((debit.0 + u128::from(self.of(7))) % 7);
            let amount = self.amount();
            postings.push(NewPosting {
                debit,
                credit,
                amount,
            });
        }
        let reference = self
            .rarely(12)
            .then(|| "r".repeat(self.pick(&[1, 280, 281])).into());
        let kind = u16::from(self.of(3));
        let id = TransactionId(u128::from(self.of(255)));
        NewTransaction {
            id,
            kind,
            reference,
            postings,
        }
    }

    fn command(&mut self) -> Command {
        match self.of(16) {
            0..=8 => Command::Post {
                book: self.book(),
                transactions: {
                    let count = if self.rarely(12) { 0 } else { 1 + self.of(2) };
                    (0..count).map(|_| self.transaction()).collect()
                },
            },
            9..=11 => {
                let count = if self.rarely(64) {
                    ACCOUNTS_PER_COMMAND_MAX + 1
                } else {
                    1 + usize::from(self.of(3))
                };
                Command::Open((0..count).map(|_| self.new_account()).collect())
            }
            12 => Command::SetLimits {
                book: self.book(),
                account: self.account(),
                limits: self.limits(),
            },
            13 => Command::SetState {
                book: self.book(),
                account: self.account(),
                state: self.pick(&[
                    AccountState::Open,
                    AccountState::FrozenIn,
                    AccountState::FrozenOut,
                    AccountState::Frozen,
                    AccountState::Closed,
                ]),
            },
            14 => Command::RegisterAsset(if self.rarely(4) {
                Currency::JPY
            } else {
                self.asset()
            }),
            _ => Command::Balances {
                book: self.book(),
                accounts: vec![self.account(), self.account()],
            },
        }
    }
}

/// Accounts to begin with, so that most commands find something to do.
fn town() -> Pair {
    let mut pair = Pair::default();
    let accounts = (0..6).map(|id| NewAccount {
        book: Book(0),
        id: AccountId(id),
        currency: Currency::CNY,
        kind: if id == 0 {
            AccountKind::Asset
        } else {
            AccountKind::Liability
        },
        limits: if id < 3 {
            Limits::NONE
        } else {
            Limits::NO_OVERDRAFT
        },
    });
    pair.run(Command::Open(accounts.collect()));
    pair
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 10_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/it/core_random.regressions",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ledger_and_oracle_agree(rolls in proptest::collection::vec(any::<Roll>(), 1..30)) {
        let mut pair = town();
        for roll in &rolls {
            pair.run(Dice(roll.iter()).command());
        }
        pair.check_replay();
    }
}
