//! The house itself: its books, its health, its documentation.

use axum::body::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Document, Exposition, Json, Replied, Reply};
use super::openapi::document;
use super::wire::{Amount, SequenceToken};
use crate::pay::recipe::{PAYMENTS_BOOK, Role};
use crate::pay::{Command, Outcome};
use crate::problem::{Code, Problem};

/// The sums of all accounts in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrialBalanceLine)]
pub(super) struct LineOfBalance {
    #[schema(example = "CNY")]
    currency: String,
    /// Minor units.
    #[schema(value_type = i64)]
    debits: i128,
    /// Minor units.
    #[schema(value_type = i64)]
    credits: i128,
    /// Debits less credits: zero, always.
    difference: Amount,
    /// What lies at the bank for wallets and merchants.
    bank: Amount,
    /// What the house has earned.
    fees: Amount,
}

/// Whether the books balance, currency by currency.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialBalance {
    balances: bool,
    lines: Vec<LineOfBalance>,
    sequence: SequenceToken,
}

pub(super) async fn trial_balance(ask: Ask) -> Replied<TrialBalance> {
    let done = ask.app.ask(Command::TrialBalance).await?;
    let Outcome::TrialBalance { sums, house } = &done.outcome else {
        return done.unexpected();
    };
    let ours = sums.iter().filter(|sum| sum.book == PAYMENTS_BOOK);
    let lines = ours.map(|sum| {
        let of = |role: Role| {
            let id = role.account(sum.currency);
            let account = house.iter().find(|account| account.id == id);
            Amount::new(account.map_or(0, ledger::Account::net), sum.currency)
        };
        LineOfBalance {
            currency: sum.currency.code().to_owned(),
            debits: sum.sum.debits,
            credits: sum.sum.credits,
            difference: Amount::new(sum.sum.debits - sum.sum.credits, sum.currency),
            bank: of(Role::Bank),
            fees: of(Role::Fees),
        }
    });
    let balance = TrialBalance {
        balances: sums.iter().all(|sum| sum.balances()),
        lines: lines.collect(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(balance)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    /// `test` is play money, `live` is real money.
    #[schema(example = "test")]
    mode: &'static str,
}

impl Health {
    fn reply(ask: &Ask) -> Reply<Json<Self>> {
        let mode = ask.app.mode.name();
        Reply::new(Json(Self { status: "ok", mode }))
    }
}

/// Answers as long as the process does.
pub(super) async fn healthy(ask: Ask) -> Replied<Health> {
    Ok(Health::reply(&ask))
}

/// Answers well as long as commands are taken.
pub(super) async fn ready(ask: Ask) -> Replied<Health> {
    if ask.app.is_ready() {
        Ok(Health::reply(&ask))
    } else {
        Err(Problem::new(
            Code::NotReady,
            "The journal takes no commands.",
        ))
    }
}

pub(super) async fn metrics(ask: Ask) -> Result<Reply<Exposition>, Problem> {
    let text = ask.app.metrics.exposition(&ask.app.gauges());
    Ok(Reply::new(Exposition(Bytes::from(text))))
}

pub(super) async fn openapi(_: Ask) -> Result<Reply<Document>, Problem> {
    Ok(Reply::new(Document(document())))
}
