//! From events about risk to rows.

use fraud::Role;
use ledger::Moment;
use ledger::shell::{Rows, Seen, Table, Value};

use super::risk_tables::{CASES, DECISIONS, DESK_HISTORY, LABELS, REMARKS, RISK_LOG};
use crate::pay::desk::{Event, Part, Published, Subject};
use crate::pay::{Decision, DecisionId, KeyId, Label, Resolution, Resolver, Standing};

/// What stands in the log of what became of decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was decided, and is settled, pending, or at an end without money.
    Settled,
    Pending,
    Ended,
    /// It was pending, and is now settled or at an end.
    ThenSettled,
    ThenEnded,
    Labelled(Label),
    /// What the scorer runs was changed.
    Desk,
}

impl Became {
    pub const ALL: [Self; 8] = [
        Self::Settled,
        Self::Pending,
        Self::Ended,
        Self::ThenSettled,
        Self::ThenEnded,
        Self::Labelled(Label::Fraud),
        Self::Labelled(Label::Genuine),
        Self::Desk,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Pending => "pending",
            Self::Ended => "ended",
            Self::ThenSettled => "then_settled",
            Self::ThenEnded => "then_ended",
            Self::Labelled(label) => label.name(),
            Self::Desk => "desk",
        }
    }
}

pub(super) fn tables() -> [&'static Table; 6] {
    [
        &DECISIONS,
        &CASES,
        &RISK_LOG,
        &LABELS,
        &REMARKS,
        &DESK_HISTORY,
    ]
}

pub(super) fn decided(seen: Seen, decision: &Decision, rows: &mut Rows) {
    put_decision(decision, rows);
    let became = match decision.standing {
        Standing::Settled => Became::Settled,
        standing if standing.is_pending() => Became::Pending,
        _ => Became::Ended,
    };
    log(seen, became, Some(decision.id), rows);
}

pub(super) fn changed(seen: Seen, decision: &Decision, rows: &mut Rows) {
    put_decision(decision, rows);
    if let Some(Resolution {
        by: Resolver::Analyst(key),
        note,
        ..
    }) = &decision.resolution
    {
        let released = decision.standing == Standing::Settled;
        let what = ["case_denied", "case_released"][usize::from(released)];
        let subject = decision.id.to_string();
        put_history(seen.moment, what, &subject, Some(*key), note, None, rows);
    }
    match decision.standing {
        Standing::Settled => log(seen, Became::ThenSettled, Some(decision.id), rows),
        // A wrong proof: what is pending is pending.
        standing if standing.is_pending() => {}
        _ => log(seen, Became::ThenEnded, Some(decision.id), rows),
    }
}

/// An event makes one row in the log at most.
fn log(seen: Seen, became: Became, decision: Option<DecisionId>, rows: &mut Rows) {
    let id = decision.map_or(Value::Null, |id| Value::id(id.0));
    rows.put(
        &RISK_LOG,
        [
            seen.moment.sequence.0.into(),
            seen.position.into(),
            seen.moment.at.0.into(),
            became.name().into(),
            id,
        ],
    );
}

pub(super) fn at_desk(seen: Seen, event: &Event, rows: &mut Rows) {
    if event.concerns_the_scorer() {
        log(seen, Became::Desk, None, rows);
    }
    let told = |what: &str, subject: String, by: Option<KeyId>, note: &str, rows: &mut Rows| {
        put_history(seen.moment, what, &subject, by, note, None, rows);
    };
    match event {
        Event::Drafted(draft) => {
            let (subject, by) = (draft.id.to_string(), Some(draft.author));
            told("rules_drafted", subject, by, &draft.note, rows);
        }
        Event::Discarded(id) => told("rules_discarded", id.to_string(), None, "", rows),
        Event::Published { published, .. } => put_published(seen.moment, published, rows),
        Event::Entered(entry) => {
            let subject = format!("{} {}", entry.list.name(), named(&entry.subject));
            told("list_entered", subject, Some(entry.by), &entry.note, rows);
        }
        Event::Struck {
            list, subject, by, ..
        } => {
            let subject = format!("{} {}", list.name(), named(subject));
            told("list_struck", subject, Some(*by), "", rows);
        }
        Event::ModelAdded(model) => {
            let subject = format!("version {}", model.version);
            told("model_added", subject, Some(model.by), &model.note, rows);
        }
        Event::ModelUsed {
            version, part, by, ..
        } => {
            let what = match part {
                Part::Champion => "model_decides",
                Part::Challenger => "model_challenges",
            };
            told(what, format!("version {version}"), Some(*by), "", rows);
        }
        Event::WalletFrozen {
            wallet,
            frozen,
            by,
            note,
            ..
        } => {
            let what = ["wallet_unfrozen", "wallet_frozen"][usize::from(*frozen)];
            told(what, wallet.to_string(), Some(*by), note, rows);
        }
        Event::MerchantFrozen {
            merchant,
            frozen,
            by,
            note,
            ..
        } => {
            let what = ["merchant_unfrozen", "merchant_frozen"][usize::from(*frozen)];
            told(what, merchant.to_string(), Some(*by), note, rows);
        }
        Event::Labelled { .. } | Event::Noted { .. } => said(seen, event, rows),
    }
}

/// Something was said about a decision.
fn said(seen: Seen, event: &Event, rows: &mut Rows) {
    match event {
        Event::Labelled {
            decision,
            label,
            by,
            note,
            ..
        } => {
            log(seen, Became::Labelled(*label), Some(*decision), rows);
            let (id, by_id) = (Value::id(decision.0), Value::id(by.0));
            rows.put(
                &LABELS,
                [id, label.name().into(), by_id, seen.moment.at.0.into()],
            );
            put_remark(seen.moment, *decision, label.name(), *by, note, rows);
            let (what, subject) = (
                format!("case_labelled_{}", label.name()),
                decision.to_string(),
            );
            put_history(seen.moment, &what, &subject, Some(*by), note, None, rows);
        }
        Event::Noted {
            decision, by, text, ..
        } => {
            put_remark(seen.moment, *decision, "note", *by, text, rows);
            let subject = decision.to_string();
            put_history(
                seen.moment,
                "case_noted",
                &subject,
                Some(*by),
                text,
                None,
                rows,
            );
        }
        // The others change what the desk holds.
        _ => {}
    }
}

/// Who or what is on a list, in one word.
pub fn named(subject: &Subject) -> String {
    match subject {
        Subject::Wallet(id) => id.to_string(),
        Subject::Merchant(id) => id.to_string(),
        Subject::Device(name) => format!("device {name}"),
    }
}

fn put_decision(decision: &Decision, rows: &mut Rows) {
    let risk = &decision.scored.assessment;
    let order = decision.about.order();
    let merchant_no = order.map(|(_, _, merchant_no)| merchant_no.0);
    rows.put(
        &DECISIONS,
        [
            Value::id(decision.id.0),
            decision.at.0.into(),
            order.map_or(Value::Null, |(order, ..)| Value::id(order.0)),
            merchant_no.into(),
            decision.wallet_no.0.into(),
            decision.amount.amount.into(),
            decision.amount.currency.code().into(),
            risk.verdict.name().into(),
            risk.score_ppm.into(),
            decision.standing.name().into(),
            risk.rules_version.into(),
            risk.model_version.into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(decision).unwrap_or_default().into(),
        ],
    );
    if !decision.is_case() {
        return;
    }
    // SQL's integers are signed; the bits are what counts.
    let known = |role| -> Value {
        let key = decision.scored.attempt.entity(role);
        key.map(|key| key.0.cast_signed()).into()
    };
    rows.put(
        &CASES,
        [
            Value::id(decision.id.0),
            decision.at.0.into(),
            decision.at_risk().into(),
            decision.standing.name().into(),
            known(Role::Payer),
            known(Role::Payee),
            known(Role::Device),
            known(Role::Place),
        ],
    );
}

fn put_remark(
    moment: Moment,
    decision: DecisionId,
    what: &str,
    by: KeyId,
    note: &str,
    rows: &mut Rows,
) {
    rows.put(
        &REMARKS,
        [
            Value::id(decision.0),
            moment.at.0.into(),
            what.into(),
            Value::id(by.0),
            note.into(),
        ],
    );
}

fn put_published(moment: Moment, published: &Published, rows: &mut Rows) {
    let subject = format!("version {}", published.version);
    let rules = serde_json::to_string(&published.rules).unwrap_or_default();
    let what = if published.restores.is_some() {
        "rules_restored"
    } else {
        "rules_published"
    };
    let by = Some(published.approver);
    put_history(
        moment,
        what,
        &subject,
        by,
        &published.note,
        Some(rules),
        rows,
    );
}

fn put_history(
    moment: Moment,
    what: &str,
    subject: &str,
    by: Option<KeyId>,
    note: &str,
    detail: Option<String>,
    rows: &mut Rows,
) {
    rows.put(
        &DESK_HISTORY,
        [
            moment.at.0.into(),
            what.into(),
            subject.into(),
            by.map_or(Value::Null, |by| Value::id(by.0)),
            note.into(),
            detail.into(),
        ],
    );
}
