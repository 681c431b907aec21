//! Rules: drafted, checked, tried on the past, approved by somebody else, and gone back to.

use fraud::rule::{self, Rule, RulesError, Tally};
use fraud::{Action, Unit};
use ledger::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, Replied, Reply};
use super::super::wire::{SequenceToken, Time};
use super::note;
use crate::app::risk::{Backtested, PAST_MAX};
use crate::app::{App, new_id};
use crate::pay::desk::{Command, Draft, Outcome, Published, RulesChange};
use crate::pay::{DraftId, KeyId};
use crate::problem::{Code, FieldError, Problem};

const NAME_CHARS_MAX: usize = 64;
const BECAUSE_CHARS_MAX: usize = 200;

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Rule, example = json!({
    "name": "card_testing", "when": "payer.count_10m > 5.0 && amount < 200.0", "action": "deny",
    "because": "Many small payments in a few minutes", "priority": 10, "shadow": false
}))]
#[serde(deny_unknown_fields)]
pub(super) struct RuleShown {
    /// Short and unique; it is the code of the reason.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$")]
    name: String,
    /// The condition, in CEL (Common Expression Language), over the features of `GET /v1/features`.
    #[schema(max_length = 4096)]
    when: String,
    #[schema(inline)]
    action: ActionWord,
    /// What to tell people.
    #[schema(min_length = 1, max_length = 200)]
    because: String,
    /// The highest speaks first.
    #[serde(default)]
    priority: i32,
    /// Only note that it would have held.
    #[serde(default)]
    shadow: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionWord {
    Allow,
    Challenge,
    Review,
    Deny,
}

impl RuleShown {
    fn of(rule: &Rule) -> Self {
        Self {
            name: rule.name.clone(),
            when: rule.when.clone(),
            action: match rule.action {
                Action::Allow => ActionWord::Allow,
                Action::Challenge => ActionWord::Challenge,
                Action::Review => ActionWord::Review,
                Action::Deny => ActionWord::Deny,
            },
            because: rule.because.clone(),
            priority: rule.priority,
            shadow: rule.shadow,
        }
    }

    fn read(self) -> Rule {
        Rule {
            name: self.name,
            when: self.when,
            action: match self.action {
                ActionWord::Allow => Action::Allow,
                ActionWord::Challenge => Action::Challenge,
                ActionWord::Review => Action::Review,
                ActionWord::Deny => Action::Deny,
            },
            because: self.because,
            priority: self.priority,
            shadow: self.shadow,
        }
    }
}

fn shown(rules: &[Rule]) -> Vec<RuleShown> {
    rules.iter().map(RuleShown::of).collect()
}

/// Everything wrong with rules, each error at its place.
fn errors(app: &App, rules: &[Rule]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let mut wrong = |field: &str, detail: String| {
            errors.push(FieldError {
                pointer: format!("/rules/{place}/{field}"),
                detail,
            });
        };
        let mut letters = rule.name.bytes();
        let named = letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
            && letters.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !named || rule.name.len() > NAME_CHARS_MAX {
            wrong(
                "name",
                "is 1 to 64 of a-z, 0-9 and _, a letter first".to_owned(),
            );
        }
        let because = rule.because.chars().count();
        if because == 0 || because > BECAUSE_CHARS_MAX || rule.because.chars().any(char::is_control)
        {
            wrong("because", format!("is 1 to {BECAUSE_CHARS_MAX} characters"));
        }
    }
    if rules.len() > rule::MOST {
        let detail = RulesError::TooMany(rules.len()).to_string();
        let pointer = "/rules".to_owned();
        return vec![FieldError { pointer, detail }];
    }
    for error in app.risk.check(rules) {
        let (name, field, detail) = match &error {
            RulesError::Condition { rule, error } => (rule, "when", error.to_string()),
            RulesError::Twice(rule) => (
                rule,
                "name",
                "is the name of another rule, or of one of the lists' own".to_owned(),
            ),
            RulesError::TooMany(_) | RulesError::TooLong(_) => {
                let pointer = "/rules".to_owned();
                let detail = error.to_string();
                errors.push(FieldError { pointer, detail });
                continue;
            }
        };
        // Of two rules of one name the second is the one too many.
        let place = rules.iter().rposition(|rule| rule.name == *name);
        errors.push(FieldError {
            pointer: format!("/rules/{}/{field}", place.unwrap_or_default()),
            detail,
        });
    }
    errors
}

fn must_be_sound(app: &App, rules: &[Rule]) -> Result<(), Problem> {
    let errors = errors(app, rules);
    let Some(first) = errors.first() else {
        return Ok(());
    };
    let problem = Problem::new(
        Code::RulesInvalid,
        format!("{}: {}.", first.pointer, first.detail),
    );
    Err(Problem { errors, ..problem })
}

/// A feature that rules can ask about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Feature)]
pub(super) struct FeatureShown {
    #[schema(example = "payer.count_10m")]
    name: String,
    #[schema(example = "the payer had {} attempts in the last ten minutes")]
    sentence: String,
    /// `count`, `amount` (hundredths), `ratio`, `seconds`, `days`, `hour`, `word` or `flag`.
    #[schema(example = "count")]
    unit: &'static str,
    /// The words that one that is a word can be.
    words: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeaturesFound {
    features: Vec<FeatureShown>,
}

pub(super) async fn features(ask: Ask) -> Replied<FeaturesFound> {
    let features = ask.app.risk.registry().features();
    let shown = features.iter().map(|feature| FeatureShown {
        name: feature.name.clone(),
        sentence: feature.sentence.clone(),
        unit: match feature.unit {
            Unit::Count => "count",
            Unit::Amount => "amount",
            Unit::Ratio => "ratio",
            Unit::Seconds => "seconds",
            Unit::Days => "days",
            Unit::Hour => "hour",
            Unit::Category => "word",
            Unit::Flag => "flag",
        },
        words: feature.words.to_vec(),
    });
    Ok(Reply::new(Json(FeaturesFound {
        features: shown.collect(),
    })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RulesToCheck)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckAsked {
    rules: Vec<RuleShown>,
}

/// What is wrong with rules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesChecked {
    sound: bool,
    /// Each with its place: the rule, and in a condition the line and column.
    errors: Vec<FieldError>,
}

pub(super) async fn check(ask: Ask<(), (), Json<CheckAsked>>) -> Replied<RulesChecked> {
    let rules: Vec<Rule> = ask.body.0.rules.into_iter().map(RuleShown::read).collect();
    let errors = errors(&ask.app, &rules);
    let sound = errors.is_empty();
    Ok(Reply::new(Json(RulesChecked { sound, errors })))
}

/// Rules that somebody proposes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesDraft)]
pub(super) struct DraftShown {
    id: DraftId,
    /// The key of who wrote it; another approves it.
    author: KeyId,
    at: Time,
    note: String,
    /// The version that ran when it was written.
    base: u32,
    rules: Vec<RuleShown>,
}

impl From<&Draft> for DraftShown {
    fn from(draft: &Draft) -> Self {
        Self {
            id: draft.id,
            author: draft.author,
            at: Time(draft.at),
            note: draft.note.clone(),
            base: draft.base,
            rules: shown(&draft.rules),
        }
    }
}

/// Rules that ran or run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesVersion)]
pub(super) struct VersionShown {
    version: u32,
    author: KeyId,
    approver: KeyId,
    at: Time,
    note: String,
    /// The earlier version that this one restores.
    #[serde(skip_serializing_if = "Option::is_none")]
    restores: Option<u32>,
    rules: Vec<RuleShown>,
}

impl From<&Published> for VersionShown {
    fn from(published: &Published) -> Self {
        Self {
            version: published.version,
            author: published.author,
            approver: published.approver,
            at: Time(published.at),
            note: published.note.clone(),
            restores: published.restores,
            rules: shown(&published.rules),
        }
    }
}

/// The rules that run, those that are proposed, and those that ran.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesFound {
    /// 0 before anything was published.
    running: u32,
    drafts: Vec<DraftShown>,
    /// The newest last; that one runs.
    versions: Vec<VersionShown>,
}

pub(super) async fn find(ask: Ask) -> Replied<RulesFound> {
    let desk = ask.app.desk().await?;
    let found = RulesFound {
        running: desk.running_version(),
        drafts: desk.drafts.values().map(Into::into).collect(),
        versions: desk.published.iter().map(Into::into).collect(),
    };
    Ok(Reply::new(Json(found)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRulesDraft)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftAsked {
    /// Why.
    #[schema(max_length = 1000)]
    note: Option<String>,
    /// All rules that shall run, not only new ones.
    #[schema(max_items = 500)]
    rules: Vec<RuleShown>,
}

/// What a draft would change of what runs now, by the rules' names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesChange)]
pub(super) struct ChangeShown {
    adds: Vec<String>,
    changes: Vec<String>,
    /// A draft is all that shall run: what it leaves out runs no more.
    removes: Vec<String>,
}

impl From<RulesChange> for ChangeShown {
    fn from(change: RulesChange) -> Self {
        Self {
            adds: change.adds,
            changes: change.changes,
            removes: change.removes,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesDrafted {
    draft: DraftShown,
    #[schema(inline)]
    change: ChangeShown,
    sequence: SequenceToken,
}

pub(super) async fn draft(ask: Ask<(), (), Json<DraftAsked>>) -> Replied<RulesDrafted> {
    let by = ask.caller()?.key;
    let Json(asked) = ask.body;
    let rules: Vec<Rule> = asked.rules.into_iter().map(RuleShown::read).collect();
    must_be_sound(&ask.app, &rules)?;
    let command = Command::Draft {
        id: DraftId(new_id()),
        by,
        note: note("/note", asked.note)?,
        rules,
    };
    let (done, outcome) = ask.app.at_desk(command, ask.once).await?;
    let Outcome::Draft(draft) = &outcome else {
        return done.unexpected();
    };
    let desk = ask.app.desk().await?;
    let drafted = RulesDrafted {
        change: desk.change(draft).into(),
        draft: draft.into(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(drafted)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesPublished {
    version: VersionShown,
    sequence: SequenceToken,
}

pub(super) async fn approve(ask: Ask<DraftId>) -> Replied<RulesPublished> {
    let by = ask.caller()?.key;
    publish(&ask.app, Command::Approve { id: ask.id, by }, ask.once).await
}

async fn publish(
    app: &App,
    command: Command,
    once: Option<ledger::Unique>,
) -> Replied<RulesPublished> {
    let (done, outcome) = app.at_desk(command, once).await?;
    let Outcome::Published(published) = &outcome else {
        return done.unexpected();
    };
    let shown = RulesPublished {
        version: published.into(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(shown)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesDiscarded {
    draft: DraftId,
    sequence: SequenceToken,
}

pub(super) async fn discard(ask: Ask<DraftId>) -> Replied<RulesDiscarded> {
    let command = Command::Discard { id: ask.id };
    let (done, _) = ask.app.at_desk(command, ask.once).await?;
    let discarded = RulesDiscarded {
        draft: ask.id,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(discarded)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RulesRestored, example = json!({"version": 2, "note": "Version 3 asks too many"}))]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreAsked {
    version: u32,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

pub(super) async fn restore(ask: Ask<(), (), Json<RestoreAsked>>) -> Replied<RulesPublished> {
    let by = ask.caller()?.key;
    let Json(asked) = ask.body;
    let command = Command::GoBack {
        to: asked.version,
        by,
        note: note("/note", asked.note)?,
    };
    publish(&ask.app, command, ask.once).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBacktest)]
#[serde(deny_unknown_fields)]
pub(super) struct BacktestAsked {
    rules: Vec<RuleShown>,
    /// Attempts made at this time or later; all, if left out.
    from: Option<Time>,
    /// Attempts made before this time; all, if left out.
    until: Option<Time>,
}

/// Attempts, and their money in hundredths of a yuan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub(super) struct TallyShown {
    /// Labelled as fraud.
    frauds: u64,
    #[schema(value_type = i64)]
    fraud_amount: i128,
    /// All others: what nobody has labelled counts as genuine.
    genuine: u64,
    #[schema(value_type = i64)]
    genuine_amount: i128,
}

impl From<Tally> for TallyShown {
    fn from(tally: Tally) -> Self {
        Self {
            frauds: tally.frauds,
            fraud_amount: tally.fraud_amount,
            genuine: tally.genuine,
            genuine_amount: tally.genuine_amount,
        }
    }
}

/// What one rule would have held for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleTally {
    rule: String,
    #[serde(flatten)]
    held: TallyShown,
}

/// What rules would have done with the past.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BacktestFound {
    /// Attempts looked at, and those of them that somebody has labelled.
    decisions: u64,
    labelled: u64,
    /// Whether there were more than the 500000 that are looked at.
    cut: bool,
    all: TallyShown,
    /// What the rules together would have challenged, held or denied.
    stopped: TallyShown,
    rules: Vec<RuleTally>,
}

impl From<Backtested> for BacktestFound {
    fn from(tested: Backtested) -> Self {
        let by_rule = tested.outcome.by_rule.into_iter();
        Self {
            decisions: tested.decisions,
            labelled: tested.labelled,
            cut: tested.cut,
            all: tested.outcome.all.into(),
            stopped: tested.outcome.stopped.into(),
            rules: by_rule
                .map(|(rule, tally)| RuleTally {
                    rule,
                    held: tally.into(),
                })
                .collect(),
        }
    }
}

/// The words above say so.
const _: () = assert!(PAST_MAX == 500_000);

pub(super) async fn backtest(ask: Ask<(), (), Json<BacktestAsked>>) -> Replied<BacktestFound> {
    let Json(asked) = ask.body;
    let rules: Vec<Rule> = asked.rules.into_iter().map(RuleShown::read).collect();
    must_be_sound(&ask.app, &rules)?;
    let from = asked.from.map_or(Timestamp::ZERO, |time| time.0);
    let until = asked.until.map_or(Timestamp(u64::MAX), |time| time.0);
    let tested = ask.app.backtest(rules, (from, until)).await?;
    Ok(Reply::new(Json(tested.into())))
}
