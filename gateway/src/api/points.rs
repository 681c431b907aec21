//! Schemes of points: how payments in a currency earn them, and what they are worth there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::page::page;
use super::wire::{Page, SequenceToken};
use crate::pay::{Command, Earning, Outcome, Scheme, Spending};
use crate::problem::Problem;

/// How points are earned and spent in one currency.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PointsScheme, example = json!({
    "asset": "POINTS",
    "currency": "CNY",
    "earning": {"points": 1, "per": 100},
    "spending": {"points": 100, "worth": 100, "most_basis_points": 5_000}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct SchemeShown {
    /// The registered asset that points are counted in.
    asset: String,
    /// The currency of the payments.
    currency: String,
    #[schema(inline)]
    earning: EarningShown,
    #[schema(inline)]
    spending: SpendingShown,
}

/// So many points for each full `per` minor units of the payer's money.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EarningShown {
    /// None are earned at 0.
    #[schema(minimum = 0, maximum = 1_000_000)]
    points: i64,
    #[schema(minimum = 1)]
    per: i64,
}

/// Points are spent in lots of so many, each worth so many minor units.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpendingShown {
    #[schema(minimum = 1, maximum = 1_000_000)]
    points: i64,
    #[schema(minimum = 1, maximum = 1_000_000)]
    worth: i64,
    /// The share of what coupons leave to pay that points may pay, in hundredths of a percent; at 0 none can be spent.
    #[schema(maximum = 10_000)]
    most_basis_points: u16,
}

impl From<&Scheme> for SchemeShown {
    fn from(scheme: &Scheme) -> Self {
        let (Earning { points, per }, spending) = (scheme.earning, scheme.spending);
        Self {
            asset: scheme.asset.code().to_owned(),
            currency: scheme.currency.code().to_owned(),
            earning: EarningShown { points, per },
            spending: SpendingShown {
                points: spending.points,
                worth: spending.worth,
                most_basis_points: spending.most_basis_points,
            },
        }
    }
}

/// A scheme as it was set.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PointsSchemeSet {
    scheme: SchemeShown,
    sequence: SequenceToken,
}

pub(super) async fn set(ask: Ask<(), (), Json<SchemeShown>>) -> Replied<PointsSchemeSet> {
    let Json(asked) = ask.body;
    let scheme = Scheme {
        asset: ask.app.currency(&asked.asset, "/asset").await?,
        currency: ask.app.currency(&asked.currency, "/currency").await?,
        earning: Earning {
            points: asked.earning.points,
            per: asked.earning.per,
        },
        spending: Spending {
            points: asked.spending.points,
            worth: asked.spending.worth,
            most_basis_points: asked.spending.most_basis_points,
        },
    };
    let done = ask
        .app
        .command(Command::SetScheme(scheme), ask.once)
        .await?;
    let set = schemes(&done.outcome)?.first().map(SchemeShown::from);
    let set = set.ok_or_else(|| Problem::internal(&"a scheme was set and none came back"))?;
    let sequence = SequenceToken(done.sequence);
    Ok(Reply::done(
        &done,
        Json(PointsSchemeSet {
            scheme: set,
            sequence,
        }),
    ))
}

/// There is one for each currency at most, so all fit on a page.
pub(super) async fn list(ask: Ask) -> Replied<Page<SchemeShown>> {
    let done = ask.app.ask(Command::Schemes).await?;
    let shown = schemes(&done.outcome)?.iter().map(SchemeShown::from);
    Ok(page(shown.collect(), None, done.sequence))
}

fn schemes(outcome: &Outcome) -> Result<&[Scheme], Problem> {
    match outcome {
        Outcome::Schemes(schemes) => Ok(schemes),
        _ => Err(Problem::internal(
            &"schemes were asked for and something else came",
        )),
    }
}
