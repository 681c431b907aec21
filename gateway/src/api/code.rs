//! The code of an order: what a payer's phone reads.
//!
//! It comes in two forms. The *link* opens the checkout page in any phone's camera; the *EMVCo* payload is what a
//! wallet's scanner knows, of any scheme. Both name the order by its id, and the scan of either finds it.

use axum::body::Bytes;
use fx::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Png, Replied, Reply, Schemas, Svg};
use super::order::{checkout_url, must_see};
use super::wire::SequenceToken;
use crate::app::App;
use crate::pay::{CategoryCode, CountryCode, Lookup, Merchant, MerchantId, Order, OrderId};
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

impl ImageAsked {
    pub(super) const fn form(&self) -> Form {
        self.form
    }
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
    let (matrix, drawing) = picture(&ask).await?;
    let svg = matrix
        .to_svg(drawing)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Svg(Bytes::from(svg))))
}

pub(super) async fn png(ask: Ask<OrderId, ImageAsked>) -> Result<Reply<Png>, Problem> {
    let (matrix, drawing) = picture(&ask).await?;
    let png = matrix
        .to_png(drawing)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Reply::new(Png(Bytes::from(png))))
}

async fn picture(ask: &Ask<OrderId, ImageAsked>) -> Result<(Matrix, Drawing), Problem> {
    let (order, _) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&ask.caller()?, &order)?;
    let text = match ask.query.form {
        Form::Link => checkout_url(&ask.app.public_url, order.id),
        Form::Emvco => emvco(&ask.app, &order)
            .await?
            .ok_or_else(|| no_emvco(order.amount.currency))?,
    };
    draw(&text, &ask.query)
}

pub(super) fn no_emvco(currency: Currency) -> Problem {
    let detail = format!("An amount in {currency} has no EMVCo form.");
    Problem::new(Code::ParameterInvalid, detail)
}

/// A text as it is asked to be drawn.
pub(super) fn draw(text: &str, asked: &ImageAsked) -> Result<(Matrix, Drawing), Problem> {
    let drawing = Drawing {
        module_px: asked.module_px.unwrap_or(Drawing::default().module_px),
        ..Drawing::default()
    };
    if !(1..=MODULE_PX_MAX).contains(&drawing.module_px) {
        let detail = format!("module_px is a number from 1 to {MODULE_PX_MAX}.");
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let matrix = Matrix::encode(text, Level::Medium).map_err(|error| Problem::internal(&error))?;
    Ok((matrix, drawing))
}

/// What a payload says beside who is paid.
pub(super) struct Presented<'a> {
    pub code: &'a str,
    /// Whether it is paid once.
    pub one_time: bool,
    pub currency: Currency,
    pub amount: Option<Money>,
    pub additional: AdditionalData,
}

/// The order's EMVCo payload, where there is one.
pub(crate) async fn emvco(app: &App, order: &Order) -> Result<Option<String>, Problem> {
    let number = ascii(order.number.as_str(), REFERENCE_CHARS_MAX, "ORDER");
    let presented = Presented {
        code: &order.id.to_string(),
        one_time: true,
        currency: order.amount.currency,
        amount: Some(order.amount),
        additional: AdditionalData {
            reference: Some(number),
            ..AdditionalData::default()
        },
    };
    emvco_payload(app, order.merchant, presented).await
}

/// The EMVCo payload of a merchant's code, where there is one.
pub(super) async fn emvco_payload(
    app: &App,
    merchant: MerchantId,
    presented: Presented<'_>,
) -> Result<Option<String>, Problem> {
    let Some(currency) = presented.currency.numeric() else {
        return Ok(None);
    };
    let merchant = app.find_merchant(merchant).await?;
    let whole = whole(&merchant, presented, currency);
    Ok(whole.and_then(|whole| whole.payload().ok()))
}

fn whole(
    merchant: &Merchant,
    presented: Presented<'_>,
    currency: u16,
) -> Option<MerchantPresented> {
    Some(MerchantPresented {
        code: CodeRef::new(presented.code)?,
        one_time: presented.one_time,
        category: merchant.category.unwrap_or(CategoryCode::NONE).to_string(),
        currency: format!("{currency:03}"),
        amount: presented.amount.map(|amount| amount.format_amount()),
        country: merchant.country.unwrap_or(CountryCode::UNKNOWN).to_string(),
        name: ascii(&merchant.name, NAME_CHARS_MAX, "MERCHANT"),
        city: ascii(&merchant.city, CITY_CHARS_MAX, "CITY"),
        postal_code: None,
        additional: presented.additional,
        local: local_name(merchant),
    })
}

/// What of a text EMVCo's plain fields can carry, or a word in its place.
pub(super) fn ascii(text: &str, chars_max: usize, otherwise: &str) -> String {
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
