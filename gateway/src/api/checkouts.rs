//! Ways of paying beside a single order: the routes of combined orders.

use axum::http::StatusCode;

use super::combined;
use super::route::Route;
use super::table::{OPERATOR_OR_WALLET, PAYER_OR_ANALYST, WALLET, refusals};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/combined-orders", combined::pay)
            .documented(
                "Payments",
                "pay_combined_order",
                "Pay orders of several merchants together",
                "From the wallet that the key speaks for: all of them are paid, or none. Each stays its merchant's, with a \
                 transaction and a fee of its own, and is refunded by itself. As one payment it may wait (202).",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .may_wait()
            .refuses(refusals![
                CombinationInvalid OrderNotFound OrderAlreadyPaid OrderClosed OrderExpired OrderInReview OrderAwaitingPayer
                OrderReversed WalletNotFound MerchantNotFound MerchantFrozen CurrencyNotHeld InsufficientFunds RiskDenied
                PendingTooMany AmountInvalid AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/combined-orders/{id}", combined::find)
            .documented(
                "Payments",
                "get_combined_order",
                "Look a combined order up",
                "As it stands at this moment. Its payer sees it, merchants see their own orders.",
            )
            .for_roles(PAYER_OR_ANALYST)
            .refuses(refusals![CombinedNotFound]),
        Route::get("/v1/wallets/{id}/combined-orders", combined::list)
            .documented(
                "Payments",
                "list_combined_orders",
                "A wallet's combined orders",
                "The newest first.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound CursorInvalid]),
    ]
}
