//! At a till: where somebody paid, and charges of payment codes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::once;
use super::order::{DESCRIPTION_CHARS_MAX, OrderShown};
use super::wire::{AskedAmount, SequenceToken};
use crate::app::new_id;
use crate::pay::{NewCharge, OrderId, OrderNumber, OrderState, Outcome, Till};
use crate::problem::Problem;
use crate::qr::emvco::consumer::payment_code_of;

/// A consumer-presented payload of ours has some sixty characters.
const SCANNED_CHARS_MAX: usize = 512;

/// Where in a shop somebody pays, in the shop's own words.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Till)]
#[serde(deny_unknown_fields)]
pub struct TillShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 25, example = "Old Street")]
    pub store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 25, example = "till 2")]
    pub terminal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 25)]
    pub cashier: Option<String>,
}

impl From<&Till> for TillShown {
    fn from(till: &Till) -> Self {
        Self {
            store: till.store.clone(),
            terminal: till.terminal.clone(),
            cashier: till.cashier.clone(),
        }
    }
}

impl TillShown {
    pub(super) fn read(self, check: &mut Check) -> Till {
        for (pointer, text) in [
            ("/till/store", &self.store),
            ("/till/terminal", &self.terminal),
            ("/till/cashier", &self.cashier),
        ] {
            if let Some(text) = text {
                check.text(pointer, text, Till::CHARS_MAX);
            }
        }
        Till {
            store: self.store,
            terminal: self.terminal,
            cashier: self.cashier,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewCharge, example = json!({
    "number": "2026-000018",
    "amount": {"amount": 1250, "currency": "CNY"},
    "description": "Dumplings, two baskets",
    "payment_code": "740000001712345678",
    "till": {"store": "Old Street", "terminal": "till 2"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct ChargeAsked {
    /// The merchant's own number for it, used once, as for an order: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    amount: AskedAmount,
    /// What the payer buys.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// What was scanned: 18 digits, or the consumer-presented payload that carries them.
    #[schema(min_length = 1, max_length = 512)]
    payment_code: String,
    #[serde(default)]
    #[schema(inline)]
    till: TillShown,
}

impl std::fmt::Debug for ChargeAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChargeAsked(…)")
    }
}

/// A charge. Its order says how it stands: `paid`, `awaiting_payer` (the payer is asked to confirm, until it expires) or
/// `in_review`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Charged {
    order: OrderShown,
    sequence: SequenceToken,
}

pub(super) async fn charge(ask: Ask<(), (), Json<ChargeAsked>>) -> Replied<Charged> {
    let caller = ask.caller()?;
    let request = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let merchant = caller.merchant()?;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    check.text("/description", &asked.description, DESCRIPTION_CHARS_MAX);
    check.text("/payment_code", &asked.payment_code, SCANNED_CHARS_MAX);
    let till = asked.till.read(&mut check);
    let number = check.done_with(number)?;
    let amount = ask.app.money(&asked.amount, "/amount").await?;
    // What is no code of anybody's is left as it is: it is refused, and counted, as one.
    let scanned = asked.payment_code;
    let code = payment_code_of(&scanned).unwrap_or(scanned);
    let content = format!("charge/{amount}/{code}/{}", asked.description);
    let of_number = once::of_order_number(merchant, &number, &content);
    let at_till = (merchant, till.clone());
    let new = |code| NewCharge {
        order: OrderId(new_id()),
        merchant,
        number,
        amount,
        description: asked.description,
        till,
        code,
        is_large: ask.app.is_large(amount),
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    let done = ask
        .app
        .charge(&code, [request, of_number], new, at_till)
        .await?;
    let (Outcome::Paid { order, .. } | Outcome::Pending { order, .. }) = &done.outcome else {
        return done.unexpected();
    };
    let charged = Charged {
        order: OrderShown::to(caller.owner, order),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply {
        waits: order.state != OrderState::Paid,
        ..Reply::done(&done, Json(charged))
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewReversal, example = json!({"number": "2026-000018"}))]
#[serde(deny_unknown_fields)]
pub(super) struct ReversalAsked {
    /// The number under which it was charged.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
}

/// What became of a charge that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reversed {
    /// The order, `reversed`, or `closed` or `expired` if it was never paid. Absent if no charge arrived; now none can
    /// arrive under this number any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<SequenceToken>,
}

pub(super) async fn reverse(ask: Ask<(), (), Json<ReversalAsked>>) -> Replied<Reversed> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&ask.body.0.number));
    let number = check.done_with(number)?;
    let Some(done) = ask.app.reverse(caller.merchant()?, number, once).await? else {
        return Ok(Reply::new(Json(Reversed {
            order: None,
            sequence: None,
        })));
    };
    let Outcome::Order(order) = &done.outcome else {
        return done.unexpected();
    };
    let reversed = Reversed {
        order: Some(OrderShown::to(caller.owner, order)),
        sequence: Some(SequenceToken(done.sequence)),
    };
    Ok(Reply::done(&done, Json(reversed)))
}
