//! Asking the machine, and telling it to do things.

use std::sync::Arc;
use std::time::Duration;

use fx::{Currency, CurrencyError, Money};
use ledger::shell::{Committed, Reading};
use ledger::{Sequence, Submission, Timestamp, Unique};
use uuid::Uuid;

use super::{App, views_problem};
use crate::api::refused::{refused, submit_problem};
use crate::api::wire::{AskedAmount, Minor};
use crate::pay::{Command, Lookup, Merchant, MerchantId, Order, Outcome};
use crate::problem::{Code, Problem};

/// How long a reader waits for the views to reach what it wants to see. They are milliseconds behind.
const VIEWS_WAIT_MAX: Duration = Duration::from_secs(3);

/// What was done, or found: never a refusal.
#[derive(Clone, Debug)]
pub struct Done {
    pub outcome: Outcome,
    pub sequence: Sequence,
    pub at: Timestamp,
    /// Whether this is the first answer again.
    pub again: bool,
}

impl Done {
    /// A refusal becomes a problem, which also says if it is the first answer again.
    pub(super) fn of(committed: Committed<Outcome>) -> Result<Self, Problem> {
        let Committed {
            outcome,
            sequence,
            at,
            again,
        } = committed;
        match outcome {
            Outcome::Refused(refusal) => Err(Problem {
                again,
                ..refused(&refusal)
            }),
            outcome => Ok(Self {
                outcome,
                sequence,
                at,
                again,
            }),
        }
    }

    /// The machine answered with something that does not answer the command: a defect.
    pub fn unexpected<T>(self) -> Result<T, Problem> {
        let cause = format!(
            "an outcome that does not fit its command: {:?}",
            self.outcome
        );
        Err(Problem::internal(&cause))
    }
}

/// A new id: a UUIDv7, so that ids made later sort later.
pub fn new_id() -> u128 {
    Uuid::now_v7().as_u128()
}

impl App {
    pub(super) async fn submit(
        &self,
        submission: Submission<crate::pay::Payments>,
    ) -> Result<Committed<Outcome>, Problem> {
        self.handle.submit(submission).await.map_err(submit_problem)
    }

    /// Asks a question to which "there is none" is an answer too.
    pub async fn look_up(&self, question: Command) -> Result<Committed<Outcome>, Problem> {
        self.submit(Submission::new(question)).await
    }

    /// Asks a question, or gives a command that is safe to repeat.
    pub async fn ask(&self, command: Command) -> Result<Done, Problem> {
        Done::of(self.submit(Submission::new(command)).await?)
    }

    /// Gives a command that is done once under each of these keys.
    pub async fn command(
        &self,
        command: Command,
        keys: impl IntoIterator<Item = Unique>,
    ) -> Result<Done, Problem> {
        let submission = keys
            .into_iter()
            .fold(Submission::new(command), Submission::once);
        Done::of(self.submit(submission).await?)
    }

    pub async fn find_order(&self, lookup: Lookup) -> Result<(Order, Sequence), Problem> {
        let done = self.ask(Command::FindOrder(lookup)).await?;
        match done.outcome {
            Outcome::Order(order) => Ok((order, done.sequence)),
            _ => done.unexpected(),
        }
    }

    /// A merchant, as it was opened; what can change about one is not in here.
    pub async fn find_merchant(&self, id: MerchantId) -> Result<Arc<Merchant>, Problem> {
        if let Some(merchant) = self.merchants.get(&id) {
            return Ok(merchant);
        }
        let done = self.ask(Command::FindMerchant(id)).await?;
        match done.outcome {
            Outcome::Merchant { merchant, .. } => {
                let merchant = Arc::new(merchant);
                self.merchants.keep(id, merchant.clone());
                Ok(merchant)
            }
            _ => done.unexpected(),
        }
    }

    /// The currency of a code that somebody sent; `pointer` says where it stood.
    pub async fn currency(&self, code: &str, pointer: &str) -> Result<Currency, Problem> {
        let error = match Currency::iso(code) {
            Ok(currency) => return Ok(currency),
            Err(error) => error,
        };
        if let CurrencyError::NoMinorUnit { .. } = error {
            return Err(Problem::field(
                Code::CurrencyWithoutMinorUnit,
                pointer,
                error.to_string(),
            ));
        }
        let own = Currency::own(code, 0).is_ok();
        if own && let Some(currency) = self.assets.get(code) {
            return Ok(currency);
        }
        let unknown = || Problem::field(Code::UnknownCurrency, pointer, error.to_string());
        if !own {
            return Err(unknown());
        }
        let question = Command::FindAsset(code.to_owned());
        match self.submit(Submission::new(question)).await?.outcome {
            Outcome::Asset(currency) => {
                self.assets.keep(code.to_owned(), currency);
                Ok(currency)
            }
            _ => Err(unknown()),
        }
    }

    /// The currencies of a list of codes.
    pub async fn currencies(
        &self,
        codes: &[String],
        pointer: &str,
    ) -> Result<Vec<Currency>, Problem> {
        let mut currencies = Vec::new();
        for (position, code) in codes.iter().enumerate() {
            currencies.push(
                self.currency(code, &format!("{pointer}/{position}"))
                    .await?,
            );
        }
        Ok(currencies)
    }

    /// An amount above zero that somebody sent; `pointer` says where it stood.
    pub async fn money(&self, asked: &AskedAmount, pointer: &str) -> Result<Money, Problem> {
        let wrong = |code: Code| {
            let pointer = format!("{pointer}/amount");
            Problem::field(code, pointer, format!("{}.", code.title()))
        };
        let amount = match asked.amount {
            Minor::Whole(amount) if amount > 0 => amount,
            Minor::Whole(_) | Minor::NotWhole => return Err(wrong(Code::AmountInvalid)),
            Minor::TooLarge => return Err(wrong(Code::AmountOutOfRange)),
        };
        let pointer = format!("{pointer}/currency");
        let currency = self.currency(&asked.currency, &pointer).await?;
        Ok(Money::new(amount, currency))
    }

    /// Begins to read the views, once they hold at least this row of the journal.
    pub async fn read_views(&self, at_least: Option<Sequence>) -> Result<Reading, Problem> {
        if let Some(sequence) = at_least {
            if sequence > self.handle.status().durable {
                return Err(Problem::new(
                    Code::ParameterInvalid,
                    "at_least is not the sequence of an earlier answer of this server.",
                ));
            }
            if !self
                .handle
                .projected_at_least(sequence, VIEWS_WAIT_MAX)
                .await
            {
                return Err(Problem::new(
                    Code::NotReady,
                    "The views have not yet reached the place in at_least.",
                ));
            }
        }
        let reading = self.handle.views().read().await;
        reading.map_err(|error| views_problem(&error))
    }
}
