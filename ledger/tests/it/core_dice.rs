//! Commands made from dice. The world is small on purpose, a few accounts and ids in two books, so
//! that commands meet.

use std::num::NonZeroU32;

use fx::Currency;
use ledger::core::{
    ACCOUNTS_PER_COMMAND_MAX, AccountName, Amounts, BookSettings, Changes, Class, Description,
    Direction, Memo, Metadata, NamedAccount, Step, VelocityLimit, VelocityOf, Window,
};
use ledger::{
    AccountId, AccountKind, AccountState, Book, Command, Limits, NewAccount, NewPosting,
    NewTransaction, Timestamp, TransactionId, TransactionNo,
};

use crate::core_pair::Pair;

/// The dice of one command.
pub(crate) type Roll = [u8; 32];

/// Reads a roll die by die; past its end every die is 0.
pub(crate) struct Dice<'a>(std::slice::Iter<'a, u8>);

/// Accounts to begin with, so that most commands find something to do.
pub(crate) fn town() -> Pair {
    let mut pair = Pair::default();
    let accounts = (0..12)
        .map(|number| (number / 6, number % 6))
        .map(|(book, id)| NewAccount {
            book: Book(book),
            id: AccountId(u128::from(id)),
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
    let yen = NewAccount {
        book: Book(0),
        id: AccountId(7),
        currency: Currency::JPY,
        kind: AccountKind::Liability,
        limits: Limits::NONE,
    };
    pair.run(Command::Open(accounts.chain([yen]).collect()));
    pair
}

impl<'a> Dice<'a> {
    pub(crate) fn of_roll(roll: &'a Roll) -> Self {
        Self(roll.iter())
    }

    pub(crate) fn of(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |die| die % sides)
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::from(self.of(u8::try_from(among.len()).unwrap()))]
    }

    /// True once in `sides` times, and never when all dice are 0.
    fn rarely(&mut self, sides: u8) -> bool {
        self.of(sides) == sides - 1
    }

    fn book(&mut self) -> Book {
        Book(u32::from(self.rarely(16)))
    }

    /// Mostly one of few accounts of the same asset, seldom one that was never opened (6), or one of
    /// another asset (7).
    fn account(&mut self) -> AccountId {
        let odd = self.rarely(48);
        AccountId(u128::from(if odd { 6 + self.of(2) } else { self.of(6) }))
    }

    fn amount(&mut self) -> i64 {
        if self.rarely(48) {
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
        let maximum = self.pick(&[
            None,
            None,
            None,
            Some(500),
            Some(200),
            Some(100),
            Some(-1),
            Some(i64::MAX),
        ]);
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

    fn posting(&mut self) -> NewPosting {
        let debit = self.account();
        let apart = if self.rarely(64) { 0 } else { 1 + self.of(5) };
        let credit = AccountId((debit.0 % 6 + u128::from(apart)) % 6);
        let amount = self.amount();
        NewPosting {
            debit,
            credit,
            amount,
        }
    }

    fn postings(&mut self) -> Vec<NewPosting> {
        if self.rarely(64) {
            vec![self.posting(); self.pick(&[0, 257, 256])]
        } else {
            let count = 1 + self.of(2);
            (0..count).map(|_| self.posting()).collect()
        }
    }

    fn reference(&mut self) -> Option<Box<str>> {
        self.rarely(16)
            .then(|| "r".repeat(self.pick(&[1, 280, 281])).into())
    }

    fn metadata(&mut self) -> Metadata {
        if !self.rarely(32) {
            return Metadata::new();
        }
        let pairs = self.pick(&[1, 16, 17]);
        let (key, value) = (self.pick(&[2, 3, 40, 41]), self.pick(&[0, 1, 200, 201]));
        let pair = |number: usize| (format!("{number:0key$}").into(), "v".repeat(value).into());
        (0..pairs).map(pair).collect()
    }

    fn id(&mut self) -> TransactionId {
        TransactionId(u128::from(self.of(5)))
    }

    fn transaction(&mut self) -> NewTransaction {
        NewTransaction {
            id: self.id(),
            kind: u16::from(self.of(3)),
            reference: self.reference(),
            postings: self.postings().into(),
        }
    }

    fn memo(&mut self) -> Memo {
        Memo {
            id: self.id(),
            kind: u16::from(self.of(3)),
            reference: self.reference(),
            metadata: self.metadata(),
        }
    }

    fn amounts(&mut self) -> Amounts {
        self.pick(&[Amounts::Exact, Amounts::Exact, Amounts::AtMost])
    }

    /// Shares of a hold or transaction: of the right number when it has one or two postings.
    fn shares(&mut self) -> Option<Vec<i64>> {
        let count = self.pick(&[0, 1, 2]);
        let share = |dice: &mut Self| {
            let share = i64::from(dice.of(24)) * 2;
            if dice.rarely(32) {
                dice.pick(&[-1, i64::MAX, i64::MIN])
            } else {
                share
            }
        };
        (count > 0).then(|| (0..count).map(|_| share(self)).collect())
    }

    fn moment(&mut self, now: Timestamp) -> Timestamp {
        let back = self.pick(&[0, 1, 60, 3_600, 86_400]) * 1_000_000_000;
        if self.rarely(8) {
            now.plus_secs(60)
        } else {
            Timestamp(now.0.saturating_sub(back))
        }
    }

    fn effective(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.rarely(6).then(|| self.moment(now))
    }

    fn earlier(&mut self) -> TransactionNo {
        let no = if self.rarely(6) {
            self.of(40)
        } else {
            1 + self.of(4)
        };
        TransactionNo(no.into())
    }

    fn step(&mut self, now: Timestamp) -> Step {
        match self.of(12) {
            0..=4 => Step::Hold {
                memo: self.memo(),
                postings: self.postings(),
                amounts: self.amounts(),
                timeout_secs: NonZeroU32::new(self.pick(&[0, 1, 60, 100_000])),
            },
            5..=7 => Step::Capture {
                hold: self.id(),
                amounts: self.shares(),
                memo: self.memo(),
                effective: self.effective(now),
            },
            8 => Step::Release { hold: self.id() },
            9 => Step::Reverse {
                transaction: self.earlier(),
                amounts: self.shares(),
                memo: self.memo(),
                effective: self.effective(now),
            },
            _ => Step::Post {
                memo: self.memo(),
                postings: self.postings(),
                amounts: self.amounts(),
                effective: self.effective(now),
                corrects: self.rarely(6).then(|| self.earlier()),
            },
        }
    }

    fn velocity_limits(&mut self) -> Vec<VelocityLimit> {
        let count = if self.rarely(24) { 19 } else { self.of(3) };
        let limit = VelocityLimit {
            direction: self.pick(&[Direction::Out, Direction::In, Direction::Both]),
            window: self.pick(&[Window::Day, Window::Month, Window::Year]),
            count_max: self.pick(&[None, Some(2), Some(5), Some(0)]),
            amount_max: self.pick(&[Some(200), Some(1_000), Some(50), None, Some(-1)]),
        };
        vec![limit; usize::from(count)]
    }

    fn account_state(&mut self) -> AccountState {
        self.pick(&[
            AccountState::Open,
            AccountState::Open,
            AccountState::Open,
            AccountState::Open,
            AccountState::Open,
            AccountState::Closed,
            AccountState::FrozenIn,
            AccountState::FrozenOut,
            AccountState::Frozen,
        ])
    }

    fn new_accounts(&mut self) -> Vec<NewAccount> {
        let new = self.new_account();
        if self.rarely(128) {
            return vec![new; ACCOUNTS_PER_COMMAND_MAX + 1];
        }
        let more = self.of(2);
        let others = (0..more).map(|_| self.new_account());
        std::iter::once(new).chain(others).collect()
    }

    fn named_account(&mut self) -> NamedAccount {
        let NewAccount {
            currency,
            kind,
            limits,
            ..
        } = self.new_account();
        NamedAccount {
            name: AccountName::new(self.pick(&["a", "a:b", "a:c"])).unwrap(),
            currency,
            kind,
            limits,
            description: self.description(),
        }
    }

    fn description(&mut self) -> Description {
        Description {
            kind: u16::from(self.of(3)),
            reference: self.reference(),
            metadata: self.metadata(),
        }
    }

    fn changes(&mut self) -> Changes {
        Changes {
            limits: self.rarely(2).then(|| self.limits()),
            state: self.rarely(3).then(|| self.account_state()),
            class: self.rarely(3).then(|| Class(u16::from(self.of(3)))),
            velocity: self.rarely(3).then(|| self.velocity_limits()),
            description: self.rarely(3).then(|| self.description()),
        }
    }

    pub(crate) fn command(&mut self, now: Timestamp) -> Command {
        let book = self.book();
        match self.of(32) {
            0..=7 => {
                let count = if self.rarely(64) { 0 } else { 1 + self.of(2) };
                let transactions = (0..count).map(|_| self.transaction()).collect();
                Command::Post { book, transactions }
            }
            8..=18 => {
                let count = if self.rarely(64) { 0 } else { 1 + self.of(2) };
                let steps = (0..count).map(|_| self.step(now)).collect();
                Command::Transact { book, steps }
            }
            _ => self.terms(book, now),
        }
    }

    fn terms(&mut self, book: Book, now: Timestamp) -> Command {
        let account = self.account();
        match self.of(22) {
            17 => Command::Open(self.new_accounts()),
            18 => Command::OpenNamed {
                book,
                accounts: (0..=self.of(2)).map(|_| self.named_account()).collect(),
            },
            19..=20 => Command::Change {
                book,
                account,
                changes: self.changes(),
            },
            21 => Command::Try(Box::new(self.command(now))),
            0..=3 => Command::SetLimits {
                book,
                account,
                limits: self.limits(),
            },
            4 => Command::SetState {
                book,
                account,
                state: self.account_state(),
            },
            5 => Command::RegisterAsset(self.pick(&[
                Currency::own("POINTS", 0).unwrap(),
                Currency::own("POINTS", 2).unwrap(),
                Currency::JPY,
                Currency::historic("HRK").unwrap(),
            ])),
            6 => Command::Balances {
                book,
                accounts: vec![account, self.account()],
            },
            7 => Command::SetVelocity {
                book,
                of: if self.rarely(3) {
                    VelocityOf::Class(Class(u16::from(self.of(2))))
                } else {
                    VelocityOf::Account(account)
                },
                limits: self.velocity_limits(),
            },
            8 => Command::SetClass {
                book,
                account,
                class: Class(u16::from(self.of(3))),
            },
            9 => Command::SetBook {
                book,
                settings: BookSettings {
                    offset_minutes: self.pick(&[0, 480, -720, 480, -300, 840, -721, 841]),
                    name: "b".repeat(self.pick(&[0, 1, 2, 120, 121])).into(),
                },
            },
            10 => Command::ClosePeriod {
                book,
                before: self.moment(now),
            },
            11 => Command::Describe {
                book,
                account,
                description: self.description(),
            },
            _ => Command::Holds {
                book,
                holds: vec![self.id(), self.id()],
            },
        }
    }
}
