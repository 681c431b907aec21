//! Bills that people share: who owes whom how much, and who has paid. A payment request is a bill with one share.
//!
//! | state | what | then |
//! |---|---|---|
//! | open | those who owe pay their shares, for [`Bill::OPEN_SECS`] | settled, cancelled or expired |
//! | settled | every share is paid | |
//! | cancelled, expired | what was paid stays paid, and nothing more can be | |
//!
//! A share is paid by an instant transfer that names the bill, so risk, limits and freezes count as for any other. The
//! transfer's completion is what marks the share: there is no second fact that could differ from it. Whoever put the money
//! out may be among those who share, and owes nothing to themselves.

use fx::{Currency, Money};
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::decision::Scored;
use super::id::{BillId, TransferId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Command, Event, Outcome};
use super::open::not_held;
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::state::Payments;
use super::transfer::{Mode, NewTransfer, Transfer, TransferState};

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BillState {
    Open,
    Settled,
    Cancelled,
    Expired,
}

impl BillState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// What one person owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    pub amount: i64,
    pub paid: Option<Paid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    pub at: Timestamp,
    /// By which transfer; none is needed where somebody owes to themselves.
    pub transfer: Option<TransferId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub id: BillId,
    /// Whom it is owed to.
    pub owner: WalletId,
    pub owner_no: WalletNo,
    pub amount: Money,
    pub title: String,
    pub shares: Vec<Share>,
    pub state: BillState,
    pub created_at: Timestamp,
    /// The last moment at which shares can be paid.
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub reminders: u16,
    pub reminded_at: Option<Timestamp>,
}

impl Bill {
    pub const OPEN_SECS: u64 = 30 * 24 * 3600;
    /// More than share one table.
    pub const SHARES_MAX: usize = 100;
    pub const ITEMS_MAX: usize = 200;
    /// How long between two reminders at least.
    pub const REMIND_SECS: u64 = 3600;
    pub const TITLE_CHARS_MAX: usize = 60;
    /// What one person may have open, so that nobody fills the memory.
    pub const OPEN_MAX: usize = 200;

    pub fn share_of(&self, wallet: WalletId) -> Option<&Share> {
        self.shares.iter().find(|share| share.wallet == wallet)
    }

    pub fn is_party(&self, wallet: WalletId) -> bool {
        self.owner == wallet || self.share_of(wallet).is_some()
    }

    /// What has been paid.
    pub fn paid(&self) -> i64 {
        let paid = self.shares.iter().filter(|share| share.paid.is_some());
        paid.map(|share| share.amount).sum()
    }

    /// The bill when one has paid; the last one settles it.
    fn paid_by(mut self, wallet: WalletId, paid: Paid) -> Self {
        for share in self.shares.iter_mut().filter(|one| one.wallet == wallet) {
            share.paid = Some(paid);
        }
        if self.shares.iter().all(|share| share.paid.is_some()) {
            return self.ended(paid.at, BillState::Settled);
        }
        self
    }

    pub(super) fn ended(self, at: Timestamp, state: BillState) -> Self {
        Self {
            state,
            ended_at: Some(at),
            ..self
        }
    }

    fn must_be_open(&self, at: Timestamp) -> Result<(), Refusal> {
        match self.state {
            BillState::Open if at <= self.expires_at => Ok(()),
            BillState::Open | BillState::Expired => Err(Refusal::BillExpired),
            BillState::Settled => Err(Refusal::BillSettled),
            BillState::Cancelled => Err(Refusal::BillCancelled),
        }
    }
}

impl Shelved for Bill {
    type Id = BillId;

    fn id(&self) -> BillId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        (self.state == BillState::Open).then_some(self.expires_at)
    }

    fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }
}

/// How a bill is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Alike: where it does not come out even, the first ones pay one minor unit more.
    Even,
    /// In proportion, each rounded down; what is left goes to the largest remainders, on a tie to the earlier one.
    Weights(Vec<u64>),
    /// Each pays what they had; what several had is shared alike among them.
    Items(Vec<Item>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub amount: i64,
    /// Who had it: places in the list of those who share.
    pub who: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBill {
    pub id: BillId,
    pub owner: WalletId,
    pub amount: Money,
    pub title: String,
    pub among: Vec<WalletId>,
    pub cut: Cut,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayBill {
    pub bill: BillId,
    pub wallet: WalletId,
    /// The transfer that pays.
    pub transfer: TransferId,
    pub transaction: TransactionId,
    /// Without it the share is looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

/// What each pays of an amount, in the order in which they are named; the sum is exact.
pub fn cut(amount: Money, people: usize, cut: &Cut) -> Result<Vec<i64>, Refusal> {
    let count = u32::try_from(people).unwrap_or(u32::MAX);
    let parts = match cut {
        Cut::Even => amount.split(count).map_err(|error| wrong(&error)),
        Cut::Weights(weights) if weights.len() != people => {
            Err(invalid("there is not one weight for each of them"))
        }
        Cut::Weights(weights) => amount
            .split_by_weights(weights)
            .map_err(|error| wrong(&error)),
        Cut::Items(items) => by_items(amount, people, items),
    }?;
    Ok(parts.into_iter().map(|part| part.amount).collect())
}

fn by_items(amount: Money, people: usize, items: &[Item]) -> Result<Vec<Money>, Refusal> {
    if items.len() > Bill::ITEMS_MAX {
        return Err(invalid("there are more than two hundred items"));
    }
    let currency: Currency = amount.currency;
    let mut parts = vec![Money::new(0, currency); people];
    let mut sum = Money::new(0, currency);
    for item in items {
        if item.amount <= 0 {
            return Err(invalid("an item costs nothing"));
        }
        let mut who = item.who.clone();
        who.sort_unstable();
        who.dedup();
        if who.is_empty() || who.len() != item.who.len() || who.iter().any(|at| *at >= people) {
            return Err(invalid(
                "an item is nobody's, or names somebody twice or nobody known",
            ));
        }
        let cost = Money::new(item.amount, currency);
        sum = sum.checked_add(cost).map_err(|error| wrong(&error))?;
        let count = u32::try_from(who.len()).unwrap_or(u32::MAX);
        let each = cost.split(count).map_err(|error| wrong(&error))?;
        for (at, part) in who.into_iter().zip(each) {
            parts[at] = parts[at].checked_add(part).map_err(|error| wrong(&error))?;
        }
    }
    if sum == amount {
        Ok(parts)
    } else {
        Err(invalid("the items do not come to the amount"))
    }
}

impl Payments {
    /// Decides on bills.
    pub(super) fn decide_on_bill(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &ledger::Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> ledger::Answer<Outcome, ColdKey> {
        match command {
            Command::OpenBill(new) => {
                ledger::Answer::Decided(self.open_bill(at, new, events).into())
            }
            Command::PayBill(pay) => {
                self.with_bill(pay.bill, cold, |bill| self.pay_bill(at, bill, pay, events))
            }
            Command::Remind { bill, wallet } => {
                self.with_bill(*bill, cold, |bill| remind(at, bill, *wallet, events))
            }
            Command::CancelBill { bill, wallet } => {
                self.with_bill(*bill, cold, |bill| cancel(at, bill, *wallet, events))
            }
            Command::FindBill(id) => self.with_bill(*id, cold, |bill| Ok(outcome(bill.clone()))),
            // Whoever calls this has seen which command it is.
            _ => ledger::Answer::Decided(Outcome::Refused(Refusal::BillNotFound)),
        }
    }

    /// Decides with a bill at hand, or says that it must be brought along.
    fn with_bill(
        &self,
        id: BillId,
        cold: &ledger::Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&Bill) -> Decided,
    ) -> ledger::Answer<Outcome, ColdKey> {
        if let Some(bill) = self.bills.get(id) {
            return ledger::Answer::Decided(decide(bill).into());
        }
        let key = ColdKey::Bill(id);
        match cold.rows.get(&key) {
            Some(Some(ColdRow::Bill(bill))) => ledger::Answer::Decided(decide(bill).into()),
            Some(_) => ledger::Answer::Decided(Outcome::Refused(Refusal::BillNotFound)),
            None => ledger::Answer::Missing(vec![key]),
        }
    }

    fn open_bill(&self, at: Timestamp, new: &NewBill, events: &mut Vec<Event>) -> Decided {
        let owner = self
            .wallets
            .get(&new.owner)
            .ok_or(Refusal::WalletNotFound)?;
        let currency = new.amount.currency;
        if new.amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        if !owner.currencies.contains(&currency) {
            return Err(not_held(currency));
        }
        if !(1..=Bill::SHARES_MAX).contains(&new.among.len()) || new.among == [new.owner] {
            return Err(invalid(
                "it is for one to a hundred people, and not for its owner alone",
            ));
        }
        if self.bills_of(owner.id) >= Bill::OPEN_MAX {
            return Err(Refusal::BillsTooMany);
        }
        let amounts = cut(new.amount, new.among.len(), &new.cut)?;
        let mut shares: Vec<Share> = Vec::with_capacity(amounts.len());
        for (wallet, amount) in new.among.iter().zip(amounts) {
            let who = self.wallets.get(wallet).ok_or(Refusal::PayeeNotFound)?;
            if shares.iter().any(|share| share.wallet == who.id) {
                return Err(invalid("somebody is named twice"));
            }
            // Nobody pays nothing, and nobody pays themselves.
            let is_paid = amount == 0 || who.id == owner.id;
            shares.push(Share {
                wallet: who.id,
                wallet_no: who.no,
                amount,
                paid: is_paid.then_some(Paid { at, transfer: None }),
            });
        }
        let bill = Bill {
            id: new.id,
            owner: owner.id,
            owner_no: owner.no,
            amount: new.amount,
            title: new.title.clone(),
            shares,
            state: BillState::Open,
            created_at: at,
            expires_at: at.plus_secs(Bill::OPEN_SECS),
            ended_at: None,
            reminders: 0,
            reminded_at: None,
        };
        if bill.shares.iter().all(|share| share.paid.is_some()) {
            return Err(invalid("nobody owes anything"));
        }
        events.push(Event::BillChanged(Box::new(bill.clone())));
        Ok(outcome(bill))
    }

    /// One who owes pays, by a transfer.
    fn pay_bill(
        &self,
        at: Timestamp,
        bill: &Bill,
        pay: &PayBill,
        events: &mut Vec<Event>,
    ) -> Decided {
        let share = bill.share_of(pay.wallet).ok_or(Refusal::BillNotFound)?;
        if share.paid.is_some() {
            return Err(Refusal::SharePaid);
        }
        bill.must_be_open(at)?;
        let new = NewTransfer {
            id: pay.transfer,
            from: pay.wallet,
            to: bill.owner,
            amount: Money::new(share.amount, bill.amount.currency),
            note: bill.title.clone(),
            mode: Mode::Instant,
            bill: Some(bill.id),
            transaction: pay.transaction,
            scored: pay.scored.clone(),
        };
        self.transfer(at, &new, events)
    }

    /// Whether the share that a waiting transfer pays is still to be paid.
    pub(super) fn must_owe(&self, at: Timestamp, transfer: &Transfer) -> Result<(), Refusal> {
        let Some(id) = transfer.bill else {
            return Ok(());
        };
        // What has left memory has ended.
        let bill = self.bills.get(id).ok_or(Refusal::BillSettled)?;
        bill.must_be_open(at)?;
        let share = bill.share_of(transfer.from);
        if share.is_some_and(|share| share.paid.is_some()) {
            return Err(Refusal::SharePaid);
        }
        Ok(())
    }

    /// Lets expire what nobody settled in time, at most `limit` of them.
    pub(super) fn expire_bills(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let due = self.bills.due(at).take(limit);
        events.extend(
            due.map(|bill| {
                Event::BillChanged(Box::new(bill.clone().ended(at, BillState::Expired)))
            }),
        );
    }

    /// The bill as it is once a transfer that pays a share of it is completed.
    pub(super) fn settled_by(&self, transfer: &Transfer) -> Option<Bill> {
        let id = transfer
            .bill
            .filter(|_| transfer.state == TransferState::Completed)?;
        let at = transfer.ended_at?;
        let paid = Paid {
            at,
            transfer: Some(transfer.id),
        };
        Some(self.bills.get(id)?.clone().paid_by(transfer.from, paid))
    }
}

/// Whoever put the money out asks for it once more.
fn remind(at: Timestamp, bill: &Bill, wallet: WalletId, events: &mut Vec<Event>) -> Decided {
    let bill = owned(bill, wallet)?;
    bill.must_be_open(at)?;
    let earliest = bill
        .reminded_at
        .map(|last| last.plus_secs(Bill::REMIND_SECS));
    if earliest.is_some_and(|earliest| at < earliest) {
        return Err(Refusal::ReminderTooSoon);
    }
    let bill = Bill {
        reminders: bill.reminders.saturating_add(1),
        reminded_at: Some(at),
        ..bill.clone()
    };
    events.push(Event::BillChanged(Box::new(bill.clone())));
    Ok(outcome(bill))
}

/// Cancelling what is cancelled is no event.
fn cancel(at: Timestamp, bill: &Bill, wallet: WalletId, events: &mut Vec<Event>) -> Decided {
    let bill = owned(bill, wallet)?;
    if bill.state == BillState::Cancelled {
        return Ok(outcome(bill.clone()));
    }
    bill.must_be_open(at)?;
    let bill = bill.clone().ended(at, BillState::Cancelled);
    events.push(Event::BillChanged(Box::new(bill.clone())));
    Ok(outcome(bill))
}

fn owned(bill: &Bill, wallet: WalletId) -> Result<&Bill, Refusal> {
    Some(bill)
        .filter(|bill| bill.owner == wallet)
        .ok_or(Refusal::BillNotFound)
}

fn outcome(bill: Bill) -> Outcome {
    Outcome::Bill(Box::new(bill))
}

fn invalid(what: &str) -> Refusal {
    Refusal::BillInvalid {
        what: what.to_owned(),
    }
}

fn wrong(error: &fx::MoneyError) -> Refusal {
    invalid(&error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cny(amount: i64) -> Money {
        Money::new(amount, Currency::CNY)
    }

    fn item(amount: i64, who: &[usize]) -> Item {
        let who = who.to_vec();
        Item { amount, who }
    }

    #[test]
    fn a_bill_is_cut_to_the_last_unit() {
        let (big, small) = (item(6_001, &[0, 1]), item(999, &[2]));
        for (amount, people, how, expected) in [
            (10_000, 4, Cut::Even, vec![2_500; 4]),
            (10_000, 3, Cut::Even, vec![3_334, 3_333, 3_333]),
            (2, 3, Cut::Even, vec![1, 1, 0]),
            (
                10_000,
                3,
                Cut::Weights(vec![1, 1, 2]),
                vec![2_500, 2_500, 5_000],
            ),
            (100, 3, Cut::Weights(vec![1, 1, 1]), vec![34, 33, 33]),
            (100, 2, Cut::Weights(vec![0, 7]), vec![0, 100]),
            (
                7_000,
                3,
                Cut::Items(vec![big, small]),
                vec![3_001, 3_000, 999],
            ),
        ] {
            assert_eq!(cut(cny(amount), people, &how), Ok(expected), "{how:?}");
        }
    }

    #[test]
    fn what_does_not_come_out_is_refused() {
        for (people, how) in [
            (0, Cut::Even),
            (2, Cut::Weights(vec![1])),
            (2, Cut::Weights(vec![0, 0])),
            (2, Cut::Items(vec![item(99, &[0])])),
            (2, Cut::Items(vec![item(100, &[])])),
            (2, Cut::Items(vec![item(100, &[0, 0])])),
            (2, Cut::Items(vec![item(100, &[2])])),
            (2, Cut::Items(vec![item(101, &[0]), item(-1, &[1])])),
            (
                2,
                Cut::Items(vec![item(i64::MAX, &[0]), item(i64::MAX, &[1])]),
            ),
        ] {
            let said = cut(cny(100), people, &how);
            assert!(
                matches!(said, Err(Refusal::BillInvalid { .. })),
                "{how:?}: {said:?}"
            );
        }
    }

    proptest! {
        /// Against the naive way: what each had of each item, in fractions over a common denominator. Nobody pays a
        /// whole unit an item more or less than that.
        #[test]
        fn shares_by_items_are_exact_and_fair(
            items in prop::collection::vec((1i64..100_000, prop::collection::btree_set(0usize..5, 1..=5)), 1..20),
        ) {
            let total: i64 = items.iter().map(|(amount, _)| amount).sum();
            let asked = items.iter().map(|(amount, who)| item(*amount, &who.iter().copied().collect::<Vec<_>>()));
            let shares = cut(cny(total), 5, &Cut::Items(asked.collect())).unwrap();
            prop_assert_eq!(shares.iter().sum::<i64>(), total);
            for (person, share) in shares.iter().enumerate() {
                let had = items.iter().filter(|(_, who)| who.contains(&person));
                // 60 is a multiple of every number of people.
                let fair: i64 = had.map(|(amount, who)| amount * 60 / i64::try_from(who.len()).unwrap()).sum();
                let off = (share * 60 - fair).abs();
                prop_assert!(off < 60 * i64::try_from(items.len()).unwrap(), "{} {}", share, fair);
            }
        }
    }
}
