//! An order from creation to payment, closing or expiry.

use fx::Currency;
use ledger::{AccountId, NewTransaction, Reason, Timestamp};

use super::decision::{About, Decision};
use super::fee::Method;
use super::id::MerchantId;
use super::message::{Event, NewOrder, Outcome, Pay};
use super::open::not_held;
use super::order::{Order, OrderState, Verdict};
use super::recipe::{PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::state::Payments;
use super::subject::Subject;

/// Open orders of one merchant, which lie in memory, at some 400 bytes each. They last 30 days at most, so this is one
/// unpaid order in 26 seconds all the time: more than any checkout makes, and too few to fill a machine with.
pub const ORDERS_OPEN_MAX: u32 = 100_000;

type Decided = Result<Outcome, Refusal>;

impl Payments {
    pub(super) fn create_order(
        &self,
        at: Timestamp,
        new: &NewOrder,
        events: &mut Vec<Event>,
    ) -> Decided {
        let merchant = self
            .merchants
            .get(&new.merchant)
            .ok_or(Refusal::MerchantNotFound)?;
        self.must_take_payments(merchant.id)?;
        if new.amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        if !merchant.currencies.contains(&new.amount.currency) {
            return Err(not_held(new.amount.currency));
        }
        if new.life_secs == 0 || new.life_secs > Order::LIFE_SECS_MAX {
            return Err(Refusal::ExpiryInvalid);
        }
        if self.orders_open_of(merchant.id) >= ORDERS_OPEN_MAX {
            return Err(Refusal::OrdersOpenTooMany);
        }
        let order = Order {
            id: new.id,
            merchant: merchant.id,
            merchant_no: merchant.no,
            number: new.number.clone(),
            amount: new.amount,
            description: new.description.clone(),
            state: OrderState::Open,
            created_at: at,
            expires_at: at.plus_secs(new.life_secs),
            payment: None,
            refunded: 0,
            fee_returned: 0,
            refunds: 0,
            direct: None,
            shares: Vec::new(),
        };
        events.push(Event::OrderCreated(order.clone()));
        Ok(Outcome::Order(order))
    }

    /// The order's payment and the moving of the money are decided together, or refused together.
    pub(super) fn pay(
        &self,
        at: Timestamp,
        order: &Order,
        pay: &Pay,
        events: &mut Vec<Event>,
    ) -> Decided {
        must_be_open(order)?;
        let wallet = self
            .wallets
            .get(&pay.wallet)
            .ok_or(Refusal::WalletNotFound)?;
        let merchant = self
            .merchants
            .get(&order.merchant)
            .ok_or(Refusal::MerchantNotFound)?;
        self.must_take_payments(merchant.id)?;
        let currency = order.amount.currency;
        if !wallet.currencies.contains(&currency) {
            return Err(not_held(currency));
        }
        if pay.confirm && !self.can_confirm(wallet.id) {
            return Err(Refusal::StepUpMissing);
        }
        let about = About::Order {
            order: order.id,
            merchant: merchant.id,
            merchant_no: merchant.no,
        };
        let breakdown = self.breakdown(at, merchant.id, wallet, order.amount, &pay.using);
        if let (Err(_), Some(asked)) = (&breakdown, self.pending.asked(wallet.id, about)) {
            // What waits has the coupon that is asked for once more.
            return Ok(Subject::from(order).pending(asked));
        }
        let breakdown = breakdown?;
        let Some(scored) = &pay.scored else {
            return Ok(Outcome::ToAssess(order.clone()));
        };
        let terms = self.terms_for(merchant, Method::Order, order.amount);
        let decision = Decision::new(at, pay.transaction, about, wallet, order.amount, scored);
        let decision = decision.priced(terms, breakdown)?;
        if pay.confirm && scored.assessment.verdict == Verdict::Allow {
            self.challenge(at, order.into(), decision, events)
        } else {
            self.judge(at, order.into(), decision, events)
        }
    }

    /// Closing a closed order is no event. Money that is on hold for it goes back to the payer.
    pub(super) fn close(
        &self,
        at: Timestamp,
        order: &Order,
        merchant: MerchantId,
        events: &mut Vec<Event>,
    ) -> Decided {
        if order.merchant != merchant {
            return Err(Refusal::OrderNotFound);
        }
        if order.state == OrderState::Closed {
            return Ok(Outcome::Order(order.clone()));
        }
        if matches!(
            order.state,
            OrderState::InReview | OrderState::AwaitingPayer
        ) {
            self.withdraw(at, order, events)?;
        } else {
            must_be_open(order)?;
        }
        let order = Order {
            state: OrderState::Closed,
            ..order.clone()
        };
        events.push(Event::OrderClosed(order.clone()));
        Ok(Outcome::Order(order))
    }

    /// Posts one transaction of one currency in the payments' book and returns the balances of two roles after it.
    pub(super) fn post(
        &self,
        at: Timestamp,
        transaction: NewTransaction,
        roles: [Role; 2],
        currency: Currency,
        events: &mut Vec<Event>,
    ) -> Result<[i128; 2], Refusal> {
        let accounts = roles.map(|role| role.account(currency));
        self.post_to(at, transaction, accounts, events)
    }

    /// Posts one transaction in the payments' book and returns the balances of two accounts after it.
    pub(super) fn post_to(
        &self,
        at: Timestamp,
        transaction: NewTransaction,
        accounts: [AccountId; 2],
        events: &mut Vec<Event>,
    ) -> Result<[i128; 2], Refusal> {
        self.post_all(at, &[transaction], accounts, events)
    }

    /// The same of several transactions, all or none.
    pub(super) fn post_all(
        &self,
        at: Timestamp,
        transactions: &[NewTransaction],
        accounts: [AccountId; 2],
        events: &mut Vec<Event>,
    ) -> Result<[i128; 2], Refusal> {
        let mut posted = Vec::new();
        let balances = self
            .ledger
            .post_at(at, PAYMENTS_BOOK, transactions, &mut posted)?;
        events.extend(posted.into_iter().map(Event::Ledger));
        Ok(accounts.map(|id| {
            let Some(account) = self.ledger.account(PAYMENTS_BOOK, id) else {
                return 0;
            };
            let touched = balances.iter().find(|(no, _)| *no == account.no);
            touched.map_or(account.net(), |(_, balance)| balance.net(account.kind))
        }))
    }
}

pub(super) fn must_be_open(order: &Order) -> Result<(), Refusal> {
    match order.state {
        OrderState::Open => Ok(()),
        OrderState::Closed => Err(Refusal::OrderClosed),
        OrderState::Expired => Err(Refusal::OrderExpired),
        OrderState::InReview => Err(Refusal::OrderInReview),
        OrderState::AwaitingPayer => Err(Refusal::OrderAwaitingPayer),
        OrderState::Reversed => Err(Refusal::OrderReversed),
        OrderState::Paid | OrderState::PartlyRefunded | OrderState::Refunded => {
            Err(Refusal::OrderPaid)
        }
    }
}

/// Says "not enough money" in the words of whoever has too little.
pub(super) fn short(refusal: Refusal, words: Refusal) -> Refusal {
    match refusal {
        Refusal::Ledger(rejection) if rejection.reason == Reason::BelowMinimum => words,
        other => other,
    }
}
