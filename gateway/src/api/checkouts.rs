//! Ways of paying beside a single order: the routes of combined orders, of mandates and billers, and of what is passed on of an order.

use axum::http::StatusCode;

use super::route::Route;
use super::table::{
    MERCHANT, MERCHANT_OR_WALLET, OPERATOR, OPERATOR_OR_MERCHANT, OPERATOR_OR_WALLET, PARTIES,
    PAYER_OR_ANALYST, WALLET, refusals,
};
use super::{biller, combined, mandate, profit_share};

pub(super) fn routes() -> Vec<Route> {
    let groups = [combined_orders(), mandates(), billers(), profit_shares()];
    groups.into_iter().flatten().collect()
}

fn mandates() -> Vec<Route> {
    vec![
        Route::post("/v1/mandates", mandate::propose)
            .documented(
                "Mandates",
                "propose_mandate",
                "Propose a mandate",
                "For a subscription or for debits that a payer allows once and for all, within bounds: for each debit, for each \
                 period, in number and in time. Whoever accepts it within a week is its payer. Its number is the merchant's own \
                 and is used once.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                UnknownCurrency CurrencyWithoutMinorUnit CurrencyNotHeld MerchantNotFound MerchantFrozen TermsInvalid
                MandateNumberUsed MandatesTooMany
            ]),
        Route::get("/v1/mandates", mandate::list)
            .documented(
                "Mandates",
                "list_mandates",
                "List mandates",
                "A merchant's, or those that a wallet has accepted, by whose key asks; the newest first.",
            )
            .for_roles(MERCHANT_OR_WALLET)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/mandates/{id}", mandate::find)
            .documented(
                "Mandates",
                "get_mandate",
                "Look a mandate up",
                "As it stands at this moment, with what was debited. A wallet may look at any proposal whose id it knows.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![MandateNotFound]),
        Route::post("/v1/mandates/{id}/accept", mandate::accept)
            .documented(
                "Mandates",
                "accept_mandate",
                "Accept a mandate",
                "The payer consents, by PIN or by a device's signature. From now on the merchant may debit within the bounds.",
            )
            .for_roles(WALLET)
            .refuses(refusals![
                MandateNotFound MandateEnded WalletNotFound MerchantFrozen CurrencyNotHeld MandatesTooMany StepUpMissing
                ProofWrong ProofOutdated PinBlocked
            ]),
        Route::post("/v1/mandates/{id}/revoke", mandate::revoke)
            .documented(
                "Mandates",
                "revoke_mandate",
                "Revoke a mandate",
                "Its payer or its merchant ends it, at any time. Nothing is debited any more; a debit that waits is not touched. \
                 Revoking what has ended changes nothing.",
            )
            .for_roles(MERCHANT_OR_WALLET)
            .refuses(refusals![MandateNotFound]),
        Route::post("/v1/mandates/{id}/debits", mandate::debit)
            .documented(
                "Mandates",
                "create_debit",
                "Debit by a mandate",
                "Makes an order and takes its amount from the payer. Where it looks risky the payer is asked first, or an \
                 analyst (202). A debit that comes to nothing does not count against the bounds.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .may_wait()
            .refuses(refusals![
                amount; MandateNotFound MandateNotAccepted MandateEnded MandateExceeded OrderNumberUsed MerchantNotFound
                MerchantFrozen WalletNotFound CurrencyNotHeld InsufficientFunds RiskDenied PendingTooMany
                AccountFrozen AccountClosed AboveMaximum
            ]),
    ]
}

fn billers() -> Vec<Route> {
    vec![
        Route::post("/v1/billers", biller::register)
            .documented(
                "Billers",
                "register_biller",
                "Register a biller",
                "A merchant that people pay by a reference, such as a utility, an office that fines or a hospital. It says how \
                 its references look, by patterns and check digits.",
            )
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                UnknownCurrency CurrencyWithoutMinorUnit CurrencyNotHeld MerchantNotFound TermsInvalid BillersTooMany
            ]),
        Route::get("/v1/billers", biller::list)
            .documented(
                "Billers",
                "list_billers",
                "List billers",
                "Those that can be paid, or those of one category; the first registered first.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/billers/{id}", biller::find)
            .documented("Billers", "get_biller", "Look a biller up", "With how its references look.")
            .for_roles(PARTIES)
            .refuses(refusals![BillerNotFound]),
        Route::get("/v1/billers/{id}/check", biller::check)
            .documented(
                "Billers",
                "check_reference",
                "Check a reference",
                "Before the payer enters an amount. It says whether the reference can be one of the biller's, not whether \
                 something is owed.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![BillerNotFound ReferenceInvalid]),
        Route::post("/v1/billers/{id}/retire", biller::retire)
            .documented(
                "Billers",
                "retire_biller",
                "Retire a biller",
                "It takes no payments any more. Retiring a retired one changes nothing.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![BillerNotFound]),
        Route::post("/v1/billers/{id}/pay", biller::pay)
            .documented(
                "Billers",
                "pay_biller",
                "Pay a biller",
                "From the wallet that the key speaks for. The order carries the reference, and so does the biller's webhook. It \
                 may wait (202), as the payment of an order may.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                amount; BillerNotFound BillerRetired ReferenceInvalid BillerAmount MerchantNotFound MerchantFrozen WalletNotFound
                CurrencyNotHeld InsufficientFunds RiskDenied PendingTooMany AccountFrozen AccountClosed AboveMaximum
            ]),
    ]
}

fn profit_shares() -> Vec<Route> {
    vec![
        Route::post("/v1/orders/{id}/shares", profit_share::create)
            .documented(
                "Payments",
                "share_order",
                "Share an order's proceeds",
                "Passes parts of a paid order on to other merchants or to wallets, all or none: up to 30 percent of what is not \
                 refunded, to up to 50, within 180 days. Its number is the merchant's own and is used once.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                UnknownCurrency CurrencyWithoutMinorUnit AmountInvalid OrderNotFound OrderNotPaid OrderRefunded OrderReversed
                MerchantFrozen MerchantNotFound WalletNotFound CurrencyNotTaken SharingInvalid SharesTooLarge SharingTooLate
                SharingNumberUsed MerchantBalanceTooLow AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/orders/{id}/shares", profit_share::list)
            .documented(
                "Payments",
                "list_order_shares",
                "List what was passed on of an order",
                "All of it, the first first, as it stands at this moment.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![OrderNotFound]),
        Route::post("/v1/orders/{id}/shares/return", profit_share::give_back)
            .documented(
                "Payments",
                "return_order_share",
                "Give a share back",
                "The one who received a share gives it back to the order's merchant, whole or in parts.",
            )
            .for_roles(MERCHANT_OR_WALLET)
            .refuses(refusals![
                amount; OrderNotFound ShareNotFound ShareReturnTooLarge InsufficientFunds AccountFrozen AccountClosed
                AboveMaximum
            ]),
        Route::get("/v1/profit-shares", profit_share::received)
            .documented(
                "Payments",
                "list_profit_shares",
                "List the shares that one received",
                "Of a merchant or of a wallet, by whose key asks; the newest first.",
            )
            .for_roles(MERCHANT_OR_WALLET)
            .refuses(refusals![CursorInvalid]),
    ]
}

fn combined_orders() -> Vec<Route> {
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
