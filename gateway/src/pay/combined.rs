//! Combined orders: orders of several merchants that a payer pays with one payment, all or none of them.
//!
//! Each order stays its merchant's: it has a transaction and a fee of its own, is refunded by itself, and its merchant hears
//! of nothing but it. What they have in common is one attempt, looked at once for its whole amount; one decision; and, while
//! it waits, one question to the payer or to an analyst.
//!
//! | state | the orders | then |
//! |---|---|---|
//! | awaiting confirmation | stand open, for anybody | paid, if all of them still are open; cancelled |
//! | in review | are in review, and their money is on hold | paid, or cancelled and open again |
//! | paid | are paid | |
//! | cancelled | as if nothing had been | |
//!
//! The id has the bits of the decision about it.

use fx::Money;
use ledger::{Answer, Cold, NewTransaction, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::breakdown::Breakdown;
use super::decision::{About, Decision, Scored, Standing};
use super::fee::{Method, Terms};
use super::id::{CombinedId, DecisionId, MerchantId, MerchantNo, OrderId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Event, Lookup, Outcome};
use super::open::not_held;
use super::order::{Order, OrderNumber};
use super::party::Wallet;
use super::pending::order_without_money;
use super::points::Using;
use super::recipe::{self, Moved};
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::state::{Found, Payments};
use super::subject::Subject;

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CombinedState {
    AwaitingConfirmation,
    InReview,
    Paid,
    Cancelled,
}

impl CombinedState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::InReview => "in_review",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One order of a combination, with what its payment comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub order: OrderId,
    pub merchant: MerchantId,
    pub merchant_no: MerchantNo,
    pub number: OrderNumber,
    pub amount: Money,
    pub fee: Money,
    pub terms: Terms,
    /// What its payment earns.
    pub breakdown: Option<Box<Breakdown>>,
    pub transaction: TransactionId,
}

impl Part {
    fn posting(&self, payer: WalletNo) -> NewTransaction {
        let earned = self.breakdown.as_ref();
        let earned = earned.and_then(|breakdown| breakdown.earned.as_ref());
        let moved = Moved {
            earned: earned.map(|earned| earned.points),
            ..Moved::plain(self.amount, self.fee)
        };
        let parties = (payer, self.merchant_no);
        recipe::payment(self.transaction, parties, &moved, self.number.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combined {
    pub id: CombinedId,
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    /// The sum of all.
    pub amount: Money,
    pub parts: Vec<Part>,
    pub state: CombinedState,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Combined {
    /// A basket over every stall of a mall; each order has up to four postings, and all happen at once.
    pub const ORDERS_MAX: usize = 50;

    pub fn decision(&self) -> DecisionId {
        DecisionId(self.id.0)
    }

    pub(super) fn postings(&self) -> Vec<NewTransaction> {
        let parts = self.parts.iter();
        parts.map(|part| part.posting(self.wallet_no)).collect()
    }

    pub(super) fn ended(self, at: Timestamp, state: CombinedState) -> Self {
        Self {
            state,
            ended_at: Some(at),
            ..self
        }
    }
}

impl Shelved for Combined {
    type Id = CombinedId;

    fn id(&self) -> CombinedId {
        self.id
    }

    /// What it waits for falls due with its decision.
    fn due(&self) -> Option<Timestamp> {
        None
    }

    fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }
}

/// A combination with its orders at hand, in the order of its parts.
#[derive(Clone, Debug)]
pub(super) struct Basket {
    pub combined: Combined,
    pub orders: Vec<Order>,
}

impl Basket {
    /// The last moment at which all of them can be paid.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.orders.iter().map(|order| order.expires_at).min()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayCombined {
    pub id: CombinedId,
    pub wallet: WalletId,
    /// The orders, each with the transaction that pays it.
    pub orders: Vec<(OrderId, TransactionId)>,
    /// Without it they are looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

impl Payments {
    /// A combination that waits or has just ended.
    pub fn combined_in_memory(&self, id: CombinedId) -> Option<&Combined> {
        self.combined.get(id)
    }

    pub(super) fn pay_combined(
        &self,
        at: Timestamp,
        pay: &PayCombined,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        let orders: Vec<OrderId> = pay.orders.iter().map(|(order, _)| *order).collect();
        self.with_orders(&orders, cold, |orders| {
            self.combine(at, orders, pay, events)
        })
    }

    /// Decides with several orders at hand, or says which must be brought along.
    pub(super) fn with_orders(
        &self,
        ids: &[OrderId],
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(Vec<&Order>) -> Decided,
    ) -> Answer<Outcome, ColdKey> {
        let (mut orders, mut missing) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            match self.order(&Lookup::Id(*id), cold) {
                Found::Here(order) => orders.push(order),
                Found::Missing(key) => missing.push(key),
            }
        }
        if !missing.is_empty() {
            return Answer::Missing(missing);
        }
        let all: Option<Vec<&Order>> = orders.into_iter().collect();
        Answer::Decided(all.map_or(Err(Refusal::OrderNotFound), decide).into())
    }

    fn combine(
        &self,
        at: Timestamp,
        orders: Vec<&Order>,
        pay: &PayCombined,
        events: &mut Vec<Event>,
    ) -> Decided {
        let wallet = self.wallets.get(&pay.wallet);
        let wallet = wallet.ok_or(Refusal::WalletNotFound)?;
        let amount = sum(&orders)?;
        if !wallet.currencies.contains(&amount.currency) {
            return Err(not_held(amount.currency));
        }
        let mut parts = Vec::with_capacity(orders.len());
        for (order, (_, transaction)) in orders.iter().zip(&pay.orders) {
            parts.push(self.part(at, order, wallet, *transaction)?);
        }
        let Some(scored) = &pay.scored else {
            return Ok(Outcome::MayPay(amount));
        };
        let combined = Combined {
            id: pay.id,
            wallet: wallet.id,
            wallet_no: wallet.no,
            amount,
            parts,
            // What it really is becomes clear with the verdict.
            state: CombinedState::AwaitingConfirmation,
            created_at: at,
            ended_at: None,
        };
        let id = TransactionId(pay.id.0);
        let about = About::Combined(pay.id);
        let decision = Decision::new(at, id, about, wallet, amount, scored);
        let basket = Box::new(Basket {
            combined,
            orders: orders.into_iter().cloned().collect(),
        });
        self.judge(at, Subject::Combined(basket), decision, events)
    }

    /// One order, if it can be paid by this wallet.
    fn part(
        &self,
        at: Timestamp,
        order: &Order,
        wallet: &Wallet,
        transaction: TransactionId,
    ) -> Result<Part, Refusal> {
        super::checkout::must_be_open(order)?;
        let merchant = self.must_be_payable(order.merchant)?;
        let terms = self.terms_for(merchant, Method::Order, order.amount);
        let using = Using::default();
        Ok(Part {
            order: order.id,
            merchant: merchant.id,
            merchant_no: merchant.no,
            number: order.number.clone(),
            amount: order.amount,
            fee: terms
                .fee_of(order.amount)
                .map_err(|_| Refusal::AmountInvalid)?,
            terms,
            breakdown: self.breakdown(at, merchant.id, wallet, order.amount, &using)?,
            transaction,
        })
    }

    /// Decides about a combination that waits, with its orders at hand.
    pub(super) fn with_basket(
        &self,
        id: CombinedId,
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(Subject<'_>) -> Decided,
    ) -> Answer<Outcome, ColdKey> {
        let Some(combined) = self.combined.get(id) else {
            return Answer::Decided(Outcome::Refused(Refusal::DecisionNotPending));
        };
        let ids: Vec<OrderId> = combined.parts.iter().map(|part| part.order).collect();
        self.with_orders(&ids, cold, |orders| {
            decide(Subject::Combined(Box::new(Basket {
                combined: combined.clone(),
                orders: orders.into_iter().cloned().collect(),
            })))
        })
    }

    /// What becomes of a combination whose pending payment ends without its money moving, and of its orders.
    pub(super) fn combined_without_money(
        &self,
        at: Timestamp,
        id: CombinedId,
        decision: &Decision,
    ) -> Vec<Event> {
        let Some(combined) = self.combined.get(id) else {
            return Vec::new();
        };
        let cancelled = combined.clone().ended(at, CombinedState::Cancelled);
        let mut events = vec![Event::CombinedChanged(Box::new(cancelled))];
        if decision.standing == Standing::InReview {
            let ids = combined.parts.iter().map(|part| part.order);
            let orders = ids.filter_map(|id| self.order_in_memory(id));
            events.extend(orders.filter_map(|order| order_without_money(at, order, decision)));
        }
        events
    }

    pub(super) fn find_combined(
        &self,
        id: CombinedId,
        cold: &Cold<ColdKey, ColdRow>,
    ) -> Answer<Outcome, ColdKey> {
        let key = ColdKey::Combined(id);
        let found = match (self.combined.get(id), cold.rows.get(&key)) {
            (Some(combined), _) => combined,
            (None, Some(Some(ColdRow::Combined(combined)))) => combined,
            (None, Some(_)) => {
                return Answer::Decided(Outcome::Refused(Refusal::CombinedNotFound));
            }
            (None, None) => return Answer::Missing(vec![key]),
        };
        let decision = self.pending.get(found.decision());
        Answer::Decided(Outcome::Combined {
            combined: Box::new(found.clone()),
            balance: None,
            decision: decision.cloned().map(Box::new),
        })
    }
}

/// What orders come to that can be paid together.
fn sum(orders: &[&Order]) -> Result<Money, Refusal> {
    let cannot = |what: &str| Refusal::CombinationInvalid {
        what: what.to_owned(),
    };
    let [first, others @ ..] = orders else {
        return Err(cannot("there are two orders or more"));
    };
    if others.is_empty() || orders.len() > Combined::ORDERS_MAX {
        return Err(cannot("there are two to fifty orders"));
    }
    for (place, order) in others.iter().enumerate() {
        if orders[..=place].iter().any(|other| other.id == order.id) {
            return Err(cannot("an order is named twice"));
        }
        if order.amount.currency != first.amount.currency {
            return Err(cannot("all of them are in one currency"));
        }
    }
    let add = |sum: Money, order: &&Order| sum.checked_add(order.amount);
    let sum = others.iter().try_fold(first.amount, add);
    sum.map_err(|_| cannot("they come to more than can be paid at once"))
}

#[cfg(test)]
mod tests {
    use fx::Currency;

    use super::*;

    fn order(id: u128, amount: Money) -> Order {
        Order {
            id: OrderId(id),
            merchant: MerchantId(1),
            merchant_no: MerchantNo(0),
            number: OrderNumber::new("A").unwrap(),
            amount,
            description: String::new(),
            state: super::super::order::OrderState::Open,
            created_at: Timestamp::ZERO,
            expires_at: Timestamp::ZERO,
            payment: None,
            refunded: 0,
            fee_returned: 0,
            refunds: 0,
            direct: None,
            shares: Vec::new(),
        }
    }

    #[test]
    fn orders_come_to_a_sum_in_one_currency_or_are_refused_with_the_reason() {
        let cny = |amount| Money::new(amount, Currency::CNY);
        let (one, two) = (order(1, cny(1)), order(2, cny(2)));
        let yen = order(3, Money::new(1, Currency::JPY));
        let most = order(4, cny(i64::MAX));
        assert_eq!(sum(&[&one, &two]), Ok(cny(3)));
        for (orders, wanted) in [
            (vec![], "two orders or more"),
            (vec![&one], "two to fifty"),
            (vec![&one; 51], "two to fifty"),
            (vec![&one, &two, &one], "named twice"),
            (vec![&one, &yen], "one currency"),
            (vec![&one, &most], "more than can be paid"),
        ] {
            let refused = sum(&orders);
            let Err(Refusal::CombinationInvalid { what }) = refused else {
                panic!("{refused:?}")
            };
            assert!(what.contains(wanted), "{what}");
        }
    }
}
