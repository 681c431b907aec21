//! Quotes, and conversions by them.

use fx::{Currency, Leg, Money, Rounding, Side};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::refused::refused;
use super::wire::{Amount, AskedAmount, Minor, SequenceToken, Time};
use crate::app::{Done, new_id};
use crate::pay::{
    Command, NewQuote, Outcome, Owner, Quote, QuoteId, QuoteState, Refusal, TransactionName,
    WalletId,
};
use crate::problem::Problem;

/// A price that is locked for one wallet and good once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
pub(super) struct QuoteShown {
    id: QuoteId,
    wallet: WalletId,
    /// What the wallet gives.
    sell: Amount,
    /// What it gets.
    buy: Amount,
    /// Which of them it named: `sell` or `buy`.
    #[schema(example = "sell")]
    named: &'static str,
    /// How much of what it gets it has for one of what it gives, the spread included; for reading, the amounts are exact.
    #[schema(example = "0.1393")]
    rate: String,
    /// The same at the middle price.
    #[schema(example = "0.14")]
    mid: String,
    spread_bps: u32,
    /// What was named, at the middle price, rounded half to even.
    worth: Amount,
    /// What the house earns by it.
    spread: Amount,
    /// What rounding takes beyond that: nothing, or one minor unit.
    rounding: Amount,
    /// The published prices on which it rests.
    path: Vec<LegShown>,
    /// `open`, `used` or `expired`.
    #[schema(example = "open")]
    state: &'static str,
    created_at: Time,
    /// The last moment it can be used.
    expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<Time>,
    /// What used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<TransactionName>,
}

/// A published price: what one whole unit of the base costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
pub(super) struct LegShown {
    #[schema(example = "EUR")]
    base: String,
    #[schema(example = "CNY")]
    quote: String,
    #[schema(example = "7.8125")]
    mid: String,
    /// Who says so.
    #[schema(example = "desk")]
    source: String,
    time: Time,
}

impl From<&Leg> for LegShown {
    fn from(leg: &Leg) -> Self {
        Self {
            base: leg.base.code().to_owned(),
            quote: leg.quote.code().to_owned(),
            mid: leg.mid.to_string(),
            source: leg.source.clone(),
            time: Time(ledger::Timestamp(leg.time.0)),
        }
    }
}

impl From<&Quote> for QuoteShown {
    fn from(quote: &Quote) -> Self {
        let terms = &quote.terms;
        let rate = |conversion: Result<fx::Conversion, _>| {
            let rate = conversion.ok().and_then(|it| it.rate(Rounding::HalfEven));
            rate.map_or_else(|| "0".to_owned(), |rate| rate.to_string())
        };
        let is_used = quote.state == QuoteState::Used;
        Self {
            id: quote.id,
            wallet: quote.wallet,
            sell: terms.sell.into(),
            buy: terms.buy.into(),
            named: match terms.fixed {
                Side::Sell => "sell",
                Side::Buy => "buy",
            },
            rate: rate(terms.client()),
            mid: rate(terms.mid()),
            spread_bps: terms.spread_bps,
            worth: terms.valuation.into(),
            spread: terms.spread.into(),
            rounding: terms.residual.into(),
            path: terms.path.iter().map(LegShown::from).collect(),
            state: quote.state.name(),
            created_at: Time(quote.created_at),
            expires_at: Time(quote.expires_at),
            used_at: quote.used_at.map(Time),
            transaction: is_used.then(|| quote.transaction().into()),
        }
    }
}

/// One side of an exchange: with an amount if it is the one that is named.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = QuoteSide)]
#[serde(deny_unknown_fields)]
pub(super) struct SideAsked {
    /// Minor units.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Minor>,
    currency: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewQuote, example = json!({
    "sell": {"amount": 10000, "currency": "CNY"},
    "buy": {"currency": "USD"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct QuoteAsked {
    /// What the wallet gives.
    sell: SideAsked,
    /// What it gets. The amount stands on one side, and the quote says the other.
    buy: SideAsked,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuoteFound {
    quote: QuoteShown,
    sequence: SequenceToken,
}

impl QuoteFound {
    fn answer(done: Done) -> Replied<Self> {
        let Outcome::Quote(quote) = &done.outcome else {
            return done.unexpected();
        };
        let found = Self {
            quote: QuoteShown::from(&**quote),
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply::done(&done, Json(found)))
    }
}

/// A conversion, and what the wallet then has of both currencies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Converted {
    quote: QuoteShown,
    balances: Vec<Amount>,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<(), (), Json<QuoteAsked>>) -> Replied<QuoteFound> {
    let wallet = ask.caller()?.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    let is_one = asked.sell.amount.is_some() != asked.buy.amount.is_some();
    check.that("/sell/amount", is_one, || {
        "is given, or that of /buy, and not both".to_owned()
    });
    check.done()?;
    let app = &ask.app;
    let (fixed, amount, other): (Side, Money, Currency) = match (asked.sell, asked.buy) {
        (named, other) if named.amount.is_some() => {
            let amount = app.money(&amount_of(named), "/sell").await?;
            let other = app.currency(&other.currency, "/buy/currency").await?;
            (Side::Sell, amount, other)
        }
        (other, named) => {
            let amount = app.money(&amount_of(named), "/buy").await?;
            let other = app.currency(&other.currency, "/sell/currency").await?;
            (Side::Buy, amount, other)
        }
    };
    let (sell, buy) = match fixed {
        Side::Sell => (amount.currency, other),
        Side::Buy => (other, amount.currency),
    };
    let new = NewQuote {
        id: QuoteId(new_id()),
        wallet,
        sell,
        buy,
        terms: None,
    };
    QuoteFound::answer(app.lock_quote(new, (fixed, amount), once).await?)
}

fn amount_of(side: SideAsked) -> AskedAmount {
    AskedAmount {
        amount: side.amount.unwrap_or(Minor::NotWhole),
        currency: side.currency,
    }
}

pub(super) async fn find(ask: Ask<QuoteId>) -> Replied<QuoteFound> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindQuote(ask.id)).await?;
    let Outcome::Quote(quote) = &done.outcome else {
        return done.unexpected();
    };
    let is_theirs = match caller.owner {
        Owner::Wallet(wallet) => wallet == quote.wallet,
        _ => true,
    };
    if !is_theirs {
        return Err(refused(&Refusal::QuoteNotFound));
    }
    QuoteFound::answer(done)
}

pub(super) async fn convert(ask: Ask<QuoteId>) -> Replied<Converted> {
    let command = Command::Convert {
        quote: ask.id,
        wallet: ask.caller()?.wallet()?,
    };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Converted {
        quote,
        sold,
        bought,
    } = &done.outcome
    else {
        return done.unexpected();
    };
    let converted = Converted {
        quote: QuoteShown::from(&**quote),
        balances: vec![
            Amount::new(*sold, quote.terms.sell.currency),
            Amount::new(*bought, quote.terms.buy.currency),
        ],
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(converted)))
}
