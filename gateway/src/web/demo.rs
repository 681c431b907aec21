//! Test mode: an order to try, and a customer who pays it. Pressing a button twice, or again after a failure, ends the same.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use fx::{Currency, Money};

use super::{checkout, refused};
use crate::api::once::{of_demonstration, of_order_number};
use crate::app::{App, Manner, new_id};
use crate::pay::{
    Command, Fee, MerchantId, NewMerchant, NewOrder, Order, OrderId, OrderNumber, Outcome,
};
use crate::problem::{Code, Problem};

const MERCHANT: &str = "Old Street Dumplings";
const CITY: &str = "Hangzhou";
const COUNTRY: &str = "CN";
/// Eating places and restaurants, in ISO 18245.
const CATEGORY: &str = "5812";
const FEE_BASIS_POINTS: u16 = 60;
const AMOUNT: i64 = 1250;
const DESCRIPTION: &str = "Dumplings, two baskets";

/// Makes an order of a shop that exists for this, and shows it.
pub(super) async fn order(State(app): State<Arc<App>>) -> Response {
    match new_order(&app).await {
        Ok(order) => Redirect::to(&format!("/c/{}", order.id)).into_response(),
        Err(problem) => refused(&app, &problem),
    }
}

async fn new_order(app: &App) -> Result<Order, Problem> {
    let merchant = Command::OpenMerchant(NewMerchant {
        id: MerchantId(new_id()),
        name: MERCHANT.to_owned(),
        city: CITY.to_owned(),
        country: COUNTRY.parse().ok(),
        category: CATEGORY.parse().ok(),
        currencies: vec![Currency::CNY],
        fee: Fee {
            basis_points: FEE_BASIS_POINTS,
        },
    });
    let done = app
        .command(merchant, [of_demonstration("merchant")])
        .await?;
    let Outcome::Merchant { merchant, .. } = &done.outcome else {
        return done.unexpected();
    };
    let id = new_id();
    // The last digits of an id are random.
    let number = format!("demo-{:06x}", id & 0xff_ffff);
    let number = OrderNumber::new(&number).map_err(|error| Problem::internal(&error))?;
    let once = of_order_number(merchant.id, &number, &id.to_string());
    let new = NewOrder {
        id: OrderId(id),
        merchant: merchant.id,
        number,
        amount: Money::new(AMOUNT, Currency::CNY),
        description: DESCRIPTION.to_owned(),
        life_secs: Order::LIFE_SECS_DEFAULT,
    };
    let done = app.command(Command::CreateOrder(new), [once]).await?;
    match done.outcome {
        Outcome::Order(order) => Ok(order),
        _ => done.unexpected(),
    }
}

/// Pays an order as its simulated customer, and shows what became of it.
pub(super) async fn pay(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let order = match checkout::find(&app, &id).await {
        Ok(order) => order,
        Err(problem) => return checkout::not_shown(&app, &problem),
    };
    match pay_order(&app, &order).await {
        Ok(()) => Redirect::to(&format!("/c/{id}")).into_response(),
        // Whatever happened to the order meanwhile, its page tells it.
        Err(problem) if problem.code == Code::Internal => refused(&app, &problem),
        Err(problem) => checkout::show(&app, &id, Some(problem.code.title())).await,
    }
}

async fn pay_order(app: &App, order: &Order) -> Result<(), Problem> {
    let once = of_demonstration(&format!("pay {}", order.id));
    app.pay_simulated(order, Manner::Ready, once).await?;
    Ok(())
}
