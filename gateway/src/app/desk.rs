//! What analysts do, and what they look at.

use ledger::{Submission, Unique};

use super::{App, Done, views_problem};
use crate::pay::desk::{self, Desk};
use crate::pay::{Command, DecisionId, Outcome};
use crate::problem::{Code, Problem};
use crate::store::decision::{self, Labelled};

impl App {
    /// Everything on the desk.
    pub async fn desk(&self) -> Result<Desk, Problem> {
        let question = Submission::new(Command::Desk(desk::Command::Look));
        let done = Done::of(self.submit(question).await?)?;
        match done.outcome {
            Outcome::Desk(outcome) => match *outcome {
                desk::Outcome::Desk(desk) => Ok(desk),
                other => Err(Problem::internal(&format!("no desk but {other:?}"))),
            },
            _ => done.unexpected(),
        }
    }

    /// Does something at the desk. When it is answered, the scorer has heard of it.
    pub async fn at_desk(
        &self,
        command: desk::Command,
        once: impl IntoIterator<Item = Unique>,
    ) -> Result<(Done, desk::Outcome), Problem> {
        let concerns_the_scorer = matches!(
            command,
            desk::Command::Approve { .. }
                | desk::Command::GoBack { .. }
                | desk::Command::Enter { .. }
                | desk::Command::Strike { .. }
                | desk::Command::UseModel { .. }
        );
        let done = self.command(Command::Desk(command), once).await?;
        if concerns_the_scorer {
            self.risk.load_desk().await;
        }
        match &done.outcome {
            Outcome::Desk(outcome) => {
                let outcome = desk::Outcome::clone(outcome);
                Ok((done, outcome))
            }
            _ => done.unexpected(),
        }
    }

    /// A decision, as it stands in the views once they have caught up with now.
    pub async fn find_decision(&self, id: DecisionId) -> Result<Labelled, Problem> {
        let now = self.handle.status().durable;
        let mut reading = self.read_views(Some(now)).await?;
        let found = decision::find(&mut reading, id).await;
        found
            .map_err(|error| views_problem(&error))?
            .ok_or_else(|| Problem::new(Code::DecisionNotFound, "There is no such decision."))
    }
}
