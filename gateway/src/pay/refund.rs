//! Refunds: whole or in part, many for one order, never more than was paid.
//!
//! The house gives its fee back in proportion. What has been given back after a refund is the fee
//! times all that has gone back by then of what was settled with the merchant, divided by all that was settled and rounded
//! down; so the parts never exceed the fee and a full refund returns all of it. Where coupons and points have paid a part,
//! [`super::breakdown`] says how a refund falls on the parts. Where the terms of the payment say that the fee is kept, none of it
//! goes back.

use fx::{Money, Rounding};
use ledger::Timestamp;

use super::breakdown::Parts;
use super::checkout::short;
use super::message::{Event, NewRefund, Outcome};
use super::order::{Order, OrderState, Payment, Refund};
use super::recipe::{self, Moved, Role};
use super::refusal::Refusal;
use super::state::Payments;

impl Payments {
    pub(super) fn refund(
        &self,
        at: Timestamp,
        order: &Order,
        new: &NewRefund,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Refusal> {
        if order.merchant != new.merchant {
            return Err(Refusal::OrderNotFound);
        }
        if order.state == OrderState::Reversed {
            return Err(Refusal::OrderReversed);
        }
        let payment = order.payment.as_ref().ok_or(Refusal::OrderNotPaid)?;
        check(at, order, payment, new)?;
        let currency = order.amount.currency;
        let refunded = order.refunded + new.amount.amount;
        let before = payment.returned(order.amount.amount, order.refunded);
        let after = payment.returned(order.amount.amount, refunded);
        let returned = if payment.terms.kept {
            0
        } else {
            let whole = payment.returned(order.amount.amount, order.amount.amount);
            fee_returned(payment.fee, after.settled(), whole.settled())?
        };
        let fee_returned = Money::new(returned - order.fee_returned, currency);
        let (moved, parts) = self.give_back_parts(payment, &after.less(&before), fee_returned);
        let posting = recipe::refund(
            new.transaction,
            (payment.wallet_no, order.merchant_no),
            &moved,
            new.number.as_str(),
        );
        let roles = [
            Role::Wallet(payment.wallet_no),
            Role::Merchant(order.merchant_no),
        ];
        let balances = if posting.postings.is_empty() {
            // All of it falls on a coupon of the merchant's own: nobody has anything to give back.
            Ok(roles.map(|role| self.net(role, currency, &[])))
        } else {
            self.post(at, posting, roles, currency, events)
        };
        let [wallet_balance, merchant_balance] =
            balances.map_err(|refusal| short(refusal, Refusal::MerchantBalanceTooLow))?;
        let whole = refunded == order.amount.amount;
        let order = Order {
            state: if whole {
                OrderState::Refunded
            } else {
                OrderState::PartlyRefunded
            },
            refunded,
            fee_returned: returned,
            refunds: order.refunds + 1,
            ..order.clone()
        };
        let refund = Refund {
            id: new.id,
            order: order.id,
            number: new.number.clone(),
            amount: new.amount,
            fee_returned,
            reason: new.reason.clone(),
            at,
            transaction: new.transaction,
            parts: payment.breakdown.as_ref().map(|_| Box::new(parts)),
        };
        events.push(Event::OrderRefunded {
            order: order.clone(),
            refund: refund.clone(),
        });
        Ok(Outcome::Refunded {
            order,
            refund,
            wallet_balance,
            merchant_balance,
        })
    }
}

impl Payments {
    /// What moves when parts of a payment go back, and these parts as they do: points that it earned are taken back only as
    /// far as the payer still has them.
    pub(super) fn give_back_parts(
        &self,
        payment: &Payment,
        back: &Parts,
        fee: Money,
    ) -> (Moved, Parts) {
        let mut parts = back.clone();
        let plain = Moved::plain(Money::new(back.paid, fee.currency), fee);
        let Some(breakdown) = &payment.breakdown else {
            return (plain, parts);
        };
        let earned = breakdown.earned.as_ref().map(|earned| {
            let wanted = Money::new(back.earned, earned.points.currency);
            parts.earned = self.takeable(payment.wallet_no, wanted);
            Money::new(parts.earned, wanted.currency)
        });
        let spent = breakdown.spent.as_ref();
        let spent = spent.map(|spent| Money::new(back.spent, spent.points.currency));
        let moved = Moved {
            house: back.house,
            spent,
            earned,
            ..plain
        };
        (moved, parts)
    }
}

fn check(at: Timestamp, order: &Order, payment: &Payment, new: &NewRefund) -> Result<(), Refusal> {
    if new.amount.currency != order.amount.currency || new.amount.amount <= 0 {
        return Err(Refusal::AmountInvalid);
    }
    if new.amount.amount > order.refundable() {
        return Err(Refusal::RefundTooLarge {
            refundable: order.refundable(),
        });
    }
    if at > payment.at.plus_secs(Order::REFUND_SECS_MAX) {
        return Err(Refusal::RefundTooLate);
    }
    if order.refunds >= Order::REFUNDS_MAX {
        return Err(Refusal::RefundsTooMany);
    }
    Ok(())
}

/// The part of the fee that has gone back once this much of what was settled has.
fn fee_returned(fee: Money, back: i64, settled: i64) -> Result<i64, Refusal> {
    // Neither is below zero, and something always was settled: one minor unit stays to be paid whatever coupons say.
    let (part, whole) = (back.unsigned_abs(), settled.unsigned_abs());
    fee.proportion(part, whole, Rounding::Down)
        .map(|returned| returned.amount)
        .map_err(|_| Refusal::AmountInvalid)
}
