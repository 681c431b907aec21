//! What the house takes of a merchant's payments.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::merchant::must_be;
use super::wire::SequenceToken;
use crate::app::Done;
use crate::pay::{Command, FeeLine, FeeSchedule, MerchantId, Method, Outcome, Terms};
use crate::problem::Problem;

/// How a payment came about: the payer opened an order that the merchant had made, the till scanned the payer's code, the
/// payer scanned a printed code, the merchant debited the payer by a mandate, or the payer paid a biller by a reference.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentMethod)]
pub(super) enum MethodShown {
    Order,
    PaymentCode,
    PrintedCode,
    Mandate,
    Biller,
}

impl From<Method> for MethodShown {
    fn from(method: Method) -> Self {
        match method {
            Method::Order => Self::Order,
            Method::PaymentCode => Self::PaymentCode,
            Method::PrintedCode => Self::PrintedCode,
            Method::Mandate => Self::Mandate,
            Method::Biller => Self::Biller,
        }
    }
}

impl From<MethodShown> for Method {
    fn from(method: MethodShown) -> Self {
        match method {
            MethodShown::Order => Self::Order,
            MethodShown::PaymentCode => Self::PaymentCode,
            MethodShown::PrintedCode => Self::PrintedCode,
            MethodShown::Mandate => Self::Mandate,
            MethodShown::Biller => Self::Biller,
        }
    }
}

/// What is taken of some payments: a percentage and a fixed amount, within bounds, and never more than the payment. Amounts
/// are minor units of the currency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = FeeLine)]
#[serde(deny_unknown_fields)]
pub(super) struct FeeLineShown {
    /// Only payments by this method; all, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    method: Option<MethodShown>,
    #[schema(example = "CNY")]
    currency: String,
    /// Only payments of this amount or more.
    #[serde(default)]
    #[schema(minimum = 0)]
    from: i64,
    /// Hundredths of a percent: 60 is 0.6%.
    #[schema(maximum = 10_000)]
    basis_points: u16,
    #[serde(default)]
    #[schema(minimum = 0)]
    fixed: i64,
    #[serde(default)]
    #[schema(minimum = 0)]
    least: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    most: Option<i64>,
    /// Whether the house keeps its fee when a payment is refunded. Otherwise it gives back the same share as the refund is
    /// of the payment.
    #[serde(default)]
    kept: bool,
}

impl From<&FeeLine> for FeeLineShown {
    fn from(line: &FeeLine) -> Self {
        let Terms {
            basis_points,
            fixed,
            least,
            most,
            kept,
        } = line.terms;
        Self {
            method: line.method.map(Into::into),
            currency: line.currency.code().to_owned(),
            from: line.from,
            basis_points,
            fixed,
            least,
            most,
            kept,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewFees, example = json!({"lines": [
    {"currency": "CNY", "basis_points": 60},
    {"currency": "CNY", "from": 100_000, "basis_points": 38, "most": 2_500},
    {"method": "payment_code", "currency": "CNY", "basis_points": 38, "fixed": 10, "kept": true}
]}))]
#[serde(deny_unknown_fields)]
pub(super) struct FeesAsked {
    /// Of the lines that fit a payment the one for its method goes first, then the one with the highest `from`. Where none
    /// fits, the merchant's `fee_basis_points` hold.
    #[schema(max_items = 64)]
    lines: Vec<FeeLineShown>,
}

/// A merchant's schedule of fees.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fees {
    lines: Vec<FeeLineShown>,
    sequence: SequenceToken,
}

fn answer(done: &Done) -> Result<Json<Fees>, Problem> {
    let Outcome::Fees(FeeSchedule(lines)) = &done.outcome else {
        return Err(Problem::internal(
            &"fees were asked for and something else came",
        ));
    };
    Ok(Json(Fees {
        lines: lines.iter().map(Into::into).collect(),
        sequence: SequenceToken(done.sequence),
    }))
}

pub(super) async fn set(ask: Ask<MerchantId, (), Json<FeesAsked>>) -> Replied<Fees> {
    let mut lines = Vec::new();
    for line in ask.body.0.lines {
        lines.push(FeeLine {
            method: line.method.map(Into::into),
            currency: ask.app.currency(&line.currency, "/lines").await?,
            from: line.from,
            terms: Terms {
                basis_points: line.basis_points,
                fixed: line.fixed,
                least: line.least,
                most: line.most,
                kept: line.kept,
            },
        });
    }
    let command = Command::SetFees {
        merchant: ask.id,
        schedule: FeeSchedule(lines),
    };
    let done = ask.app.command(command, ask.once).await?;
    Ok(Reply::done(&done, answer(&done)?))
}

pub(super) async fn find(ask: Ask<MerchantId>) -> Replied<Fees> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindFees(ask.id)).await?;
    Ok(Reply::as_of(done.sequence, answer(&done)?))
}
