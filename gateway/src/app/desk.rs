//! What analysts do, and what they look at.

use std::sync::Arc;

use fraud::rule::Rule;
use ledger::{Sequence, Submission, Timestamp, Unique};

use super::risk::{BacktestError, Backtested};
use super::{App, Done, views_problem};
use crate::pay::desk::{self, Desk, Said};
use crate::pay::{Command, DecisionId, KeyId, Label, Outcome, RiskCommand, WalletId};
use crate::problem::{Code, Problem};
use crate::report::{Builder, FraudReport};
use crate::store::Cursor;
use crate::store::case::{self, Wanted};
use crate::store::decision::{self, Labelled, Remark};
use crate::store::page::Slice;

/// Earlier attempts of the payer that are shown with a case, and cases near it.
const TIMELINE_MAX: u32 = 20;
const NEIGHBOURS_MAX: u32 = 20;

/// Attempts that a report looks at; that of the command line has no bound.
const REPORT_MAX: u64 = 1_000_000;
/// Attempts read at a time.
const REPORT_PAGE: u32 = 5_000;

/// What an analyst does about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Lets money go that is on hold.
    Release,
    /// Refuses what is pending.
    Deny,
    /// Says what it was.
    Label(Label),
}

impl Act {
    fn command(self, decision: DecisionId, by: KeyId, note: &str) -> Command {
        let note = note.to_owned();
        match self {
            Self::Release => Command::Risk(RiskCommand::Release { decision, by, note }),
            Self::Deny => Command::Risk(RiskCommand::Deny { decision, by, note }),
            Self::Label(label) => {
                let said = Said::Label {
                    decision,
                    label,
                    by,
                    note,
                };
                Command::Risk(RiskCommand::Desk(desk::Command::Say(said)))
            }
        }
    }
}

/// Everything that is known of a case.
#[derive(Debug)]
pub struct Known {
    pub case: Labelled,
    /// What was said about it, the first first.
    pub remarks: Vec<Remark>,
    /// The payer's newest attempts.
    pub timeline: Vec<Labelled>,
    /// The newest other cases of the same payer, payee, device or place.
    pub neighbours: Vec<Labelled>,
    pub desk: Arc<Desk>,
    pub sequence: Sequence,
}

impl App {
    /// Everything on the desk.
    pub async fn desk(&self) -> Result<Arc<Desk>, Problem> {
        let question = Submission::new(Command::Risk(RiskCommand::Desk(desk::Command::Look)));
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
        self.must_run(&command).await?;
        let concerns_the_scorer = matches!(
            command,
            desk::Command::Approve { .. }
                | desk::Command::GoBack { .. }
                | desk::Command::Enter { .. }
                | desk::Command::Strike { .. }
                | desk::Command::UseModel { .. }
        );
        let done = self
            .command(Command::Risk(RiskCommand::Desk(command)), once)
            .await?;
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

    /// Rules that are about to run can run: those that were fit when they were written may not be any more, when the gateway
    /// is another one since.
    async fn must_run(&self, command: &desk::Command) -> Result<(), Problem> {
        if !matches!(
            command,
            desk::Command::Approve { .. } | desk::Command::GoBack { .. }
        ) {
            return Ok(());
        }
        let desk = self.desk().await?;
        let rules = match command {
            desk::Command::Approve { id, .. } => desk.drafts.get(id).map(|draft| &draft.rules),
            desk::Command::GoBack { to, .. } => {
                let mut kept = desk.published.iter();
                let earlier = kept.find(|published| published.version == *to);
                earlier.map(|published| &published.rules)
            }
            _ => None,
        };
        // What is not there the desk's own rules say.
        let errors = rules.map_or_else(Vec::new, |rules| self.risk.check(rules));
        match errors.first() {
            Some(error) => Err(Problem::new(Code::RulesInvalid, format!("{error}."))),
            None => Ok(()),
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

    /// A case with what was said about it and what stands near it.
    pub async fn find_case(&self, id: DecisionId) -> Result<Known, Problem> {
        let desk = self.desk().await?;
        let case = self.find_decision(id).await?;
        let mut reading = self.read_views(None).await?;
        let problem = |error| views_problem(&error);
        let remarks = decision::remarks(&mut reading, id).await;
        let wallet = case.decision.wallet_no;
        let timeline = decision::of_wallet(&mut reading, wallet, TIMELINE_MAX).await;
        let neighbours = case::neighbours(&mut reading, &case.decision, NEIGHBOURS_MAX).await;
        Ok(Known {
            remarks: remarks.map_err(problem)?,
            timeline: timeline.map_err(problem)?,
            neighbours: neighbours.map_err(problem)?,
            sequence: reading.watermark(),
            case,
            desk,
        })
    }

    /// Does something about one case. A label is said of a decision that exists; that it does is looked up first, which
    /// is safe because decisions never go away.
    pub async fn act_on(
        &self,
        by: KeyId,
        (act, id, note): (Act, DecisionId, &str),
        once: impl IntoIterator<Item = Unique>,
    ) -> Result<Done, Problem> {
        if let Act::Label(_) = act {
            self.find_decision(id).await?;
        }
        self.command(act.command(id, by, note), once).await
    }

    /// Cases, those with the most money at risk first.
    pub async fn cases(
        &self,
        wanted: Wanted,
        slice: Slice,
    ) -> Result<(Vec<Labelled>, Option<Cursor>), Problem> {
        let now = self.handle.status().durable;
        let mut reading = self.read_views(Some(now)).await?;
        let cases = case::queue(&mut reading, wanted, slice).await;
        cases.map_err(|error| views_problem(&error))
    }

    /// The report of the attempts made in a span of time, and whether there were more than are looked at.
    pub(crate) async fn fraud_report(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<(FraudReport, bool), Problem> {
        let span = (
            from.unwrap_or(Timestamp::ZERO),
            until.unwrap_or(Timestamp(i64::MAX.cast_unsigned())),
        );
        if span.0 >= span.1 {
            let detail = "from is not before until.";
            return Err(Problem::new(Code::ParameterInvalid, detail));
        }
        let now = self.handle.status().durable;
        self.read_views(Some(now)).await?;
        let (mut builder, mut behind, mut seen) = (Builder::default(), None, 0);
        let cut = loop {
            let mut reading = self.read_views(None).await?;
            let page = decision::between(&mut reading, span, behind, REPORT_PAGE).await;
            let page = page.map_err(|error| views_problem(&error))?;
            drop(reading);
            let Some(last) = page.last() else {
                break false;
            };
            behind = Some((last.decision.at, last.decision.id));
            for one in &page {
                builder.add(one);
            }
            seen += page.len() as u64;
            if seen >= REPORT_MAX {
                break true;
            }
        };
        // A million scores are sorted for the curves, which is not the work of a thread that answers requests.
        let finished = tokio::task::spawn_blocking(move || builder.finish(from, until)).await;
        let report = finished.map_err(|error| Problem::internal(&error))?;
        Ok((report, cut))
    }

    /// Whether nothing leaves a wallet.
    pub async fn is_frozen(&self, wallet: WalletId) -> Result<bool, Problem> {
        let done = self.ask(Command::FindWallet(wallet)).await?;
        let Outcome::Wallet { accounts, .. } = &done.outcome else {
            return done.unexpected();
        };
        Ok(accounts.iter().any(|account| !account.state.lets_out()))
    }

    /// What rules would have done with the attempts made in a span of time, up to this moment.
    pub(crate) async fn backtest(
        &self,
        rules: Vec<Rule>,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Backtested, Problem> {
        // The views are brought up to what was durable when it was asked.
        self.read_views(Some(self.handle.status().durable)).await?;
        let tested = self.risk.backtest(rules, from, until).await;
        tested.map_err(|error| match error {
            BacktestError::Rules(_) => Problem::new(Code::RulesInvalid, error.to_string()),
            BacktestError::Views(cause) => Problem::internal(&cause),
        })
    }
}
