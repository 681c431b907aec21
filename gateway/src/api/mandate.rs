//! Mandates: proposed by a merchant, accepted by a payer, debited, revoked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::decision::ProofAsked;
use super::once;
use super::order::{DESCRIPTION_CHARS_MAX, OrderShown};
use super::page::{PageAsked, page, slice};
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{Done, new_id, text_of_consent, views_problem};
use crate::auth::Caller;
use crate::pay::{
    Bounds, Command, Mandate, MandateId, MandateState, MerchantId, NewDebit, NewMandate, OrderId,
    OrderNumber, OrderState, Outcome, Owner, Party, Refusal, WalletId,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;

/// A payer's leave to be debited, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mandate)]
pub struct MandateShown {
    id: MandateId,
    merchant: MerchantId,
    /// The merchant's own number for it.
    number: String,
    /// What for.
    description: String,
    #[schema(inline)]
    bounds: BoundsShown,
    /// `proposed` (nobody has accepted it), `active`, `revoked` or `expired`.
    #[schema(example = "active")]
    state: &'static str,
    /// Who accepted it, where the reader may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet: Option<WalletId>,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Time>,
    /// The last moment at which it can be accepted, or then used.
    expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    /// How often it was debited, and how much in all.
    debits: u32,
    debited: Amount,
}

/// How far a mandate goes. Amounts are minor units.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoundsShown {
    #[schema(example = "CNY")]
    currency: String,
    /// The most of one debit.
    #[schema(minimum = 1)]
    per_debit: i64,
    /// The most of all debits of one period.
    #[schema(minimum = 1)]
    per_period: i64,
    /// How many days a period has; they follow each other from the moment of acceptance.
    #[schema(minimum = 1, maximum = 366)]
    period_days: u16,
    /// How many debits there may be in all; any number, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    debits: Option<u32>,
    /// How many days it lasts from its acceptance.
    #[schema(minimum = 1, maximum = 1_830)]
    days: u16,
}

impl MandateShown {
    /// The mandate as this owner sees it: the merchant sees no wallet.
    pub fn to(viewer: Owner, mandate: &Mandate) -> Self {
        let Bounds {
            currency,
            per_debit,
            per_period,
            period_days,
            debits,
            days,
        } = mandate.bounds.clone();
        let payer = mandate.payer.map(|(wallet, _)| wallet);
        let sees_wallet = !matches!(viewer, Owner::Merchant(_));
        Self {
            id: mandate.id,
            merchant: mandate.merchant,
            number: mandate.number.to_string(),
            description: mandate.description.clone(),
            bounds: BoundsShown {
                currency: currency.code().to_owned(),
                per_debit,
                per_period,
                period_days,
                debits,
                days,
            },
            state: mandate.state.name(),
            wallet: payer.filter(|_| sees_wallet),
            created_at: Time(mandate.created_at),
            accepted_at: mandate.accepted_at.map(Time),
            expires_at: Time(mandate.expires_at),
            ended_at: mandate.ended_at.map(Time),
            debits: mandate.debited.debits,
            debited: Amount::new(mandate.debited.total, currency),
        }
    }
}

/// A mandate as it was found or changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MandateFound {
    mandate: MandateShown,
    /// What a device of the asking wallet signs to accept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text_to_sign: Option<String>,
    sequence: SequenceToken,
}

impl MandateFound {
    fn answer(caller: &Caller, done: Done) -> Replied<Self> {
        let Outcome::Mandate(mandate) = &done.outcome else {
            return done.unexpected();
        };
        let text_to_sign = match caller.owner {
            Owner::Wallet(wallet) if mandate.state == MandateState::Proposed => {
                Some(text_of_consent(mandate, wallet))
            }
            _ => None,
        };
        let found = Self {
            mandate: MandateShown::to(caller.owner, mandate),
            text_to_sign,
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply::done(&done, Json(found)))
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewMandate, example = json!({
    "number": "M-2026-000017",
    "description": "Films, every month",
    "bounds": {"currency": "CNY", "per_debit": 3_000, "per_period": 3_000, "period_days": 30, "days": 365}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct MandateAsked {
    /// The merchant's own number for it, used once: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    /// What for, as the payer reads it.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    #[schema(inline)]
    bounds: BoundsShown,
}

pub(super) async fn propose(ask: Ask<(), (), Json<MandateAsked>>) -> Replied<MandateFound> {
    let caller = ask.caller()?;
    let merchant = caller.merchant()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    check.text("/description", &asked.description, DESCRIPTION_CHARS_MAX);
    let number = check.done_with(number)?;
    let content = format!("{:?}/{}", asked.bounds, asked.description);
    let number_once = once::of_mandate_number(merchant, &number, &content);
    let bounds = asked.bounds;
    let new = NewMandate {
        id: MandateId(new_id()),
        merchant,
        number,
        description: asked.description,
        bounds: Bounds {
            currency: ask
                .app
                .currency(&bounds.currency, "/bounds/currency")
                .await?,
            per_debit: bounds.per_debit,
            per_period: bounds.per_period,
            period_days: bounds.period_days,
            debits: bounds.debits,
            days: bounds.days,
        },
    };
    let keys = ask.once.into_iter().chain([number_once]);
    let done = ask.app.command(Command::Propose(new), keys).await?;
    MandateFound::answer(&caller, done)
}

/// A wallet may look at any proposal whose id it knows, as it must to accept it; what is accepted is its two parties'.
pub(super) async fn find(ask: Ask<MandateId>) -> Replied<MandateFound> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindMandate(ask.id)).await?;
    let Outcome::Mandate(mandate) = &done.outcome else {
        return done.unexpected();
    };
    let may_see = match caller.owner {
        Owner::Merchant(merchant) => merchant == mandate.merchant,
        Owner::Wallet(wallet) => mandate.payer.is_none_or(|(payer, _)| payer == wallet),
        _ => true,
    };
    if may_see {
        MandateFound::answer(&caller, done)
    } else {
        Err(super::refused::refused(&Refusal::MandateNotFound))
    }
}

pub(super) async fn accept(ask: Ask<MandateId, (), Json<ProofAsked>>) -> Replied<MandateFound> {
    let caller = ask.caller()?;
    let wallet = caller.wallet()?;
    let proof = ask.body.0.read("")?;
    let done = ask
        .app
        .accept_mandate(ask.id, wallet, proof.as_ref(), ask.once)
        .await?;
    MandateFound::answer(&caller, done)
}

/// Which side of a mandate a caller is on.
fn party(caller: &Caller) -> Result<Party, Problem> {
    match caller.owner {
        Owner::Merchant(id) => Ok(Party::Merchant(id)),
        _ => caller.wallet().map(Party::Payer),
    }
}

pub(super) async fn revoke(ask: Ask<MandateId>) -> Replied<MandateFound> {
    let caller = ask.caller()?;
    let command = Command::RevokeMandate {
        id: ask.id,
        by: party(&caller)?,
    };
    let done = ask.app.command(command, ask.once).await?;
    MandateFound::answer(&caller, done)
}

pub(super) async fn list(ask: Ask<(), PageAsked>) -> Replied<Page<MandateShown>> {
    let caller = ask.caller()?;
    let whose = party(&caller)?;
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Mandates)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let read = store::mandate::list(&mut reading, whose, slice).await;
    let (found, next) = read.map_err(|error| views_problem(&error))?;
    let found = found.iter();
    let shown = found.map(|mandate| MandateShown::to(caller.owner, mandate));
    Ok(page(shown.collect(), next, reading.watermark()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewDebit, example = json!({
    "number": "2026-12", "amount": {"amount": 3_000, "currency": "CNY"}, "description": "Films in December"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct DebitAsked {
    /// The merchant's own number for the order, used once: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    amount: AskedAmount,
    /// What the payer pays for.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
}

/// A debit. Its order says how it stands: `paid`, `awaiting_payer` (the payer is asked to confirm) or `in_review`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Debited {
    order: OrderShown,
    sequence: SequenceToken,
}

pub(super) async fn debit(ask: Ask<MandateId, (), Json<DebitAsked>>) -> Replied<Debited> {
    let caller = ask.caller()?;
    let merchant = caller.merchant()?;
    let request = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    check.text("/description", &asked.description, DESCRIPTION_CHARS_MAX);
    let number = check.done_with(number)?;
    let amount = ask.app.money(&asked.amount, "/amount").await?;
    let content = format!("debit/{}/{amount}/{}", ask.id, asked.description);
    let of_number = once::of_order_number(merchant, &number, &content);
    let new = NewDebit {
        mandate: ask.id,
        merchant,
        order: OrderId(new_id()),
        number,
        amount,
        description: asked.description,
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    let done = ask.app.debit(new, [request, of_number]).await?;
    let (Outcome::Paid { order, .. } | Outcome::Pending { order, .. }) = &done.outcome else {
        return done.unexpected();
    };
    let debited = Debited {
        order: OrderShown::to(caller.owner, order),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply {
        waits: order.state != OrderState::Paid,
        ..Reply::done(&done, Json(debited))
    })
}
