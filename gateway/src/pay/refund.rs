//! Refunds: whole or in part, many for one order, never more than was paid.
//!
//! The house gives its fee back in proportion. What has been given back after a refund is the fee
//! times all that was refunded by then, divided by the amount and rounded down; so the parts never
//! exceed the fee and a full refund returns all of it. Where the terms of the payment say that the fee is kept, none of it
//! goes back.

use fx::{Money, Rounding};
use ledger::Timestamp;

use super::checkout::short;
use super::message::{Event, NewRefund, Outcome};
use super::order::{Order, OrderState, Payment, Refund};
use super::recipe::{self, Role};
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
        let returned = if payment.terms.kept {
            0
        } else {
            fee_returned(payment.fee, refunded, order.amount)?
        };
        let fee_returned = Money::new(returned - order.fee_returned, currency);
        let posting = recipe::refund(
            new.transaction,
            payment.wallet_no,
            order.merchant_no,
            new.amount,
            fee_returned,
            new.number.as_str(),
        );
        let roles = [
            Role::Wallet(payment.wallet_no),
            Role::Merchant(order.merchant_no),
        ];
        let [wallet_balance, merchant_balance] = self
            .post(at, posting, roles, currency, events)
            .map_err(|refusal| short(refusal, Refusal::MerchantBalanceTooLow))?;
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

/// The part of the fee that has gone back once `refunded` of the order has.
fn fee_returned(fee: Money, refunded: i64, amount: Money) -> Result<i64, Refusal> {
    // Both are above zero here: the one was checked, the other follows from it.
    let (part, whole) = (refunded.unsigned_abs(), amount.amount.unsigned_abs());
    fee.proportion(part, whole, Rounding::Down)
        .map(|returned| returned.amount)
        .map_err(|_| Refusal::AmountInvalid)
}
