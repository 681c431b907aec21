//! The rules: what runs, what is proposed, and what a condition would have done with the past.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use fraud::Action;
use fraud::rule::Rule;
use ledger::{Timestamp, Unique};
use serde::Deserialize;

use super::{
    Frame, acting, asset, form_key, notice, once, page as written, refused, short, signed_in, told,
};
use crate::app::risk::Backtested;
use crate::app::{App, new_id};
use crate::pay::desk::{Command, Desk, RulesChange};
use crate::pay::{DraftId, KeyId};
use crate::problem::{Code, Problem};

/// The name of the rule that is tried on the page.
const TRIED: &str = "tried";
const BECAUSE: &str = "Tried on the page of rules";

struct Set {
    id: String,
    title: String,
    note: String,
    rules: Vec<Shown>,
    own: bool,
    /// What it would change; nothing for rules that run.
    change: Vec<String>,
    /// Whether other rules run now than when it was written, so that it cannot be approved.
    outdated: bool,
}

struct Shown {
    name: String,
    when: String,
    action: &'static str,
    because: String,
    shadow: bool,
}

struct Bar {
    frauds: u64,
    genuine: u64,
    /// Of all frauds and of all others, in hundredths.
    caught: u64,
    disturbed: u64,
    fraud_money: String,
    genuine_money: String,
}

struct Tested {
    decisions: u64,
    labelled: u64,
    cut: bool,
    bar: Bar,
}

#[derive(Template)]
#[template(path = "analyst/rules.html")]
struct RulesPage {
    frame: Frame,
    running: Option<Set>,
    drafts: Vec<Set>,
    when: String,
    error: Option<String>,
    tested: Option<Tested>,
    features: Vec<(String, String)>,
    form: String,
    notice: Option<&'static str>,
}

fn shown(rules: &[Rule]) -> Vec<Shown> {
    let one = |rule: &Rule| Shown {
        name: rule.name.clone(),
        when: rule.when.clone(),
        action: match rule.action {
            Action::Allow => "allow",
            Action::Challenge => "challenge",
            Action::Review => "review",
            Action::Deny => "deny",
        },
        because: rule.because.clone(),
        shadow: rule.shadow,
    };
    rules.iter().map(one).collect()
}

fn told_change(change: &RulesChange) -> Vec<String> {
    let parts = [
        ("Adds", &change.adds),
        ("Changes", &change.changes),
        ("Removes", &change.removes),
    ];
    let told = parts.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> = told
        .map(|(what, names)| format!("{what} {}", names.join(", ")))
        .collect();
    if told.is_empty() {
        return vec!["Changes nothing".to_owned()];
    }
    told
}

impl RulesPage {
    fn of(app: &App, desk: &Desk, by: KeyId) -> Self {
        let running = desk.running().map(|published| Set {
            id: String::new(),
            title: format!(
                "Version {}, since {}, written by {} and approved by {}",
                published.version,
                told(published.at),
                short(&published.author.to_string()),
                short(&published.approver.to_string())
            ),
            note: published.note.clone(),
            rules: shown(&published.rules),
            own: false,
            change: Vec::new(),
            outdated: false,
        });
        let drafts = desk.drafts.values().map(|draft| Set {
            id: draft.id.to_string(),
            title: format!(
                "Of {}, by {}",
                told(draft.at),
                short(&draft.author.to_string())
            ),
            note: draft.note.clone(),
            rules: shown(&draft.rules),
            own: draft.author == by,
            change: told_change(&desk.change(draft)),
            outdated: draft.base != desk.running_version(),
        });
        let features = app.risk.registry().features();
        let features = features.iter().map(|feature| {
            let meaning = feature.sentence.replace("{}", "…");
            (feature.name.clone(), meaning)
        });
        Self {
            frame: Frame::of(app),
            running,
            drafts: drafts.collect(),
            when: String::new(),
            error: None,
            tested: None,
            features: features.collect(),
            form: form_key(),
            notice: None,
        }
    }
}

pub(super) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let by = match signed_in(&app, &headers).await {
        Ok(by) => by,
        Err(response) => return *response,
    };
    match app.desk().await {
        Ok(desk) => written(&RulesPage::of(&app, &desk, by)),
        Err(problem) => refused(&app, &problem),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Condition {
    form: String,
    when: String,
    act: String,
}

/// Tries a condition on the past, or proposes it in shadow beside the rules that run.
pub(super) async fn test(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(asked): Form<Condition>,
) -> Response {
    let by = match acting(&app, &headers).await {
        Ok(by) => by,
        Err(response) => return *response,
    };
    let rule = Rule {
        name: TRIED.to_owned(),
        when: asked.when.clone(),
        action: Action::Review,
        because: BECAUSE.to_owned(),
        priority: 0,
        shadow: true,
    };
    let shown = async {
        let desk = app.desk().await?;
        let mut page = RulesPage::of(&app, &desk, by);
        page.when.clone_from(&asked.when);
        if let Some(error) = app.risk.check(std::slice::from_ref(&rule)).first() {
            page.error = Some(error.to_string());
            return Ok(page);
        }
        if asked.act == "propose" {
            let once = once(by, &asked.form, &asked.when);
            if let Err(error) = propose(&app, &desk, by, rule, once).await {
                page.error = Some(error.detail.to_string());
                return Ok(page);
            }
            let desk = app.desk().await?;
            page = RulesPage::of(&app, &desk, by);
            page.notice = Some("Proposed, in shadow. Another analyst approves it below.");
            return Ok(page);
        }
        let span = (Timestamp::ZERO, Timestamp(u64::MAX));
        let tested = app.backtest(vec![rule], span).await?;
        page.tested = Some(told_of(&tested));
        Ok::<_, Problem>(page)
    };
    match shown.await {
        Ok(page) => written(&page),
        Err(problem) => refused(&app, &problem),
    }
}

async fn propose(
    app: &App,
    desk: &Desk,
    by: KeyId,
    tried: Rule,
    once: Unique,
) -> Result<(), Problem> {
    let running = desk.running().map_or(&[][..], |running| &running.rules);
    // A version is published once, so its number is a name that no rule has yet.
    let rule = Rule {
        name: format!("{TRIED}_{}", desk.running_version() + 1),
        ..tried
    };
    let note = format!("In shadow: {}", rule.when);
    let rules: Vec<Rule> = running.iter().cloned().chain([rule]).collect();
    // Each of them may be fit and all of them together too long.
    if let Some(error) = app.risk.check(&rules).first() {
        return Err(Problem::new(Code::RulesInvalid, format!("{error}.")));
    }
    let command = Command::Draft {
        id: DraftId(new_id()),
        by,
        note: note.chars().take(1_000).collect(),
        rules,
    };
    app.at_desk(command, [once]).await.map(|_| ())
}

fn told_of(tested: &Backtested) -> Tested {
    let all = tested.outcome.all;
    let tally = tested.outcome.by_rule.get(TRIED).copied();
    let tally = tally.unwrap_or_default();
    Tested {
        decisions: tested.decisions,
        labelled: tested.labelled,
        cut: tested.cut,
        bar: Bar {
            frauds: tally.frauds,
            genuine: tally.genuine,
            caught: hundredths(tally.frauds, all.frauds),
            disturbed: hundredths(tally.genuine, all.genuine),
            fraud_money: money(tally.fraud_amount),
            genuine_money: money(tally.genuine_amount),
        },
    }
}

fn hundredths(part: u64, whole: u64) -> u64 {
    (part * 100).checked_div(whole).unwrap_or_default()
}

/// An amount in hundredths of a yuan.
fn money(amount: i128) -> String {
    format!("{}.{:02}", amount / 100, (amount % 100).abs())
}

#[derive(Debug, Deserialize)]
pub(super) struct Decide {
    form: String,
    act: String,
}

/// Approves or discards a draft.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(asked): Form<Decide>,
) -> Response {
    let by = match acting(&app, &headers).await {
        Ok(by) => by,
        Err(response) => return *response,
    };
    let done = async {
        let draft: DraftId = id
            .parse()
            .map_err(|_| Problem::new(Code::DraftNotFound, "The address is not of a draft."))?;
        let command = match asked.act.as_str() {
            "approve" => Command::Approve { id: draft, by },
            _ => Command::Discard { id: draft },
        };
        let once = once(by, &asked.form, &format!("{id} {}", asked.act));
        app.at_desk(command, [once]).await.map(|_| ())
    };
    let notice = match done.await {
        Ok(()) => return Redirect::to("/analyst/rules").into_response(),
        Err(problem) if problem.code.status().is_server_error() => {
            return refused(&app, &problem);
        }
        Err(problem) => notice(&problem),
    };
    match app.desk().await {
        Ok(desk) => written(&RulesPage {
            notice: Some(notice),
            ..RulesPage::of(&app, &desk, by)
        }),
        Err(problem) => refused(&app, &problem),
    }
}
