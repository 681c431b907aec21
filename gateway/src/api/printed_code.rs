//! Codes that a shop prints once: made, shown, retired, and paid by whoever scans one.

use axum::body::Bytes;
use fx::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Png, Replied, Reply, Svg};
use super::check::Check;
use super::code::{Form, ImageAsked, Presented, ascii, draw, emvco_payload, no_emvco};
use super::order::DESCRIPTION_CHARS_MAX;
use super::page::{PageAsked, page, slice};
use super::payment::{Paid, check_origin, paid};
use super::till::TillShown;
use super::wire::{Amount, AskedAmount, Page, SequenceToken};
use crate::app::{App, Done, Origin, new_id};
use crate::auth::Caller;
use crate::pay::{
    Command, OrderId, Outcome, Owner, PayPrinted, PrintedCode, PrintedCodeId, Refusal, Till,
};
use crate::problem::Problem;
use crate::qr::emvco::AdditionalData;
use crate::qr::{CodeRef, link};
use crate::store::Cursor;
use crate::store::page::List;

/// A code that hangs in a shop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrintedCode)]
pub(super) struct PrintedCodeShown {
    id: PrintedCodeId,
    merchant: crate::pay::MerchantId,
    /// What the orders are for, as payers read it.
    description: String,
    #[schema(example = "CNY")]
    currency: String,
    /// What everybody pays; absent where the payer enters it.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    #[schema(inline)]
    till: TillShown,
    /// Whether it is used no more.
    retired: bool,
    /// What its picture says in a phone's camera.
    #[schema(example = "https://pay.example.com/c/cod_0197a3e5c4b17f20a1b2c3d4e5f60718")]
    link: String,
}

impl PrintedCodeShown {
    pub(super) fn of(app: &App, code: &PrintedCode) -> Self {
        Self {
            id: code.id,
            merchant: code.merchant,
            description: code.description.clone(),
            currency: code.currency.code().to_owned(),
            amount: code
                .amount
                .map(|amount| Money::new(amount, code.currency).into()),
            till: (&code.till).into(),
            retired: code.retired,
            link: code_link(app, code.id),
        }
    }
}

fn code_link(app: &App, id: PrintedCodeId) -> String {
    // An id has only letters, digits and an underscore.
    CodeRef::new(&id.to_string())
        .map_or_else(String::new, |code| link::of_code(&app.public_url, &code))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPrintedCode, example = json!({
    "description": "Table 7",
    "currency": "CNY",
    "till": {"store": "Old Street", "terminal": "table 7"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct PrintedCodeAsked {
    /// What the orders will be for, as payers read it.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// In which the payer enters the amount. Not needed with a fixed amount.
    currency: Option<String>,
    /// What everybody pays. Without it the payer enters the amount.
    amount: Option<AskedAmount>,
    /// Where it hangs; its payments say so too.
    #[serde(default)]
    #[schema(inline)]
    till: TillShown,
}

/// A printed code, as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrintedCodeFound {
    code: PrintedCodeShown,
    /// What a wallet's scanner reads; absent for assets that are not ISO 4217 currencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    emvco: Option<String>,
    sequence: SequenceToken,
}

async fn answer(app: &App, done: Done) -> Replied<PrintedCodeFound> {
    let Outcome::PrintedCode(code) = &done.outcome else {
        return done.unexpected();
    };
    let found = PrintedCodeFound {
        code: PrintedCodeShown::of(app, code),
        emvco: emvco(app, code).await?,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(found)))
}

pub(super) async fn create(ask: Ask<(), (), Json<PrintedCodeAsked>>) -> Replied<PrintedCodeFound> {
    let merchant = ask.caller()?.merchant()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/description", &asked.description, DESCRIPTION_CHARS_MAX);
    let till = asked.till.read(&mut check);
    let one = asked.currency.is_some() != asked.amount.is_some();
    check.that("/currency", one, || {
        "is given where there is no fixed amount, and only there".to_owned()
    });
    check.done()?;
    let (currency, amount) = match (&asked.currency, &asked.amount) {
        (_, Some(amount)) => {
            let money = ask.app.money(amount, "/amount").await?;
            (money.currency, Some(money.amount))
        }
        (code, None) => {
            let code = code.as_deref().unwrap_or_default();
            (ask.app.currency(code, "/currency").await?, None)
        }
    };
    let new = PrintedCode {
        id: PrintedCodeId(new_id()),
        merchant,
        currency,
        amount,
        description: asked.description,
        till,
        retired: false,
    };
    let done = ask.app.command(Command::PrintCode(new), ask.once).await?;
    answer(&ask.app, done).await
}

pub(super) async fn find(ask: Ask<PrintedCodeId>) -> Replied<PrintedCodeFound> {
    let done = find_seen(&ask.app, &ask.caller()?, ask.id).await?;
    answer(&ask.app, done).await
}

/// A code that the caller may see: a merchant its own, anybody else any whose id they know, as they must to pay it.
async fn find_seen(app: &App, caller: &Caller, id: PrintedCodeId) -> Result<Done, Problem> {
    let done = app.ask(Command::FindPrintedCode(id)).await?;
    let Outcome::PrintedCode(code) = &done.outcome else {
        return done.unexpected();
    };
    match caller.owner {
        Owner::Merchant(merchant) if merchant != code.merchant => {
            Err(super::refused::refused(&Refusal::PrintedCodeNotFound))
        }
        _ => Ok(done),
    }
}

pub(super) async fn list(ask: Ask<(), PageAsked>) -> Replied<Page<PrintedCodeShown>> {
    let merchant = ask.caller()?.merchant()?;
    let slice = slice(
        ask.query.limit,
        ask.query.cursor.as_deref(),
        List::PrintedCodes,
    )?;
    let question = Command::PrintedCodes {
        merchant,
        after: slice.after.map(|after| PrintedCodeId(after.second)),
        limit: usize::try_from(slice.limit()).unwrap_or_default(),
    };
    let done = ask.app.ask(question).await?;
    let sequence = done.sequence;
    let Outcome::PrintedCodes(codes) = done.outcome else {
        return done.unexpected();
    };
    let (codes, next) = slice.cut(codes, |last| Cursor {
        list: List::PrintedCodes,
        first: 0,
        second: last.id.0,
    });
    let shown = codes
        .iter()
        .map(|code| PrintedCodeShown::of(&ask.app, code));
    Ok(page(shown.collect(), next, sequence))
}

pub(super) async fn retire(ask: Ask<PrintedCodeId>) -> Replied<PrintedCodeFound> {
    let command = Command::RetireCode {
        id: ask.id,
        merchant: ask.caller()?.merchant()?,
    };
    let done = ask.app.command(command, ask.once).await?;
    answer(&ask.app, done).await
}

async fn picture(
    ask: &Ask<PrintedCodeId, ImageAsked>,
) -> Result<(crate::qr::encode::Matrix, crate::qr::encode::Drawing), Problem> {
    let done = find_seen(&ask.app, &ask.caller()?, ask.id).await?;
    let Outcome::PrintedCode(code) = &done.outcome else {
        return done.unexpected();
    };
    let text = match ask.query.form() {
        Form::Link => code_link(&ask.app, code.id),
        Form::Emvco => emvco(&ask.app, code)
            .await?
            .ok_or_else(|| no_emvco(code.currency))?,
    };
    draw(&text, &ask.query)
}

pub(super) async fn svg(ask: Ask<PrintedCodeId, ImageAsked>) -> Result<Reply<Svg>, Problem> {
    let (matrix, drawing) = picture(&ask).await?;
    let svg = matrix.to_svg(drawing);
    let svg = svg.map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Svg(Bytes::from(svg))))
}

pub(super) async fn png(ask: Ask<PrintedCodeId, ImageAsked>) -> Result<Reply<Png>, Problem> {
    let (matrix, drawing) = picture(&ask).await?;
    let png = matrix.to_png(drawing);
    let png = png.map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Png(Bytes::from(png))))
}

/// The code's EMVCo payload, where there is one.
async fn emvco(app: &App, code: &PrintedCode) -> Result<Option<String>, Problem> {
    let id = code.id.to_string();
    let said = |text: &Option<String>, otherwise| {
        let text = text.as_deref()?;
        Some(ascii(text, Till::CHARS_MAX, otherwise))
    };
    let presented = Presented {
        code: &id,
        one_time: false,
        currency: code.currency,
        amount: code.amount.map(|amount| Money::new(amount, code.currency)),
        additional: AdditionalData {
            store: said(&code.till.store, "STORE"),
            terminal: said(&code.till.terminal, "TERMINAL"),
            ..AdditionalData::default()
        },
    };
    emvco_payload(app, code.merchant, presented).await
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewPrintedCodePayment, example = json!({"amount": {"amount": 1250, "currency": "CNY"}}))]
#[serde(deny_unknown_fields)]
pub(super) struct PrintedPaymentAsked {
    /// What the payer entered; not needed where the code fixes it.
    amount: Option<AskedAmount>,
    /// As in a payment of an order.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
}

pub(super) async fn pay(
    ask: Ask<PrintedCodeId, (), Option<Json<PrintedPaymentAsked>>>,
) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let mut check = Check::default();
    // Where it happens the code says.
    let origin = Origin {
        device: asked.device.as_deref(),
        place: None,
    };
    check_origin(&mut check, &origin);
    check.done()?;
    let amount = match &asked.amount {
        Some(amount) => Some(ask.app.money(amount, "/amount").await?),
        None => None,
    };
    let pay = PayPrinted {
        order: OrderId(new_id()),
        code: ask.id,
        wallet: caller.wallet()?,
        amount,
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    let done = ask.app.pay_printed(pay, origin, once).await?;
    paid(&caller, done)
}
