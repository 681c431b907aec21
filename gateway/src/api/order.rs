//! Orders: made by a merchant, looked up, listed, closed.

use ledger::Sequence;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::check::Check;
use super::coupon::BreakdownShown;
use super::once;
use super::page::{page, slice};
use super::till::TillShown;
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{App, new_id, views_problem};
use crate::auth::Caller;
use crate::pay::{
    BillerId, CombinedId, Command, DecisionId, Lookup, MandateId, MerchantId, NewOrder, Order,
    OrderId, OrderNumber, OrderState, Outcome, Owner, PrintedCodeId, ProfitShare, Scan,
    TransactionName, WalletId,
};
use crate::problem::{Code, Problem};
use crate::qr::{CodeRef, link};
use crate::store;
use crate::store::order::Filter;
use crate::store::page::List;

pub(super) const DESCRIPTION_CHARS_MAX: usize = 127;

/// What is to be paid, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderShown {
    pub id: OrderId,
    pub merchant: MerchantId,
    /// The merchant's own number for it.
    #[schema(example = "2026-000017")]
    pub number: String,
    pub amount: Amount,
    pub description: String,
    #[schema(inline)]
    pub state: StateShown,
    pub created_at: Time,
    /// The last moment it can be paid.
    pub expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentShown>,
    /// The sum of the refunds.
    pub refunded: Amount,
    /// What can still be refunded.
    pub refundable: Amount,
    /// How many refunds there were.
    pub refunds: u32,
    /// The printed code by which it was paid, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub printed_code: Option<PrintedCodeId>,
    /// The mandate by which it was debited, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandate: Option<MandateId>,
    /// The biller that was paid, and the reference by which, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biller: Option<BillerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Where it was paid, if by a payment code or a printed code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub till: Option<TillShown>,
    /// What its merchant has passed on of it and the receivers still have, where the reader may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<Amount>,
}

/// How an order was paid. Each reader sees what is theirs: the payer no fee, the merchant no wallet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentShown {
    pub transaction: TransactionName,
    pub at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletId>,
    /// What the house took of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskShown>,
    /// With what beside the payer's money, and what it earned; absent where money was all there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<BreakdownShown>,
    /// The combined order that it was paid with, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combined: Option<CombinedId>,
}

/// What the fraud scorer said, in short. The decision explains it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Risk)]
pub struct RiskShown {
    pub decision: DecisionId,
    #[schema(example = "allow")]
    pub verdict: &'static str,
    /// The probability of fraud in parts per million.
    pub score_ppm: u32,
    pub reasons: Vec<String>,
    pub rules_version: u32,
    /// 0 is the scorecard that is built in.
    pub model_version: u32,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderState)]
pub enum StateShown {
    Open,
    Paid,
    Closed,
    Expired,
    PartlyRefunded,
    Refunded,
    /// The payer's money is on hold until an analyst has looked.
    InReview,
    /// The one who can pay it is asked to confirm.
    AwaitingPayer,
    /// The till took the charge back.
    Reversed,
}

impl From<OrderState> for StateShown {
    fn from(state: OrderState) -> Self {
        match state {
            OrderState::Open => Self::Open,
            OrderState::Paid => Self::Paid,
            OrderState::Closed => Self::Closed,
            OrderState::Expired => Self::Expired,
            OrderState::PartlyRefunded => Self::PartlyRefunded,
            OrderState::Refunded => Self::Refunded,
            OrderState::InReview => Self::InReview,
            OrderState::AwaitingPayer => Self::AwaitingPayer,
            OrderState::Reversed => Self::Reversed,
        }
    }
}

impl From<StateShown> for OrderState {
    fn from(state: StateShown) -> Self {
        match state {
            StateShown::Open => Self::Open,
            StateShown::Paid => Self::Paid,
            StateShown::Closed => Self::Closed,
            StateShown::Expired => Self::Expired,
            StateShown::PartlyRefunded => Self::PartlyRefunded,
            StateShown::Refunded => Self::Refunded,
            StateShown::InReview => Self::InReview,
            StateShown::AwaitingPayer => Self::AwaitingPayer,
            StateShown::Reversed => Self::Reversed,
        }
    }
}

impl OrderShown {
    /// The order as this owner sees it.
    pub fn to(viewer: Owner, order: &Order) -> Self {
        let amount = |minor: i64| Amount::new(minor.into(), order.amount.currency);
        Self {
            id: order.id,
            merchant: order.merchant,
            number: order.number.to_string(),
            amount: order.amount.into(),
            description: order.description.clone(),
            state: order.state.into(),
            created_at: Time(order.created_at),
            expires_at: Time(order.expires_at),
            payment: PaymentShown::to(viewer, order),
            refunded: amount(order.refunded),
            refundable: amount(order.refundable()),
            refunds: order.refunds,
            printed_code: order.direct.as_ref().and_then(|direct| match direct.scan {
                Scan::PrintedCode(id) => Some(id),
                Scan::PaymentCode | Scan::Mandate(_) | Scan::Biller(_) => None,
            }),
            mandate: order.direct.as_ref().and_then(|direct| match direct.scan {
                Scan::Mandate(id) => Some(id),
                Scan::PaymentCode | Scan::PrintedCode(_) | Scan::Biller(_) => None,
            }),
            biller: order.direct.as_ref().and_then(|direct| match direct.scan {
                Scan::Biller(id) => Some(id),
                Scan::PaymentCode | Scan::PrintedCode(_) | Scan::Mandate(_) => None,
            }),
            reference: order
                .direct
                .as_ref()
                .and_then(|direct| direct.reference.clone()),
            till: order.direct.as_ref().map(|direct| (&direct.till).into()),
            shared: shared(viewer, order).map(amount),
        }
    }
}

/// What is out of an order to others, which is its merchant's own affair.
fn shared(viewer: Owner, order: &Order) -> Option<i64> {
    let knows = viewer == Owner::Merchant(order.merchant) || viewer == Owner::Operator;
    let out = order.shares.iter().map(ProfitShare::left).sum();
    (knows && !order.shares.is_empty()).then_some(out)
}

impl PaymentShown {
    fn to(viewer: Owner, order: &Order) -> Option<Self> {
        let payment = order.payment.as_ref()?;
        let operator = matches!(viewer, Owner::Operator | Owner::Analyst);
        let payer = viewer == Owner::Wallet(payment.wallet);
        let merchant = viewer == Owner::Merchant(order.merchant);
        let risk = &payment.assessment;
        (operator || payer || merchant).then(|| Self {
            transaction: payment.transaction.into(),
            at: Time(payment.at),
            wallet: (operator || payer).then_some(payment.wallet),
            fee: (operator || merchant).then(|| payment.fee.into()),
            risk: operator.then(|| RiskShown {
                decision: payment.decision(),
                verdict: risk.verdict.name(),
                score_ppm: risk.score_ppm,
                reasons: risk.reasons.clone(),
                rules_version: risk.rules_version,
                model_version: risk.model_version,
            }),
            breakdown: BreakdownShown::of_payment(order, payment),
            combined: payment.combined.filter(|_| operator || payer),
        })
    }
}

/// A merchant sees its own orders only. A wallet sees any order whose id it knows, as it must to pay it.
pub(super) fn must_see(caller: &Caller, order: &Order) -> Result<(), Problem> {
    match caller.owner {
        Owner::Merchant(merchant) if merchant != order.merchant => Err(not_found()),
        _ => Ok(()),
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(
        Code::OrderNotFound,
        "There is no such order, or it is not yours.",
    )
}

/// The link that a phone's camera opens, also in the order's code.
pub(super) fn checkout_url(public_url: &str, order: OrderId) -> String {
    // An order's id has only letters, digits and an underscore.
    CodeRef::new(&order.to_string())
        .map_or_else(String::new, |code| link::of_code(public_url, &code))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrder, example = json!({
    "number": "2026-000017",
    "amount": {"amount": 1250, "currency": "CNY"},
    "description": "Dumplings, two baskets"
}))]
#[serde(deny_unknown_fields)]
pub struct OrderAsked {
    /// The merchant's own number for the order, used once: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    amount: AskedAmount,
    /// What the payer buys.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// How many seconds it can be paid: 1 to 2592000 (30 days); two hours when not given.
    #[schema(minimum = 1, maximum = 2_592_000)]
    expires_in_s: Option<u64>,
}

/// An order as just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderCreated {
    order: OrderShown,
    /// The address that is in the order's code; a payer's browser can open it.
    #[schema(example = "https://pay.example.com/c/ord_0197a3e5c4b17f20a1b2c3d4e5f60718")]
    checkout_url: String,
    sequence: SequenceToken,
}

/// An order as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderFound {
    order: OrderShown,
    sequence: SequenceToken,
}

impl OrderFound {
    fn reply(caller: &Caller, order: &Order, sequence: Sequence) -> Reply<Json<Self>> {
        let found = Self {
            order: OrderShown::to(caller.owner, order),
            sequence: SequenceToken(sequence),
        };
        Reply::as_of(sequence, Json(found))
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<OrderAsked>>) -> Replied<OrderCreated> {
    let caller = ask.caller()?;
    let Json(asked) = ask.body;
    let merchant = caller.merchant()?;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    check.text("/description", &asked.description, DESCRIPTION_CHARS_MAX);
    let life_secs = asked.expires_in_s.unwrap_or(Order::LIFE_SECS_DEFAULT);
    let life = 1..=Order::LIFE_SECS_MAX;
    check.that("/expires_in_s", life.contains(&life_secs), || {
        format!("is 1 to {} seconds", Order::LIFE_SECS_MAX)
    });
    let number = check.done_with(number)?;
    let amount = ask.app.money(&asked.amount, "/amount").await?;
    let content = format!("{amount}/{life_secs}/{}", asked.description);
    let number_once = once::of_order_number(merchant, &number, &content);
    let new = NewOrder {
        id: OrderId(new_id()),
        merchant,
        number,
        amount,
        description: asked.description,
        life_secs,
    };
    let keys = ask.once.into_iter().chain([number_once]);
    let done = ask.app.command(Command::CreateOrder(new), keys).await?;
    let Outcome::Order(order) = &done.outcome else {
        return done.unexpected();
    };
    let created = OrderCreated {
        order: OrderShown::to(caller.owner, order),
        checkout_url: checkout_url(&ask.app.public_url, order.id),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(created)))
}

pub(super) async fn find(ask: Ask<OrderId>) -> Replied<OrderFound> {
    let caller = ask.caller()?;
    let (order, sequence) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&caller, &order)?;
    Ok(OrderFound::reply(&caller, &order, sequence))
}

pub(super) async fn close(ask: Ask<OrderId>) -> Replied<OrderFound> {
    let caller = ask.caller()?;
    let command = Command::CloseOrder {
        order: Lookup::Id(ask.id),
        merchant: caller.merchant()?,
    };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Order(order) = &done.outcome else {
        return done.unexpected();
    };
    let closed = OrderFound {
        order: OrderShown::to(caller.owner, order),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(closed)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OrdersAsked {
    /// Only the order with this number of the merchant's. It is found at once, without waiting for the views.
    number: Option<String>,
    /// Only this merchant's orders. A merchant sees its own anyway.
    merchant: Option<MerchantId>,
    /// Only orders in this state.
    #[param(inline)]
    state: Option<StateShown>,
    /// Only orders created at this time or later.
    created_from: Option<Time>,
    /// Only orders created before this time.
    created_before: Option<Time>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for OrdersAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<MerchantId>(schemas);
        named::<Time>(schemas);
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn list(ask: Ask<(), OrdersAsked>) -> Replied<Page<OrderShown>> {
    let caller = ask.caller()?;
    let asked = ask.query;
    let merchant = match caller.owner {
        Owner::Merchant(own) => match asked.merchant {
            Some(other) if other != own => return Err(not_found()),
            _ => Some(own),
        },
        _ => asked.merchant,
    };
    if let Some(number) = &asked.number {
        return numbered(&ask.app, &caller, merchant, number).await;
    }
    let filter = Filter {
        merchant,
        state: asked.state.map(Into::into),
        from: asked.created_from.map(|time| time.0),
        until: asked.created_before.map(|time| time.0),
    };
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Orders)?;
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let (orders, next) = store::order::list(&mut reading, &filter, slice)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = orders
        .iter()
        .map(|order| OrderShown::to(caller.owner, order));
    Ok(page(shown.collect(), next, reading.watermark()))
}

/// The one order with a merchant's number, or none.
async fn numbered(
    app: &App,
    caller: &Caller,
    merchant: Option<MerchantId>,
    number: &str,
) -> Replied<Page<OrderShown>> {
    let wrong = |detail: String| Problem::new(Code::ParameterInvalid, detail);
    let merchant = merchant
        .ok_or_else(|| wrong("A number is a merchant's own: name the merchant too.".to_owned()))?;
    let number = OrderNumber::new(number).map_err(|error| wrong(format!("number: {error}.")))?;
    let lookup = Lookup::Number(merchant, number);
    let committed = app.look_up(Command::FindOrder(lookup)).await?;
    let orders = match &committed.outcome {
        Outcome::Order(order) => vec![OrderShown::to(caller.owner, order)],
        _ => Vec::new(),
    };
    Ok(page(orders, None, committed.sequence))
}
