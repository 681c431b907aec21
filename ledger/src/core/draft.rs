//! A transaction in the making: the balances as they would be, beside the ledger's own.
//!
//! `decide` may not change the state, yet the second transaction of a command must see the first.
//! So the accounts a command touches are copied here and worked on; the limits are checked when a
//! transaction is complete, against what each account held before that transaction.

use crate::core::rejection::Foremost;
use crate::core::{Account, AccountNo, Balance, Posting, Reason, Rejection};
use crate::lookup::Lookup;

/// Up to this many accounts a linear search beats any index.
const LINEAR_MAX: usize = 16;

struct Touched {
    account: AccountNo,
    before: Balance,
    now: Balance,
    /// The transaction of the command that `before` was taken for.
    transaction: u32,
}

pub(super) struct Draft<'a> {
    accounts: &'a [Account],
    touched: Vec<Touched>,
    index: Lookup<AccountNo, usize>,
    transaction: u32,
}

impl<'a> Draft<'a> {
    pub(super) fn new(accounts: &'a [Account]) -> Self {
        Self {
            accounts,
            touched: Vec::new(),
            index: Lookup::default(),
            transaction: 0,
        }
    }

    /// Adds the postings of the next transaction and checks the limits of what they touch.
    pub(super) fn add(&mut self, transaction: u32, postings: &[Posting]) -> Result<(), Rejection> {
        self.transaction = transaction;
        for posting in postings {
            self.touch(posting.debit).debit(posting.amount);
            self.touch(posting.credit).credit(posting.amount);
        }
        let mut foremost = Foremost::default();
        for (position, posting) in (0..).zip(postings) {
            for no in [posting.debit, posting.credit] {
                if let Some(reason) = self.breach(no) {
                    let account = self.accounts[no.index()].id;
                    foremost.note(
                        Rejection::new(reason)
                            .at(transaction, position)
                            .of_account(account),
                    );
                }
            }
        }
        foremost.or(())
    }

    /// The accounts touched so far with their balances as they would be, in order of first touch.
    pub(super) fn balances(&self) -> Vec<(AccountNo, Balance)> {
        self.touched
            .iter()
            .map(|touched| (touched.account, touched.now))
            .collect()
    }

    fn breach(&self, no: AccountNo) -> Option<Reason> {
        let account = &self.accounts[no.index()];
        let touched = &self.touched[self.position(no)?];
        let (before, now) = (
            touched.before.net(account.kind),
            touched.now.net(account.kind),
        );
        let under = |minimum: i64| now < i128::from(minimum) && now < before;
        let over = |maximum: i64| now > i128::from(maximum) && now > before;
        if account.limits.minimum.is_some_and(under) {
            Some(Reason::BelowMinimum)
        } else if account.limits.maximum.is_some_and(over) {
            Some(Reason::AboveMaximum)
        } else {
            None
        }
    }

    fn position(&self, no: AccountNo) -> Option<usize> {
        if self.touched.len() <= LINEAR_MAX {
            self.touched
                .iter()
                .position(|touched| touched.account == no)
        } else {
            self.index.get(&no).copied()
        }
    }

    fn touch(&mut self, no: AccountNo) -> &mut Balance {
        let transaction = self.transaction;
        let position = match self.position(no) {
            Some(position) => position,
            None => self.insert(no),
        };
        let touched = &mut self.touched[position];
        if touched.transaction != transaction {
            touched.before = touched.now;
            touched.transaction = transaction;
        }
        &mut touched.now
    }

    fn insert(&mut self, account: AccountNo) -> usize {
        let balance = self.accounts[account.index()].balance;
        let position = self.touched.len();
        let transaction = self.transaction;
        self.touched.push(Touched {
            account,
            before: balance,
            now: balance,
            transaction,
        });
        if position == LINEAR_MAX {
            self.index.extend(
                (0..)
                    .zip(&self.touched)
                    .map(|(at, touched)| (touched.account, at)),
            );
        } else if position > LINEAR_MAX {
            self.index.insert(account, position);
        }
        position
    }
}
