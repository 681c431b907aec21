//! The code of an order: what a payer's phone reads.
//!
//! It comes in two forms. The *link* opens the checkout page in any phone's camera; the *EMVCo* payload is what a
//! wallet's scanner knows, of any scheme. Both name the order by its id, and the scan of either finds it.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Png, Replied, Reply, Schemas, Svg};
use super::order::{checkout_url, must_see};
use super::wire::SequenceToken;
use crate::app::App;
use crate::auth::Caller;
use crate::pay::{CategoryCode, CountryCode, Lookup, Merchant, Order, OrderId};
use crate::problem::{Code, Problem};
use crate::qr::CodeRef;
use crate::qr::emvco::{AdditionalData, LocalName, MerchantPresented};
use crate::qr::encode::{Drawing, Level, MODULE_PX_MAX, Matrix};

/// EMVCo's limits, in printable ASCII.
const NAME_CHARS_MAX: usize = 25;
const CITY_CHARS_MAX: usize = 15;
const REFERENCE_CHARS_MAX: usize = 25;

/// What a code says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    #[default]
    Link,
    Emvco,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageAsked {
    /// `link` opens the checkout in any phone's camera; `emvco` is for wallets' scanners. `link` when not given.
    #[serde(default)]
    #[param(inline)]
    form: Form,
    /// Pixels along one module, 1 to 32; 8 when not given.
    #[param(minimum = 1, maximum = 32)]
    module_px: Option<usize>,
}

impl Parameters for ImageAsked {
    fn schemas(_: &mut Schemas) {}
}

/// What an order's code says, in both forms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderCode {
    #[schema(example = "https://pay.example.com/c/ord_0197a3e5c4b17f20a1b2c3d4e5f60718")]
    link: String,
    /// Absent where EMVCo has no way to say the amount: for assets that are not ISO 4217 currencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    emvco: Option<String>,
    sequence: SequenceToken,
}

pub(super) async fn contents(ask: Ask<OrderId>) -> Replied<OrderCode> {
    let caller = ask.caller()?;
    let (order, sequence) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&caller, &order)?;
    let code = OrderCode {
        link: checkout_url(&ask.app.public_url, order.id),
        emvco: emvco(&ask.app, &order).await?,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(code)))
}

pub(super) async fn svg(ask: Ask<OrderId, ImageAsked>) -> Result<Reply<Svg>, Problem> {
    let (matrix, drawing) = draw(&ask.app, &ask.caller()?, ask.id, &ask.query).await?;
    let svg = matrix
        .to_svg(drawing)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Svg(Bytes::from(svg))))
}

pub(super) async fn png(ask: Ask<OrderId, ImageAsked>) -> Result<Reply<Png>, Problem> {
    let (matrix, drawing) = draw(&ask.app, &ask.caller()?, ask.id, &ask.query).await?;
    let png = matrix
        .to_png(drawing)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Png(Bytes::from(png))))
}

async fn draw(
    app: &App,
    caller: &Caller,
    id: OrderId,
    asked: &ImageAsked,
) -> Result<(Matrix, Drawing), Problem> {
    let wrong = |detail: String| Problem::new(Code::ParameterInvalid, detail);
    let drawing = Drawing {
        module_px: asked.module_px.unwrap_or(Drawing::default().module_px),
        ..Drawing::default()
    };
    if !(1..=MODULE_PX_MAX).contains(&drawing.module_px) {
        return Err(wrong(format!(
            "module_px is a number from 1 to {MODULE_PX_MAX}."
        )));
    }
    let (order, _) = app.find_order(Lookup::Id(id)).await?;
    must_see(caller, &order)?;
    let text = match asked.form {
        Form::Link => checkout_url(&app.public_url, order.id),
        Form::Emvco => emvco(app, &order).await?.ok_or_else(|| {
            wrong(format!(
                "An amount in {} has no EMVCo form.",
                order.amount.currency
            ))
        })?,
    };
    let matrix = Matrix::encode(&text, Level::Medium).map_err(|error| Problem::internal(&error))?;
    Ok((matrix, drawing))
}

/// The order's EMVCo payload, where there is one.
pub(crate) async fn emvco(app: &App, order: &Order) -> Result<Option<String>, Problem> {
    let Some(currency) = order.amount.currency.numeric() else {
        return Ok(None);
    };
    let merchant = app.find_merchant(order.merchant).await?;
    let payload =
        presented(order, &merchant, currency).and_then(|presented| presented.payload().ok());
    Ok(payload)
}

fn presented(order: &Order, merchant: &Merchant, currency: u16) -> Option<MerchantPresented> {
    Some(MerchantPresented {
        code: CodeRef::new(&order.id.to_string())?,
        one_time: true,
        category: merchant.category.unwrap_or(CategoryCode::NONE).to_string(),
        currency: format!("{currency:03}"),
        amount: Some(order.amount.format_amount()),
        country: merchant.country.unwrap_or(CountryCode::UNKNOWN).to_string(),
        name: ascii(&merchant.name, NAME_CHARS_MAX, "MERCHANT"),
        city: ascii(&merchant.city, CITY_CHARS_MAX, "CITY"),
        postal_code: None,
        additional: AdditionalData {
            reference: Some(ascii(order.number.as_str(), REFERENCE_CHARS_MAX, "ORDER")),
            ..AdditionalData::default()
        },
        local: local_name(merchant),
    })
}

/// What of a text EMVCo's plain fields can carry, or a word in its place.
fn ascii(text: &str, chars_max: usize, otherwise: &str) -> String {
    let kept = text.chars().filter(|char| (' '..='~').contains(char));
    let kept: String = kept.take(chars_max).collect();
    match kept.trim() {
        "" => otherwise.to_owned(),
        kept => kept.to_owned(),
    }
}

/// A name in Chinese characters, which the payload can carry beside the plain one.
fn local_name(merchant: &Merchant) -> Option<LocalName> {
    let is_han = |char: char| ('\u{3400}'..='\u{9fff}').contains(&char);
    let cut = |text: &str, chars_max| text.chars().take(chars_max).collect::<String>();
    merchant.name.contains(is_han).then(|| LocalName {
        language: "zh".to_owned(),
        name: cut(&merchant.name, NAME_CHARS_MAX),
        city: Some(cut(&merchant.city, CITY_CHARS_MAX)),
    })
}
