//! Mandates: a payer consents by a proof, and a merchant debits.

use fraud::{Channel, Key, Kind};
use ledger::Unique;

use super::confirm::Proof;
use super::risk::Moving;
use super::{App, Done, Origin, Payer};
use crate::pay::{Command, Mandate, MandateId, NewDebit, Order, Outcome, WalletId};
use crate::problem::Problem;

/// What a device signs to accept a mandate: this one, for this wallet, within these bounds.
pub(crate) fn text_of_consent(mandate: &Mandate, wallet: WalletId) -> String {
    let bounds = &mandate.bounds;
    let debits = bounds
        .debits
        .map_or_else(String::new, |most| most.to_string());
    format!(
        "accept {}\n{wallet}\n{}\n{} {} {} {debits} {} {}",
        mandate.id,
        mandate.merchant,
        bounds.per_debit,
        bounds.per_period,
        bounds.period_days,
        bounds.days,
        bounds.currency.code()
    )
}

impl App {
    /// Accepts a mandate for a wallet whose holder shows a proof.
    pub(crate) async fn accept_mandate(
        &self,
        id: MandateId,
        wallet: WalletId,
        proof: &dyn Proof,
        once: Option<Unique>,
    ) -> Result<Done, Problem> {
        let found = self.look_up(Command::FindMandate(id)).await?.outcome;
        let proof = match &found {
            Outcome::Mandate(mandate) => {
                let text = text_of_consent(mandate, wallet);
                self.check_now(proof, wallet, &text).await?
            }
            _ => None,
        };
        let command = Command::AcceptMandate { id, wallet, proof };
        self.command(command, once).await
    }

    /// Debits by a mandate. The order is paid, or waits for its payer or for an analyst.
    pub(crate) async fn debit(&self, new: NewDebit, keys: [Unique; 2]) -> Result<Done, Problem> {
        let command = |scored| {
            Command::Debit(Box::new(NewDebit {
                scored,
                ..new.clone()
            }))
        };
        // Nobody is there: it comes from the merchant's systems.
        let origin = Origin::default();
        let moving = |order: &Order| Moving {
            transaction: new.transaction,
            kind: Kind::Charge,
            channel: Channel::Api,
            payer: Payer {
                // An order by a mandate always has its payer.
                wallet: order
                    .direct
                    .as_ref()
                    .map_or(WalletId(0), |direct| direct.payer),
                origin,
            },
            payee: Some(Key::from(new.merchant.0)),
            amount: order.amount,
        };
        self.assessed_order(&keys, origin, command, moving).await
    }
}
