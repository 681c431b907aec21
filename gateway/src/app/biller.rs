//! Billers: paid by a reference.

use fraud::{Channel, Key, Kind};
use ledger::Unique;

use super::risk::Moving;
use super::{App, Done, Origin, Payer};
use crate::pay::{Command, Order, PayBiller};
use crate::problem::Problem;

impl App {
    /// Pays a biller. The order is paid, or waits as any payment does.
    pub(crate) async fn pay_biller(
        &self,
        pay: PayBiller,
        origin: Origin<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        let command = |scored| {
            Command::PayBiller(Box::new(PayBiller {
                scored,
                ..pay.clone()
            }))
        };
        let moving = |order: &Order| Moving {
            transaction: pay.transaction,
            kind: Kind::Payment,
            channel: Channel::App,
            payer: Payer {
                wallet: pay.wallet,
                origin,
            },
            payee: Some(Key::from(order.merchant.0)),
            amount: order.amount,
        };
        self.assessed_order(&[once], origin, command, moving).await
    }
}
