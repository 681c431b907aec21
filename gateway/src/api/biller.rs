//! Billers: registered by an operator, found by payers, paid by a reference.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas};
use super::check::Check;
use super::page::{page, slice};
use super::payment::{Paid, check_origin, paid};
use super::refused::refused;
use super::wire::{AskedAmount, Page, SequenceToken};
use crate::app::{Done, Origin, new_id};
use crate::pay::{
    Biller, BillerId, Category, CheckDigit, Command, MerchantId, OrderId, Outcome, PayBiller,
    ReferenceRule,
};
use crate::problem::Problem;
use crate::store::Cursor;
use crate::store::page::List;

const REFERENCE_CHARS_MAX: usize = 80;

/// What a biller is paid for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BillerCategory)]
pub(super) enum CategoryShown {
    Utility,
    Fine,
    Health,
    Education,
    Tax,
    Other,
}

impl From<Category> for CategoryShown {
    fn from(category: Category) -> Self {
        match category {
            Category::Utility => Self::Utility,
            Category::Fine => Self::Fine,
            Category::Health => Self::Health,
            Category::Education => Self::Education,
            Category::Tax => Self::Tax,
            Category::Other => Self::Other,
        }
    }
}

impl From<CategoryShown> for Category {
    fn from(category: CategoryShown) -> Self {
        match category {
            CategoryShown::Utility => Self::Utility,
            CategoryShown::Fine => Self::Fine,
            CategoryShown::Health => Self::Health,
            CategoryShown::Education => Self::Education,
            CategoryShown::Tax => Self::Tax,
            CategoryShown::Other => Self::Other,
        }
    }
}

/// How a biller's references look.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReferenceRule)]
pub(super) struct ReferenceShown {
    /// What payers call it.
    #[schema(min_length = 1, max_length = 40, example = "customer number")]
    label: String,
    /// Like one of these: `#` is a digit, `@` a letter, `*` either, and any other character itself. Spaces and small letters
    /// do not matter.
    #[schema(min_items = 1, max_items = 8)]
    patterns: Vec<String>,
    /// Its check characters: `none`, `luhn`, `mod_11_2`, `mod_97_10`, `mod_11_10`, `mod_37_36` (ISO/IEC 7064) or `rf`
    /// (ISO 11649).
    #[schema(example = "luhn")]
    check: String,
}

/// Whom people pay by a reference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Biller)]
pub(super) struct BillerShown {
    id: BillerId,
    /// Who is paid.
    merchant: MerchantId,
    name: String,
    #[schema(inline)]
    category: CategoryShown,
    #[schema(example = "CNY")]
    currency: String,
    #[schema(inline)]
    reference: ReferenceShown,
    /// The least and the most of one payment, in minor units.
    least: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<i64>,
    /// Whether it takes no payments any more.
    retired: bool,
}

impl From<&Biller> for BillerShown {
    fn from(biller: &Biller) -> Self {
        Self {
            id: biller.id,
            merchant: biller.merchant,
            name: biller.name.clone(),
            category: biller.category.into(),
            currency: biller.currency.code().to_owned(),
            reference: ReferenceShown {
                label: biller.reference.label.clone(),
                patterns: biller.reference.patterns.clone(),
                check: biller.reference.check.name().to_owned(),
            },
            least: biller.least,
            most: biller.most,
            retired: biller.retired,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBiller, example = json!({
    "merchant": "mer_0197a3e5c4b17f20a1b2c3d4e5f60718",
    "name": "City Water",
    "category": "utility",
    "currency": "CNY",
    "reference": {"label": "customer number", "patterns": ["###########"], "check": "luhn"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct BillerAsked {
    /// Who is paid.
    merchant: MerchantId,
    /// As payers read it.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(inline)]
    category: CategoryShown,
    #[schema(example = "CNY")]
    currency: String,
    #[schema(inline)]
    reference: ReferenceShown,
    /// The least of one payment, in minor units; 1, if left out.
    #[serde(default = "one")]
    #[schema(minimum = 1)]
    least: i64,
    /// The most of one payment.
    #[schema(minimum = 1)]
    most: Option<i64>,
}

const fn one() -> i64 {
    1
}

/// A biller as it was found or registered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BillerFound {
    biller: BillerShown,
    sequence: SequenceToken,
}

fn answer(done: &Done) -> Result<Json<BillerFound>, Problem> {
    Ok(Json(BillerFound {
        biller: found(done)?.into(),
        sequence: SequenceToken(done.sequence),
    }))
}

fn found(done: &Done) -> Result<&Biller, Problem> {
    match &done.outcome {
        Outcome::Billers(found) if let [biller] = found.as_slice() => Ok(biller),
        _ => Err(Problem::internal(
            &"a biller was asked for and something else came",
        )),
    }
}

pub(super) async fn register(ask: Ask<(), (), Json<BillerAsked>>) -> Replied<BillerFound> {
    let Json(asked) = ask.body;
    let rule = asked.reference;
    let mut check = Check::default();
    check.text("/name", &asked.name, Biller::NAME_CHARS_MAX);
    check.text(
        "/reference/label",
        &rule.label,
        ReferenceRule::LABEL_CHARS_MAX,
    );
    let scheme = CheckDigit::named(&rule.check);
    check.that("/reference/check", scheme.is_some(), || {
        let names = CheckDigit::ALL.map(CheckDigit::name).join(", ");
        format!("is one of {names}")
    });
    let scheme = check.done_with(scheme)?;
    let new = Biller {
        id: BillerId(new_id()),
        merchant: asked.merchant,
        name: asked.name,
        category: asked.category.into(),
        currency: ask.app.currency(&asked.currency, "/currency").await?,
        reference: ReferenceRule {
            label: rule.label,
            patterns: rule.patterns,
            check: scheme,
        },
        least: asked.least,
        most: asked.most,
        retired: false,
    };
    let command = Command::RegisterBiller(Box::new(new));
    let done = ask.app.command(command, ask.once).await?;
    Ok(Reply::done(&done, answer(&done)?))
}

pub(super) async fn retire(ask: Ask<BillerId>) -> Replied<BillerFound> {
    let done = ask.app.command(Command::RetireBiller(ask.id), ask.once);
    let done = done.await?;
    Ok(Reply::done(&done, answer(&done)?))
}

pub(super) async fn find(ask: Ask<BillerId>) -> Replied<BillerFound> {
    let done = ask.app.ask(Command::FindBiller(ask.id)).await?;
    Ok(Reply::as_of(done.sequence, answer(&done)?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct BillersAsked {
    /// Only those that are paid for this.
    #[param(inline)]
    category: Option<CategoryShown>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Parameters for BillersAsked {
    fn schemas(_: &mut Schemas) {}
}

pub(super) async fn list(ask: Ask<(), BillersAsked>) -> Replied<Page<BillerShown>> {
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Billers)?;
    let question = Command::Billers {
        category: asked.category.map(Into::into),
        after: slice.after.map(|after| BillerId(after.second)),
        limit: usize::try_from(slice.limit()).unwrap_or_default(),
    };
    let done = ask.app.ask(question).await?;
    let sequence = done.sequence;
    let Outcome::Billers(billers) = done.outcome else {
        return done.unexpected();
    };
    let (billers, next) = slice.cut(billers, |last| Cursor {
        list: List::Billers,
        first: 0,
        second: last.id.0,
    });
    let shown = billers.iter().map(BillerShown::from);
    Ok(page(shown.collect(), next, sequence))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReferenceAsked {
    /// As the payer entered it.
    reference: String,
}

impl Parameters for ReferenceAsked {
    fn schemas(_: &mut Schemas) {}
}

/// A reference as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReferenceChecked {
    biller: BillerId,
    #[schema(example = "79927398713")]
    reference: String,
    sequence: SequenceToken,
}

pub(super) async fn check(ask: Ask<BillerId, ReferenceAsked>) -> Replied<ReferenceChecked> {
    let done = ask.app.ask(Command::FindBiller(ask.id)).await?;
    let read = found(&done)?.reference.read(&ask.query.reference);
    let checked = ReferenceChecked {
        biller: ask.id,
        reference: read.map_err(|refusal| refused(&refusal))?,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(checked)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBillerPayment, example = json!({
    "reference": "7992 7398 713", "amount": {"amount": 8_640, "currency": "CNY"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct BillerPaymentAsked {
    /// As the payer entered it; spaces and small letters do not matter.
    #[schema(min_length = 1, max_length = 80)]
    reference: String,
    amount: AskedAmount,
    /// As in a payment of an order.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
}

pub(super) async fn pay(ask: Ask<BillerId, (), Json<BillerPaymentAsked>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/reference", &asked.reference, REFERENCE_CHARS_MAX);
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    check_origin(&mut check, &origin);
    check.done()?;
    let pay = PayBiller {
        order: OrderId(new_id()),
        biller: ask.id,
        wallet: caller.wallet()?,
        reference: asked.reference,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    let done = ask.app.pay_biller(pay, origin, once).await?;
    paid(&caller, done)
}
