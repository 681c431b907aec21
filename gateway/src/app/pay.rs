//! A payment: looked up, assessed, decided.
//!
//! The first look goes to the machine with the payment's keys but without an assessment. It tells a retry its first
//! answer and refuses what cannot be paid, before anything is scored; otherwise it brings the order that is to be
//! assessed and uses no key up. What it refuses is then journalled as the answer of the key. Between the looks others may
//! pay the order or close it: the second look decides anew, with all checks.

use ledger::{Remember, Submission, TransactionId, Unique};

use super::ask::new_id;
use super::{App, Done, risk};
use crate::pay::{Command, OrderId, Outcome, Pay, WalletId};
use crate::problem::{Code, Problem};

impl App {
    /// Pays an order from a wallet. `confirmed` says that the payer was asked again and said yes.
    pub async fn pay(
        &self,
        order: OrderId,
        wallet: WalletId,
        confirmed: bool,
        once: Unique,
    ) -> Result<Done, Problem> {
        let look = Unique {
            remember: Remember::Successes,
            ..once
        };
        let pay = Pay {
            order,
            wallet,
            transaction: TransactionId(new_id()),
            assessment: None,
            confirmed,
        };
        let looked = Submission::new(Command::Pay(pay.clone())).once(look);
        let looked = self.submit(looked).await?;
        match looked.outcome {
            Outcome::ToAssess(order) => {
                let attempt = risk::attempt(pay.transaction, &order, wallet);
                let assessment = self.risk.assess(&attempt);
                let pay = Pay {
                    assessment: Some(assessment),
                    ..pay
                };
                let answer = self
                    .submit(Submission::new(Command::Pay(pay)).once(once))
                    .await;
                self.tell_risk(&attempt, &answer);
                let done = Done::of(answer?)?;
                if !done.again {
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

    /// What became of an attempt. One whose end is not known stays under way, as it may have been paid.
    fn tell_risk(
        &self,
        attempt: &fraud::Attempt,
        answer: &Result<ledger::shell::Committed<Outcome>, Problem>,
    ) {
        match answer {
            Ok(committed) => {
                let paid = matches!(committed.outcome, Outcome::Paid { .. });
                self.risk.ended(attempt, paid && !committed.again);
            }
            Err(problem) if problem.code == Code::OutcomeUnknown => {}
            Err(_) => self.risk.ended(attempt, false),
        }
    }
}
