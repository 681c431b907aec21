//! Cases: the queue, one of them with all that is known, and what an analyst does about them.

use ledger::{Fingerprint, OnceKey, Remember, Unique};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::super::decision::DecisionShown;
use super::super::page::{page, slice};
use super::super::wire::{Page, SequenceToken, Time};
use super::note;
use crate::app::{Act, App, Done, views_problem};
use crate::pay::{DecisionId, KeyId, Label, desk};
use crate::problem::{Code, Problem};
use crate::store::case::{self, Wanted};
use crate::store::decision::Remark;
use crate::store::page::List;

/// Cases that one request may act on: each is a command of its own.
const BULK_MAX: usize = 100;

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WantedAsked {
    /// Money is on hold for them.
    #[default]
    Waiting,
    /// Nobody has said what they were.
    Unlabelled,
    All,
}

impl From<WantedAsked> for Wanted {
    fn from(asked: WantedAsked) -> Self {
        match asked {
            WantedAsked::Waiting => Self::Waiting,
            WantedAsked::Unlabelled => Self::Unlabelled,
            WantedAsked::All => Self::All,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CasesAsked {
    /// Which cases; those for which money is on hold when not given.
    #[param(inline)]
    show: Option<WantedAsked>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for CasesAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn queue(ask: Ask<(), CasesAsked>) -> Replied<Page<DecisionShown>> {
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Cases)?;
    let at_least = asked.at_least.map(|token| token.0);
    let desk = ask.app.desk().await?;
    let mut reading = ask.app.read_views(at_least).await?;
    let wanted = asked.show.unwrap_or_default().into();
    let (cases, next) = case::queue(&mut reading, wanted, slice)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = cases
        .iter()
        .map(|case| DecisionShown::explained(&ask.app, case, &desk));
    Ok(page(shown.collect(), next, reading.watermark()))
}

/// Something that was said about a decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Remark)]
pub(super) struct RemarkShown {
    at: Time,
    /// `fraud`, `genuine` or `note`.
    #[schema(example = "note")]
    what: String,
    /// The key of whoever said it.
    by: KeyId,
    note: String,
}

impl From<Remark> for RemarkShown {
    fn from(remark: Remark) -> Self {
        Self {
            at: Time(remark.at),
            what: remark.what,
            by: remark.by,
            note: remark.note,
        }
    }
}

/// A case with all that is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseFound {
    case: DecisionShown,
    /// What was said about it, the first first.
    remarks: Vec<RemarkShown>,
    /// The payer's newest attempts to pay, the newest first.
    timeline: Vec<DecisionShown>,
    /// The newest other cases of the same payer, payee, device or place.
    neighbours: Vec<Neighbour>,
    sequence: SequenceToken,
}

/// Another case, and who takes part in both.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Neighbour {
    /// `payer`, `payee`, `device`, `place`.
    #[schema(example = json!(["device"]))]
    shares: Vec<&'static str>,
    #[serde(flatten)]
    case: DecisionShown,
}

pub(super) async fn find(ask: Ask<DecisionId>) -> Replied<CaseFound> {
    let found = ask.app.find_case(ask.id).await?;
    let show = |of: &_| DecisionShown::explained(&ask.app, of, &found.desk);
    let case = CaseFound {
        case: show(&found.case),
        timeline: found.timeline.iter().map(show).collect(),
        neighbours: found
            .neighbours
            .iter()
            .map(|near| Neighbour {
                shares: near.decision.shares_with(&found.case.decision),
                case: show(near),
            })
            .collect(),
        remarks: found.remarks.into_iter().map(Into::into).collect(),
        sequence: SequenceToken(found.sequence),
    };
    Ok(Reply::as_of(found.sequence, Json(case)))
}

/// What an analyst does about a case.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActWord {
    /// Lets money go that is on hold.
    Release,
    /// Refuses what is pending.
    Deny,
    /// Says what it was.
    Fraud,
    Genuine,
}

impl From<ActWord> for Act {
    fn from(word: ActWord) -> Self {
        match word {
            ActWord::Release => Self::Release,
            ActWord::Deny => Self::Deny,
            ActWord::Fraud => Self::Label(Label::Fraud),
            ActWord::Genuine => Self::Label(Label::Genuine),
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewNote, example = json!({"note": "Spoke to the payer by telephone"}))]
#[serde(deny_unknown_fields)]
pub(super) struct NoteAsked {
    /// At most 1000 characters; it stays with the case.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewLabel, example = json!({"label": "fraud", "note": "The payer's phone was stolen"}))]
#[serde(deny_unknown_fields)]
pub(super) struct LabelAsked {
    #[schema(inline)]
    label: LabelWord,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LabelWord {
    Fraud,
    Genuine,
}

/// A case after something was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseChanged {
    case: DecisionShown,
    sequence: SequenceToken,
}

type NotedCase = Ask<DecisionId, (), Option<Json<NoteAsked>>>;

pub(super) async fn release(ask: NotedCase) -> Replied<CaseChanged> {
    noted(ask, Act::Release).await
}

pub(super) async fn deny(ask: NotedCase) -> Replied<CaseChanged> {
    noted(ask, Act::Deny).await
}

async fn noted(ask: NotedCase, act: Act) -> Replied<CaseChanged> {
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let caller = ask.caller.ok_or_else(nobody)?;
    let said = note("/note", asked.note)?;
    let done = ask
        .app
        .act_on(caller.key, (act, ask.id, &said), ask.once)
        .await?;
    changed(&ask.app, ask.id, &done).await
}

fn nobody() -> Problem {
    Problem::internal(&"a signed route has no caller")
}

pub(super) async fn label(ask: Ask<DecisionId, (), Json<LabelAsked>>) -> Replied<CaseChanged> {
    let caller = ask.caller()?;
    let Json(asked) = ask.body;
    let act = Act::Label(match asked.label {
        LabelWord::Fraud => Label::Fraud,
        LabelWord::Genuine => Label::Genuine,
    });
    let said = note("/note", asked.note)?;
    let done = ask
        .app
        .act_on(caller.key, (act, ask.id, &said), ask.once)
        .await?;
    changed(&ask.app, ask.id, &done).await
}

pub(super) async fn add_note(ask: Ask<DecisionId, (), Json<NoteAsked>>) -> Replied<CaseChanged> {
    let caller = ask.caller()?;
    let text = note("/note", ask.body.0.note)?;
    if text.trim().is_empty() {
        let detail = "A note says something.";
        return Err(Problem::field(Code::FieldInvalid, "/note", detail));
    }
    ask.app.find_decision(ask.id).await?;
    let command = desk::Command::Say(desk::Said::Note {
        decision: ask.id,
        by: caller.key,
        text,
    });
    let (done, _) = ask.app.at_desk(command, ask.once).await?;
    changed(&ask.app, ask.id, &done).await
}

async fn changed(app: &App, id: DecisionId, done: &Done) -> Replied<CaseChanged> {
    let desk = app.desk().await?;
    let case = app.find_decision(id).await?;
    let changed = CaseChanged {
        case: DecisionShown::explained(app, &case, &desk),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(done, Json(changed)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BulkAct, example = json!({
    "cases": ["dec_0197a3e5c4b17f20a1b2c3d4e5f60718"], "act": "fraud", "note": "One ring"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct BulkAsked {
    /// 1 to 100 of them.
    #[schema(min_items = 1, max_items = 100)]
    cases: Vec<DecisionId>,
    #[schema(inline)]
    act: ActWord,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// What became of each case.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkDone {
    /// In the order in which they were named.
    results: Vec<BulkResult>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkResult {
    case: DecisionId,
    done: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "decision_not_pending")]
    code: Option<&'static str>,
}

pub(super) async fn bulk(ask: Ask<(), (), Json<BulkAsked>>) -> Replied<BulkDone> {
    let caller = ask.caller()?;
    let Json(asked) = ask.body;
    if asked.cases.is_empty() || asked.cases.len() > BULK_MAX {
        let detail = format!("names 1 to {BULK_MAX} cases");
        return Err(Problem::field(Code::FieldInvalid, "/cases", detail));
    }
    let said = note("/note", asked.note)?;
    let once = ask.once.ok_or_else(nobody)?;
    let act = asked.act.into();
    let mut results = Vec::with_capacity(asked.cases.len());
    for (position, id) in asked.cases.into_iter().enumerate() {
        let unique = part_of(&once, position);
        let done = ask.app.act_on(caller.key, (act, id, &said), [unique]).await;
        match done {
            Ok(_) => results.push(BulkResult {
                case: id,
                done: true,
                code: None,
            }),
            // Whoever asks again under the same key goes on where it stopped.
            Err(problem) if problem.code.status().is_server_error() => return Err(problem),
            Err(problem) => results.push(BulkResult {
                case: id,
                done: false,
                code: Some(problem.code.as_str()),
            }),
        }
    }
    Ok(Reply::new(Json(BulkDone { results })))
}

/// The key of one part of a request: a retry of the whole finds each part done or not done.
fn part_of(once: &Unique, position: usize) -> Unique {
    let name = format!("{:032x}/{position}", once.key.key);
    Unique {
        key: OnceKey::of_text(once.key.scope, &name),
        fingerprint: Fingerprint::of(format!("{:?}/{position}", once.fingerprint).as_bytes()),
        remember: Remember::Always,
    }
}
