//! A payment: looked up, assessed, decided.
//!
//! The first look goes to the machine with the payment's keys but without an assessment. It tells a retry its first
//! answer and refuses what cannot be paid, before anything is scored; otherwise it brings the order that is to be
//! assessed and uses no key up. What it refuses is then journalled as the answer of the key. Between the looks others may
//! pay the order or close it: the second look decides anew, with all checks.

use ledger::shell::Committed;
use ledger::{Remember, Submission, TransactionId, Unique};

use super::ask::new_id;
use super::{App, Done, risk};
use crate::pay::{Command, OrderId, Outcome, Pay, Refusal, WalletId};
use crate::problem::{Code, Problem};

/// What a payment brings along beside its order.
#[derive(Clone, Copy, Debug)]
pub struct Payer<'a> {
    pub wallet: WalletId,
    /// The name of the phone or browser, if the wallet's provider says it.
    pub device: Option<&'a str>,
}

impl App {
    /// Pays an order from a wallet. The answer is paid, or pending: then the payer must confirm or an analyst must look.
    pub async fn pay(
        &self,
        order: OrderId,
        payer: Payer<'_>,
        once: Unique,
    ) -> Result<Done, Problem> {
        let look = Unique {
            remember: Remember::Successes,
            ..once
        };
        let pay = Pay {
            order,
            wallet: payer.wallet,
            transaction: TransactionId(new_id()),
            scored: None,
        };
        let looked = Submission::new(Command::Pay(pay.clone())).once(look);
        let looked = self.submit(looked).await?;
        match looked.outcome {
            Outcome::ToAssess(order) => {
                let attempt = risk::attempt(pay.transaction, &order, payer.wallet, payer.device);
                let scored = self.risk.assess(&attempt);
                let pay = Pay {
                    scored: Some(Box::new(scored)),
                    ..pay
                };
                let answer = self
                    .submit(Submission::new(Command::Pay(pay)).once(once))
                    .await;
                if !may_be_journalled(&attempt, &answer) {
                    self.risk.forget(&attempt);
                }
                let done = Done::of(answer?)?;
                if !done.again && matches!(done.outcome, Outcome::Paid { .. }) {
                    self.metrics.paid();
                }
                Ok(done)
            }
            Outcome::Refused(refusal) if !looked.again => {
                self.command(Command::Refuse(refusal), [once]).await
            }
            _ => Done::of(looked),
        }
    }
}

/// Whether the journal knows of an attempt, or may: then its end is learned from there.
fn may_be_journalled(
    attempt: &fraud::Attempt,
    answer: &Result<Committed<Outcome>, Problem>,
) -> bool {
    match answer {
        Err(problem) => problem.code == Code::OutcomeUnknown,
        Ok(committed) => match &committed.outcome {
            Outcome::Paid { order, .. } => {
                let payment = order.payment.as_ref();
                payment.is_some_and(|payment| payment.transaction.0 == attempt.id)
            }
            Outcome::Pending { decision, .. } => decision.id.0 == attempt.id,
            Outcome::Refused(
                Refusal::RiskDenied | Refusal::InsufficientFunds | Refusal::Ledger(_),
            ) => !committed.again,
            _ => false,
        },
    }
}
