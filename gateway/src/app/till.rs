//! What happens at tills: payment codes are checked, charged and taken back, and printed codes are paid.
//!
//! A code's secret rests sealed in the journal; it is opened here, and the rules hear only which code was good. What was
//! found wrong is journalled under the request's keys, so a retry gets its first answer also when the code has grown old
//! meanwhile.

use std::time::{SystemTime, UNIX_EPOCH};

use fraud::{Channel, Key, Kind};
use fx::Money;
use ledger::{Submission, TransactionId, Unique};

use super::ask::new_id;
use super::risk::Moving;
use super::{App, Done, Origin, Payer};
use crate::api::once;
use crate::pay::{
    Command, GoodCode, Lookup, MerchantId, NewCharge, Order, OrderNumber, Outcome, PayPrinted,
    Refusal, Till, WalletId,
};
use crate::payment_code::{PaymentCode, Verdict, step_at};
use crate::problem::{Code, Problem};

/// Looks for an order whose number was taken between two looks; more than one race is no race.
const LOOKS_MAX: usize = 3;

impl App {
    /// Charges a payment code. The order is paid, or waits for its payer or for an analyst.
    pub async fn charge(
        &self,
        code: &str,
        keys: [Unique; 2],
        new: impl FnOnce(GoodCode) -> NewCharge,
        (merchant, till): (MerchantId, Till),
    ) -> Result<Done, Problem> {
        let (good, wallet) = match self.check_code(code).await? {
            Ok(good) => good,
            Err(Refusal::PaymentCodeInvalid) => {
                let guessed = Command::RefuseCode { merchant, till };
                return self.command(guessed, keys).await;
            }
            Err(refusal) => return self.command(Command::Refuse(refusal), keys).await,
        };
        let new = new(good);
        let command = |scored| {
            Command::Charge(Box::new(NewCharge {
                scored,
                ..new.clone()
            }))
        };
        // The phone that made the code is known for certain, whatever the till says.
        let (device, place) = (good.device.to_string(), name_of_till(merchant, &till));
        let origin = Origin {
            device: Some(&device),
            place: place.as_deref(),
        };
        let attempt = |order: &Order| Moving {
            transaction: new.transaction,
            kind: Kind::Charge,
            channel: Channel::PaymentCode,
            payer: Payer { wallet, origin },
            payee: Some(Key::from(merchant.0)),
            amount: order.amount,
        };
        self.assessed_order(&keys, origin, command, attempt).await
    }

    /// Whether an amount is so large that who shows a payment code confirms it.
    pub(crate) fn is_large(&self, amount: Money) -> bool {
        let limit = self.unconfirmed_max.saturating_mul(100);
        self.risk.weight(amount).unsigned_abs() > limit
    }

    /// Which device made a code and when, and whose it is.
    async fn check_code(
        &self,
        code: &str,
    ) -> Result<Result<(GoodCode, WalletId), Refusal>, Problem> {
        let Some(code) = PaymentCode::parse(code) else {
            return Ok(Err(Refusal::PaymentCodeInvalid));
        };
        let found = self
            .submit(Submission::new(Command::FindCodeDevice(code.handle)))
            .await?;
        let Outcome::CodeDevice { wallet, device } = found.outcome else {
            return Ok(Err(Refusal::PaymentCodeInvalid));
        };
        let secret = self.secrets.open(&device.secret, &device.id.to_string());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = step_at(since.unwrap_or_default().as_secs());
        Ok(match code.check(&secret, now) {
            Verdict::Good { step } => Ok((
                GoodCode {
                    handle: code.handle,
                    device: device.id,
                    step,
                },
                wallet,
            )),
            Verdict::Old => Err(Refusal::PaymentCodeOld),
            Verdict::Wrong => Err(Refusal::PaymentCodeInvalid),
        })
    }

    /// Takes back what was charged under a number, or sees to it that nothing will be. Without an order nothing was.
    pub async fn reverse(
        &self,
        merchant: MerchantId,
        number: OrderNumber,
        once: Unique,
    ) -> Result<Option<Done>, Problem> {
        let transaction = TransactionId(new_id());
        for _ in 0..LOOKS_MAX {
            let lookup = Lookup::Number(merchant, number.clone());
            let found = self.look_up(Command::FindOrder(lookup.clone())).await?;
            if matches!(found.outcome, Outcome::Order(_)) {
                let command = Command::Reverse {
                    order: lookup,
                    merchant,
                    transaction,
                };
                return self.command(command, [once]).await.map(Some);
            }
            let taken = once::of_order_number(merchant, &number, once::FORESTALLED);
            match self.command(Command::Forestall, [taken]).await {
                Ok(_) => return Ok(None),
                // A charge under this number came in between.
                Err(problem) if problem.code == Code::OrderNumberUsed => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(Problem::new(
            Code::Busy,
            "The charge arrives at this very moment. Take it back again.",
        ))
    }

    /// Pays by a printed code. The order is paid, or waits as any payment does.
    pub async fn pay_printed(
        &self,
        pay: PayPrinted,
        origin: Origin<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        // It happens where the code hangs.
        let code = pay.code.to_string();
        let origin = Origin {
            place: Some(&code),
            ..origin
        };
        let command = |scored| {
            Command::PayPrinted(PayPrinted {
                scored,
                ..pay.clone()
            })
        };
        let attempt = |order: &Order| Moving {
            transaction: pay.transaction,
            kind: Kind::Payment,
            channel: Channel::MerchantCode,
            payer: Payer {
                wallet: pay.wallet,
                origin,
            },
            payee: Some(Key::from(order.merchant.0)),
            amount: order.amount,
        };
        self.assessed_order(&[once], origin, command, attempt).await
    }
}

/// The till that a charge is made at, if it has a name.
fn name_of_till(merchant: MerchantId, till: &Till) -> Option<String> {
    let Till {
        store, terminal, ..
    } = till;
    if store.is_none() && terminal.is_none() {
        return None;
    }
    let [store, terminal] = [store, terminal].map(|text| text.as_deref().unwrap_or_default());
    Some(format!("{merchant}/{store}/{terminal}"))
}
