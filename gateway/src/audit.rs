//! What must hold of payments, whatever was decided; checked when a journal is verified.
//!
//! The auditor keeps a small book of its own for each order: its state and what was refunded. It
//! knows which moves there are and nothing of how the rules decide them.

mod sending;

use std::collections::HashMap;

use ledger::shell::sql::Database;
use ledger::shell::verify::Broken;
use ledger::shell::{Audit, LedgerAudit, Report, VerifyError, Wanted};
use ledger::{Moment, TrialBalance};

use crate::pay::{Event, Order, OrderId, OrderState, Payments, ProfitShare};
use crate::store::PaymentsView;

/// Verifies a gateway's database: journal and views, beside whatever runs and without changing anything.
pub async fn verify(database: impl Into<Database>, wanted: Wanted) -> Result<Report, VerifyError> {
    ledger::shell::verify(
        database,
        PaymentsView::new(crate::api::event::body),
        PaymentsAudit::default(),
        wanted,
    )
    .await
}

/// The rules of the ledger, and those of orders: they only move as they may, refunds never exceed
/// what was paid, and no more of a fee is given back than was taken; and those of what people send each other.
#[derive(Debug, Default)]
pub struct PaymentsAudit {
    ledger: LedgerAudit,
    orders: HashMap<OrderId, Seen>,
    sending: sending::SendingAudit,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    state: OrderState,
    amount: i64,
    refunded: i64,
}

impl Audit<Payments> for PaymentsAudit {
    fn event(&mut self, _: Moment, event: &Event, _: &Payments) -> Result<(), Broken> {
        match event {
            Event::Ledger(event) => self.ledger.event(event),
            Event::OrderCreated(order) => self.created(order),
            Event::OrderPaid(order)
            | Event::OrderClosed(order)
            | Event::OrderExpired(order)
            | Event::OrderHeld(order)
            | Event::OrderReopened(order)
            | Event::OrderAwaitsPayer(order)
            | Event::OrderReversed(order)
            | Event::OrderRefunded { order, .. } => self.moved(order),
            Event::OrderShared { order, .. } | Event::ShareReturned { order, .. } => shared(order),
            other => self.sending.event(other),
        }
    }

    fn state(&mut self, payments: &Payments) -> Result<(), Broken> {
        self.sending.state(payments)?;
        self.ledger.state(payments.ledger())
    }

    fn trial_balance(&self, payments: &Payments) -> Vec<TrialBalance> {
        payments.ledger().trial_balance()
    }
}

impl PaymentsAudit {
    fn created(&mut self, order: &Order) -> Result<(), Broken> {
        let (id, state) = (order.id, order.state);
        let fresh = state == OrderState::Open && order.payment.is_none() && order.refunded == 0;
        expect(fresh && order.amount.amount > 0, || {
            (
                format!("order {id} to begin open, unpaid and above zero"),
                format!("{order:?}"),
            )
        })?;
        let seen = Seen {
            state,
            amount: order.amount.amount,
            refunded: 0,
        };
        let earlier = self.orders.insert(id, seen);
        expect(earlier.is_none(), || {
            (
                format!("order {id} to be made once"),
                "a second one".to_owned(),
            )
        })
    }

    fn moved(&mut self, order: &Order) -> Result<(), Broken> {
        let id = order.id;
        if order.direct.is_some() {
            // It comes about with its first move.
            self.orders.entry(id).or_insert(Seen {
                state: OrderState::Open,
                amount: order.amount.amount,
                refunded: 0,
            });
        }
        let Some(seen) = self.orders.get_mut(&id) else {
            return Err((format!("order {id} to exist"), "none".to_owned()));
        };
        let (before, now) = (seen.state, order.state);
        expect(may_move(before, now), || {
            let expected = format!("order {id} to move from {} as it may", before.name());
            (expected, format!("to {}", now.name()))
        })?;
        expect(order.amount.amount == seen.amount, || {
            (
                format!("order {id} over {}", seen.amount),
                order.amount.amount.to_string(),
            )
        })?;
        let fee = order
            .payment
            .as_ref()
            .map_or(0, |payment| payment.fee.amount);
        let within = (seen.refunded..=seen.amount).contains(&order.refunded)
            && (0..=fee).contains(&order.fee_returned);
        expect(within, || {
            let expected = format!(
                "order {id} to be refunded at most {}, fee {fee}",
                seen.amount
            );
            (
                expected,
                format!("{} and {} of the fee", order.refunded, order.fee_returned),
            )
        })?;
        let whole = order.refunded == seen.amount;
        let is_back = match now {
            OrderState::Reversed => whole || order.payment.is_none(),
            OrderState::Refunded => whole,
            _ => !whole,
        };
        expect(is_back, || {
            (
                format!("order {id} to be refunded when all of it is"),
                now.name().to_owned(),
            )
        })?;
        (seen.state, seen.refunded) = (now, order.refunded);
        Ok(())
    }
}

/// What an order's merchant has passed on is never more than the order, and no more comes back than went.
fn shared(order: &Order) -> Result<(), Broken> {
    let out: i64 = order.shares.iter().map(ProfitShare::left).sum();
    let within = |share: &ProfitShare| (0..=share.amount).contains(&share.returned);
    let holds = order.payment.is_some()
        && (0..=order.amount.amount).contains(&out)
        && order.shares.iter().all(within);
    expect(holds, || {
        (
            format!(
                "at most {} of order {} to be passed on",
                order.amount.amount, order.id
            ),
            out.to_string(),
        )
    })
}

/// The only moves there are.
fn may_move(before: OrderState, now: OrderState) -> bool {
    use OrderState::{
        AwaitingPayer, Closed, Expired, InReview, Open, Paid, PartlyRefunded, Refunded, Reversed,
    };
    matches!(
        (before, now),
        (Open, Paid | InReview | AwaitingPayer | Closed | Expired)
            | (InReview, Paid | Open | Closed | Expired | Reversed)
            | (AwaitingPayer, Paid | Closed | Expired | Reversed)
            | (Paid, PartlyRefunded | Refunded | Reversed)
            | (PartlyRefunded, PartlyRefunded | Refunded)
    )
}

fn expect(holds: bool, otherwise: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
