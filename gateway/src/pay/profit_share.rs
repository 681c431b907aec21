//! Profit sharing: after an order is paid, its merchant passes parts of it on, to those who had a part in the sale.
//!
//! What is out to others is at most [`ProfitShare::MOST_BASIS_POINTS`] of what the merchant was paid for the order and has not
//! refunded, among at most [`ProfitShare::RECEIVERS_MAX`] shares, within [`ProfitShare::SHARE_SECS_MAX`] of the payment. All
//! shares of one command move, or none.
//!
//! A share can come back, whole or in parts; only its receiver gives it back, as nobody else disposes of the receiver's
//! money. What is back can be shared again. A refund comes out of the merchant's balance whoever was given a share: it may
//! ask its receivers to give back first.
//!
//! Shares lie with their order, which has few, so a share is never found without it.

use fx::{Currency, Money};
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::checkout::short;
use super::id::{MerchantId, MerchantNo, OrderId, ShareId, WalletId, WalletNo};
use super::message::{Event, Lookup, Outcome};
use super::order::{Order, OrderNumber, OrderState, Payment};
use super::party::Fee;
use super::recipe::{self, Role};
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

/// Who is given a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Receiver {
    Merchant(MerchantId),
    Wallet(WalletId),
}

/// A part of an order's proceeds that was passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfitShare {
    pub id: ShareId,
    /// The merchant's own number for the sharing that it is of.
    pub number: OrderNumber,
    pub receiver: Receiver,
    /// The receiver's account.
    pub role: ReceiverNo,
    pub amount: i64,
    /// What the receiver has given back.
    pub returned: i64,
    /// What for, as the receiver reads it.
    pub description: String,
    pub at: Timestamp,
    pub transaction: TransactionId,
}

/// A receiver's place in the order of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiverNo {
    Merchant(MerchantNo),
    Wallet(WalletNo),
}

impl From<ReceiverNo> for Role {
    fn from(receiver: ReceiverNo) -> Self {
        match receiver {
            ReceiverNo::Merchant(no) => Self::Merchant(no),
            ReceiverNo::Wallet(no) => Self::Wallet(no),
        }
    }
}

impl ProfitShare {
    pub const MOST_BASIS_POINTS: u16 = 3_000;
    /// Shares of one order, in however many commands.
    pub const RECEIVERS_MAX: usize = 50;
    pub const SHARE_SECS_MAX: u64 = 180 * 24 * 3600;

    /// What the receiver still has of it.
    pub const fn left(&self) -> i64 {
        self.amount - self.returned
    }
}

/// A share that is to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShare {
    pub id: ShareId,
    pub receiver: Receiver,
    pub amount: i64,
    pub description: String,
    pub transaction: TransactionId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSharing {
    pub order: Lookup,
    pub merchant: MerchantId,
    pub number: OrderNumber,
    pub currency: Currency,
    pub shares: Vec<NewShare>,
}

/// A receiver gives a share back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnShare {
    pub order: OrderId,
    pub share: ShareId,
    /// Who gives it back.
    pub receiver: Receiver,
    pub amount: Money,
    pub transaction: TransactionId,
}

impl Payments {
    pub(super) fn share(
        &self,
        at: Timestamp,
        order: &Order,
        new: &NewSharing,
        events: &mut Vec<Event>,
    ) -> Decided {
        if order.merchant != new.merchant {
            return Err(Refusal::OrderNotFound);
        }
        self.must_take_payments(order.merchant)?;
        let payment = must_be_paid(order)?;
        if at > payment.at.plus_secs(ProfitShare::SHARE_SECS_MAX) {
            return Err(Refusal::SharingTooLate);
        }
        let mut shares = Vec::with_capacity(new.shares.len());
        for share in &new.shares {
            shares.push(self.new_share(at, order, new, share)?);
        }
        must_fit(order, payment, &shares)?;
        let currency = order.amount.currency;
        let posting = |share: &ProfitShare| {
            let parties = (order.merchant_no, share.role.into());
            let amount = Money::new(share.amount, currency);
            recipe::profit_share(share.transaction, parties, amount, new.number.as_str())
        };
        let postings: Vec<_> = shares.iter().map(posting).collect();
        let account = Role::Merchant(order.merchant_no).account(currency);
        let [merchant_balance, _] = self
            .post_all(at, &postings, [account; 2], events)
            .map_err(|refusal| short(refusal, Refusal::MerchantBalanceTooLow))?;
        let mut order = order.clone();
        order.shares.extend(shares);
        events.push(Event::OrderShared {
            order: order.clone(),
            shares: new.shares.iter().map(|share| share.id).collect(),
        });
        Ok(Outcome::Shared {
            order,
            balance: merchant_balance,
        })
    }

    fn new_share(
        &self,
        at: Timestamp,
        order: &Order,
        new: &NewSharing,
        share: &NewShare,
    ) -> Result<ProfitShare, Refusal> {
        let currency = order.amount.currency;
        if share.amount <= 0 || new.currency != currency {
            return Err(Refusal::AmountInvalid);
        }
        let (role, currencies) = match share.receiver {
            Receiver::Merchant(id) if id == order.merchant => {
                return Err(sharing("nobody shares with themselves"));
            }
            Receiver::Merchant(id) => {
                let merchant = self.must_have_merchant(id)?;
                (ReceiverNo::Merchant(merchant.no), &merchant.currencies)
            }
            Receiver::Wallet(id) => {
                let wallet = self.wallets.get(&id).ok_or(Refusal::WalletNotFound)?;
                (ReceiverNo::Wallet(wallet.no), &wallet.currencies)
            }
        };
        if !currencies.contains(&currency) {
            return Err(Refusal::CurrencyNotTaken {
                code: currency.code().to_owned(),
            });
        }
        Ok(ProfitShare {
            id: share.id,
            number: new.number.clone(),
            receiver: share.receiver,
            role,
            amount: share.amount,
            returned: 0,
            description: share.description.clone(),
            at,
            transaction: share.transaction,
        })
    }

    pub(super) fn return_share(
        &self,
        at: Timestamp,
        order: &Order,
        back: &ReturnShare,
        events: &mut Vec<Event>,
    ) -> Decided {
        let mut order = order.clone();
        let mut shares = order.shares.iter_mut();
        let share = shares.find(|share| share.id == back.share && share.receiver == back.receiver);
        let share = share.ok_or(Refusal::ShareNotFound)?;
        if back.amount.amount <= 0 || back.amount.currency != order.amount.currency {
            return Err(Refusal::AmountInvalid);
        }
        if back.amount.amount > share.left() {
            return Err(Refusal::ShareReturnTooLarge { left: share.left() });
        }
        share.returned += back.amount.amount;
        let (role, number) = (Role::from(share.role), share.number.clone());
        let parties = (role, order.merchant_no);
        let posting =
            recipe::profit_share_returned(back.transaction, parties, back.amount, number.as_str());
        let roles = [role, Role::Merchant(order.merchant_no)];
        let [balance, _] = self
            .post(at, posting, roles, back.amount.currency, events)
            .map_err(|refusal| short(refusal, Refusal::InsufficientFunds))?;
        events.push(Event::ShareReturned {
            order: order.clone(),
            share: back.share,
        });
        Ok(Outcome::Shared { order, balance })
    }
}

fn must_be_paid(order: &Order) -> Result<&Payment, Refusal> {
    match order.state {
        OrderState::Refunded => Err(Refusal::OrderRefunded),
        OrderState::Reversed => Err(Refusal::OrderReversed),
        _ => order.payment.as_ref().ok_or(Refusal::OrderNotPaid),
    }
}

/// Whether new shares of an order fit beside those that are out.
fn must_fit(order: &Order, payment: &Payment, new: &[ProfitShare]) -> Result<(), Refusal> {
    if new.is_empty() || order.shares.len() + new.len() > ProfitShare::RECEIVERS_MAX {
        return Err(sharing("an order is shared among one to fifty receivers"));
    }
    let amount = order.amount.amount;
    let settled = payment.returned(amount, amount).settled();
    let kept = settled - payment.returned(amount, order.refunded).settled();
    let whole = i128::from(Fee::BASIS_POINTS_MAX);
    let most = i128::from(kept) * i128::from(ProfitShare::MOST_BASIS_POINTS) / whole;
    let sum = |shares: &[ProfitShare]| {
        shares
            .iter()
            .map(|one| i128::from(one.left()))
            .sum::<i128>()
    };
    let left = most - sum(&order.shares);
    if sum(new) > left {
        return Err(Refusal::SharesTooLarge {
            left: i64::try_from(left.max(0)).unwrap_or(i64::MAX),
        });
    }
    Ok(())
}

fn sharing(what: &str) -> Refusal {
    Refusal::SharingInvalid {
        what: what.to_owned(),
    }
}
