//! The machine's own rules, checked while its journal is replayed.

use std::collections::BTreeMap;

use crate::core::{
    AccountKind, AccountNo, Book, Event, Hold, Ledger, Limits, NewAccount, Posting, Standing,
    Transaction, TransactionId, TrialBalance,
};
use crate::machine::{Machine, Moment};

/// What should be, and what is.
pub type Broken = (String, String);

/// Rules that hold whatever was decided.
pub trait Audit<M: Machine> {
    /// After each event.
    fn event(&mut self, moment: Moment, event: &M::Event, machine: &M) -> Result<(), Broken>;

    /// At each checkpoint and at the end.
    fn state(&mut self, machine: &M) -> Result<(), Broken>;

    /// The sums of all accounts, which a published statement vouches for.
    fn trial_balance(&self, machine: &M) -> Vec<TrialBalance>;
}

/// The rules of a ledger: postings move an amount above zero between two accounts of the same book
/// and asset, no step worsens the breach of a limit, everything debited was credited, and the
/// balances are the sums of the postings. For the last the auditor keeps books of its own, which
/// know nothing of how the ledger decides.
#[derive(Clone, Debug, Default)]
pub struct LedgerAudit {
    accounts: Vec<Audited>,
    /// What the open holds would still post.
    holds: BTreeMap<(Book, TransactionId), Vec<Posting>>,
    transactions: u64,
    /// The accounts that the step in hand touches. A step is complete when the next one begins: what
    /// a capture takes off the hold is told after what it posts.
    step: Vec<AccountNo>,
}

/// An account in the auditor's own books.
#[derive(Clone, Copy, Debug)]
struct Audited {
    terms: NewAccount,
    standing: Standing,
    /// How it stood before the step in hand, if that touches it.
    before: Option<Standing>,
}

/// Whether what a posting does to an account is done to what is posted or to what is held.
#[derive(Clone, Copy)]
enum Part {
    Posted,
    Held,
}

impl LedgerAudit {
    /// The same as [`Audit::event`], for a ledger inside another machine.
    pub fn event(&mut self, event: &Event) -> Result<(), Broken> {
        match event {
            Event::Opened(terms) => self.accounts.push(Audited {
                terms: *terms,
                standing: Standing::default(),
                before: None,
            }),
            Event::LimitsSet { account, limits } => {
                self.end_step()?;
                self.account(*account)?.terms.limits = *limits;
            }
            Event::Posted { transaction, .. } => {
                self.end_step()?;
                self.posted(transaction)?;
            }
            Event::Held { hold, .. } => {
                self.end_step()?;
                self.held(hold)?;
            }
            Event::Captured {
                book,
                hold,
                amounts,
                ..
            } => self.give_back(*book, *hold, amounts)?,
            Event::Released { book, hold, .. } | Event::Expired { book, hold, .. } => {
                let rest = self.holds.get(&(*book, *hold)).cloned().unwrap_or_default();
                let rest: Vec<i64> = rest.iter().map(|posting| posting.amount).collect();
                self.give_back(*book, *hold, &rest)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The same as [`Audit::state`], for a ledger inside another machine.
    pub fn state(&mut self, ledger: &Ledger) -> Result<(), Broken> {
        self.end_step()?;
        let (audited, counted) = (self.accounts.len(), ledger.accounts().len());
        if audited != counted {
            return Err((format!("{audited} accounts"), counted.to_string()));
        }
        for (own, account) in self.accounts.iter().zip(ledger.accounts()) {
            let found = Standing {
                balance: account.balance,
                held: account.held,
            };
            if own.standing != found || own.terms.limits != account.limits {
                return Err((
                    format!("account {} at {:?}", account.id, own.standing),
                    format!("{found:?}"),
                ));
            }
        }
        for trial in ledger.trial_balance() {
            if !trial.balances() {
                let (currency, book) = (trial.currency, trial.book.0);
                return Err((
                    format!(
                        "debits to equal credits in {} of book {book}",
                        currency.code()
                    ),
                    format!("{} and {}", trial.sum.debits, trial.sum.credits),
                ));
            }
        }
        Ok(())
    }

    fn account(&mut self, no: AccountNo) -> Result<&mut Audited, Broken> {
        let account = self.accounts.get_mut(no.0 as usize);
        account.ok_or_else(|| (format!("account number {}", no.0), "none".to_owned()))
    }

    fn posted(&mut self, transaction: &Transaction) -> Result<(), Broken> {
        let (expected, found) = (self.transactions + 1, transaction.no.0);
        self.transactions = found;
        if found != expected {
            let expected = format!("transaction number {expected}");
            return Err((expected, found.to_string()));
        }
        let what = || format!("transaction {found}");
        self.check_postings(what, &transaction.postings)?;
        self.add(Part::Posted, &transaction.postings, 1)
    }

    fn held(&mut self, hold: &Hold) -> Result<(), Broken> {
        self.check_postings(|| format!("hold {}", hold.id), &hold.postings)?;
        self.add(Part::Held, &hold.postings, 1)?;
        self.holds
            .insert((hold.book, hold.id), hold.postings.clone());
        Ok(())
    }

    /// Takes amounts off a hold, one for each of its postings.
    fn give_back(&mut self, book: Book, id: TransactionId, amounts: &[i64]) -> Result<(), Broken> {
        let Some(mut rest) = self.holds.remove(&(book, id)) else {
            return Err((format!("hold {id} to be open"), "none".to_owned()));
        };
        let mut given = rest.clone();
        for ((rest, given), amount) in rest.iter_mut().zip(&mut given).zip(amounts) {
            if !(0..=rest.amount).contains(amount) {
                let expected = format!("at most {} taken off hold {id}", rest.amount);
                return Err((expected, amount.to_string()));
            }
            given.amount = *amount;
            rest.amount -= amount;
        }
        self.add(Part::Held, &given, -1)?;
        if rest.iter().any(|posting| posting.amount > 0) {
            self.holds.insert((book, id), rest);
        }
        Ok(())
    }

    fn check_postings(
        &mut self,
        what: impl Fn() -> String,
        postings: &[Posting],
    ) -> Result<(), Broken> {
        for posting in postings {
            let debit = self.account(posting.debit)?.terms;
            let credit = self.account(posting.credit)?.terms;
            let alike = (debit.book, debit.currency) == (credit.book, credit.currency);
            if posting.amount < 0 || !alike || posting.debit == posting.credit {
                return Err((
                    format!("{} to move amounts within a book and an asset", what()),
                    format!("{} from {} to {}", posting.amount, debit.id, credit.id),
                ));
            }
        }
        Ok(())
    }

    fn add(&mut self, part: Part, postings: &[Posting], sign: i128) -> Result<(), Broken> {
        for posting in postings {
            let amount = i128::from(posting.amount) * sign;
            for (no, is_debit) in [(posting.debit, true), (posting.credit, false)] {
                let account = self.account(no)?;
                let untouched = account.before.is_none();
                account.before.get_or_insert(account.standing);
                let sums = match part {
                    Part::Posted => &mut account.standing.balance,
                    Part::Held => &mut account.standing.held,
                };
                if is_debit {
                    sums.debits += amount;
                } else {
                    sums.credits += amount;
                }
                if untouched {
                    self.step.push(no);
                }
            }
        }
        Ok(())
    }

    /// No step may have worsened the breach of a limit.
    fn end_step(&mut self) -> Result<(), Broken> {
        while let Some(no) = self.step.pop() {
            let account = self.account(no)?;
            let before = account.before.take().unwrap_or_default();
            let Audited {
                terms, standing, ..
            } = *account;
            if worsens(terms.kind, terms.limits, before, standing) {
                return Err((
                    format!("account {} not to go further beyond a limit", terms.id),
                    format!("{standing:?} after {before:?} under {:?}", terms.limits),
                ));
            }
        }
        Ok(())
    }
}

fn worsens(kind: AccountKind, limits: Limits, before: Standing, now: Standing) -> bool {
    let (low, high) = (now.lowest(kind), now.highest(kind));
    let below = |minimum| low < i128::from(minimum) && low < before.lowest(kind);
    let above = |maximum| high > i128::from(maximum) && high > before.highest(kind);
    limits.minimum.is_some_and(below) || limits.maximum.is_some_and(above)
}

impl Audit<Ledger> for LedgerAudit {
    fn event(&mut self, _moment: Moment, event: &Event, _ledger: &Ledger) -> Result<(), Broken> {
        self.event(event)
    }

    fn state(&mut self, ledger: &Ledger) -> Result<(), Broken> {
        self.state(ledger)
    }

    fn trial_balance(&self, ledger: &Ledger) -> Vec<TrialBalance> {
        ledger.trial_balance()
    }
}
