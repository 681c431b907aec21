//! Rates coming in, and the house's positions in what it exchanges.

use axum::body::Bytes;
use axum::http::HeaderMap;
use fx::{Currency, Money, TickError};
use serde::{Deserialize, Serialize};
use utoipa::openapi::content::Content;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Body, Json, Parameters, Replied, Reply, Schemas};
use super::quote::LegShown;
use super::refused::sentence;
use super::wire::{Amount, SequenceToken};
use crate::app::{App, Done, Fed};
use crate::pay::recipe::Role;
use crate::pay::{Command, Outcome};
use crate::problem::{Code, Problem};

/// All fixings since 1999, as a file.
const BYTES_MAX: usize = 4 << 20;

/// A text of prices.
#[derive(Debug)]
pub(super) struct RatesText(String);

impl Body for RatesText {
    const BYTES_MAX: usize = BYTES_MAX;

    fn read(_: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        String::from_utf8(body.into())
            .map(Self)
            .map_err(|_| Problem::new(Code::RatesInvalid, "The body is not text in UTF-8."))
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        let content = || Content::new(None::<RefOr<Schema>>);
        let body = RequestBodyBuilder::new()
            .content("application/x-ndjson", content())
            .content("text/csv", content())
            .content("application/xml", content())
            .required(Some(Required::True));
        Some(body.build())
    }
}

/// Where prices come from.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RateSource {
    /// People.
    Desk,
    /// A machine.
    Stream,
    /// The European Central Bank.
    Ecb,
}

impl RateSource {
    const fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Stream => "stream",
            Self::Ecb => crate::app::ECB,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedAsked {
    /// Who says so: `desk` or `stream` with lines of JSON, `ecb` with a file of the European Central Bank.
    #[param(inline)]
    source: RateSource,
}

impl Parameters for FeedAsked {
    fn schemas(_: &mut Schemas) {}
}

/// What became of the prices in a text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RatesTaken {
    /// How many are the price now, or are history.
    taken: u32,
    /// How many are not newer than what the source said before.
    known: u32,
    /// Currencies whose price moved further than is believed at once; they have none until it is confirmed.
    held: Vec<String>,
    /// Why others were not taken.
    refused: Vec<String>,
    /// Codes that are no currency known here.
    ignored: Vec<String>,
}

impl From<Fed> for RatesTaken {
    fn from(fed: Fed) -> Self {
        let codes = fed.held.iter().map(|currency| currency.code().to_owned());
        Self {
            taken: fed.taken,
            known: fed.known,
            held: codes.collect(),
            refused: fed.refused,
            ignored: fed.ignored,
        }
    }
}

pub(super) async fn feed(ask: Ask<(), FeedAsked, RatesText>) -> Replied<RatesTaken> {
    let RatesText(text) = ask.body;
    let (app, source) = (ask.app.clone(), ask.query.source);
    // All fixings there ever were take a tenth of a second to read.
    let reading = tokio::task::spawn_blocking(move || match source {
        RateSource::Ecb => app.rates.take_fixings(&text),
        RateSource::Desk | RateSource::Stream => app.rates.take_live(source.name(), &text),
    });
    let taken = reading.await.map_err(|error| Problem::internal(&error))?;
    let taken =
        taken.map_err(|error| Problem::new(Code::RatesInvalid, sentence(&error.to_string())))?;
    Ok(Reply::new(Json(taken.into())))
}

/// What a currency costs, or why it has no price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateOfCurrency)]
pub(super) struct PriceShown {
    #[schema(example = "CNY")]
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<LegShown>,
    /// Why there is no price at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RatesFound {
    /// The currency in which all rates are quoted.
    #[schema(example = "EUR")]
    pivot: String,
    /// What the house takes off the middle price.
    spread_bps: u32,
    /// How long a quote is locked.
    lock_secs: u32,
    rates: Vec<PriceShown>,
    /// Prices that moved further than is believed at once.
    held: Vec<LegShown>,
}

impl RatesFound {
    fn now(app: &App) -> Self {
        let rates = &app.rates;
        let prices = rates.prices().into_iter().map(|(currency, price)| {
            let (rate, detail) = match price {
                Ok(leg) => (Some(LegShown::from(&leg)), None),
                Err(error) => (None, Some(sentence(&error.to_string()))),
            };
            PriceShown {
                currency: currency.code().to_owned(),
                rate,
                detail,
            }
        });
        Self {
            pivot: rates.pivot().code().to_owned(),
            spread_bps: rates.tier().spread_bps,
            lock_secs: rates.tier().lock_seconds,
            rates: prices.collect(),
            held: rates.held().iter().map(LegShown::from).collect(),
        }
    }
}

pub(super) async fn list(ask: Ask) -> Replied<RatesFound> {
    Ok(Reply::new(Json(RatesFound::now(&ask.app))))
}

/// Whether a held price is right.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HeldRateDecision {
    /// It is the price now.
    Confirm,
    /// It is forgotten, and the one before it stands again.
    Discard,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"source": "desk", "currency": "CHF", "decision": "confirm"}))]
#[serde(deny_unknown_fields)]
pub(super) struct HeldRate {
    #[schema(inline)]
    source: RateSource,
    currency: String,
    #[schema(inline)]
    decision: HeldRateDecision,
}

pub(super) async fn settle(ask: Ask<(), (), Json<HeldRate>>) -> Replied<RatesFound> {
    let Json(asked) = &ask.body;
    let currency = ask.app.currency(&asked.currency, "/currency").await?;
    let is_right = matches!(asked.decision, HeldRateDecision::Confirm);
    ask.app
        .rates
        .settle(asked.source.name(), currency, is_right)
        .map_err(|error: TickError| {
            Problem::new(Code::RateSourceUnknown, sentence(&error.to_string()))
        })?;
    Ok(Reply::new(Json(RatesFound::now(&ask.app))))
}

/// The house's position in a currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Position)]
pub(super) struct PositionShown {
    /// What it has bought by exchanges less what it has sold: below zero it owes some.
    position: Amount,
    /// What that is worth at the middle price; absent without a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    worth: Option<Amount>,
    /// What it has earned by spreads.
    spread: Amount,
    /// What rounding has left.
    rounding: Amount,
    /// How far the position may go, either way; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PositionsFound {
    positions: Vec<PositionShown>,
    /// What all positions are worth together, which is what the house has won or lost by holding them; absent if one has no
    /// price.
    #[serde(skip_serializing_if = "Option::is_none")]
    worth: Option<Amount>,
    sequence: SequenceToken,
}

impl PositionsFound {
    fn of(ask: &Ask<(), (), ()>, done: Done) -> Replied<Self> {
        let Outcome::Positions(accounts) = &done.outcome else {
            return done.unexpected();
        };
        let net = |role: Role, currency: Currency| {
            let id = role.account(currency);
            let account = accounts.iter().find(|account| account.id == id);
            account.map_or(0, ledger::Account::net)
        };
        let (rates, mut total) = (&ask.app.rates, Some(0_i128));
        let mut positions = Vec::new();
        for account in accounts {
            let currency = account.currency;
            if account.id != Role::Position.account(currency) {
                continue;
            }
            let position = account.net();
            let money = i64::try_from(position)
                .ok()
                .map(|it| Money::new(it, currency));
            let worth = money.and_then(|money| rates.value(money));
            total = total
                .zip(worth)
                .map(|(total, worth)| total + i128::from(worth.amount));
            positions.push(PositionShown {
                position: Amount::new(position, currency),
                worth: worth.map(Amount::from),
                spread: Amount::new(net(Role::Spread, currency), currency),
                rounding: Amount::new(net(Role::Rounding, currency), currency),
                limit: account.limits.maximum,
            });
        }
        let found = Self {
            positions,
            worth: total.map(|total| Amount::new(total, rates.pivot())),
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply::done(&done, Json(found)))
    }
}

pub(super) async fn positions(ask: Ask) -> Replied<PositionsFound> {
    let done = ask.app.ask(Command::Positions).await?;
    PositionsFound::of(&ask, done)
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"currency": "USD", "limit": 100_000_000}))]
#[serde(deny_unknown_fields)]
pub(super) struct PositionLimit {
    currency: String,
    /// Minor units, either way; without it there is no limit.
    #[schema(minimum = 0)]
    limit: Option<i64>,
}

/// A limit as it now is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PositionLimited {
    position: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    sequence: SequenceToken,
}

pub(super) async fn limit(ask: Ask<(), (), Json<PositionLimit>>) -> Replied<PositionLimited> {
    let Json(asked) = &ask.body;
    let currency = ask.app.currency(&asked.currency, "/currency").await?;
    let limit = asked.limit;
    let command = Command::LimitPosition { currency, limit };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Positions(accounts) = &done.outcome else {
        return done.unexpected();
    };
    let position = accounts.first().map_or(0, ledger::Account::net);
    let limited = PositionLimited {
        position: Amount::new(position, currency),
        limit,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(limited)))
}
