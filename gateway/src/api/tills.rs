//! What happens in a shop: the routes of charges and of printed codes.

use axum::http::StatusCode;

use super::route::Route;
use super::table::{MERCHANT, PARTIES, WALLET, refusals};
use super::{printed_code, till};

pub(super) fn routes() -> Vec<Route> {
    let groups = [charges(), printed_codes()];
    groups.into_iter().flatten().collect()
}

fn charges() -> Vec<Route> {
    vec![
        Route::post("/v1/charges", till::charge)
            .documented(
                "Tills",
                "create_charge",
                "Charge a payment code",
                "Makes an order and takes its amount from the wallet whose payment code was scanned. Above some amount, or \
                 where it looks risky, the payer is asked to confirm first (202, the order is `awaiting_payer`): query the \
                 order or wait for the webhook, and take the charge back if it lasts too long. A code pays once; what is no \
                 code is counted, and a till that scans too many must wait.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .may_wait()
            .refuses(refusals![
                amount; PaymentCodeInvalid PaymentCodeOld PaymentCodeUsed TillBlocked OrderNumberUsed MerchantNotFound MerchantFrozen
                WalletNotFound CurrencyNotHeld InsufficientFunds RiskDenied PendingTooMany
                AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/charges/reverse", till::reverse)
            .documented(
                "Tills",
                "reverse_charge",
                "Take a charge back",
                "For a till that did not hear what became of a charge, up to 24 hours later. The payer has everything back, \
                 or was never asked; a charge that did not arrive cannot arrive any more. It may be asked as often as \
                 needed.",
            )
            .for_roles(MERCHANT)
            .refuses(refusals![
                OrderNotFound NotACharge OrderRefunded ReversalTooLate MerchantBalanceTooLow OrderNumberUsed
                AccountFrozen AccountClosed AboveMaximum
            ]),
    ]
}

fn printed_codes() -> Vec<Route> {
    vec![
        Route::post("/v1/printed-codes", printed_code::create)
            .documented(
                "Tills",
                "create_printed_code",
                "Make a code to print",
                "A code that hangs at a till or lies on a table and is paid any number of times. The payer enters the amount, \
                 or pays the one that the code fixes; each payment is an order of its own.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![amount; MerchantNotFound CurrencyNotHeld PrintedCodesTooMany]),
        Route::get("/v1/printed-codes", printed_code::list)
            .documented(
                "Tills",
                "list_printed_codes",
                "A merchant's printed codes",
                "As they stand at this moment, the first first.",
            )
            .for_roles(MERCHANT)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/printed-codes/{id}", printed_code::find)
            .documented(
                "Tills",
                "get_printed_code",
                "Look a printed code up",
                "With what its picture says in both forms.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![PrintedCodeNotFound MerchantNotFound]),
        Route::get("/v1/printed-codes/{id}/code.svg", printed_code::svg)
            .documented("Tills", "get_printed_code_svg", "A printed code as SVG", "Scales to any size; for print.")
            .for_roles(PARTIES)
            .refuses(refusals![PrintedCodeNotFound MerchantNotFound]),
        Route::get("/v1/printed-codes/{id}/code.png", printed_code::png)
            .documented("Tills", "get_printed_code_png", "A printed code as PNG", "Black and white, one bit a pixel.")
            .for_roles(PARTIES)
            .refuses(refusals![PrintedCodeNotFound MerchantNotFound]),
        Route::post("/v1/printed-codes/{id}/retire", printed_code::retire)
            .documented(
                "Tills",
                "retire_printed_code",
                "Retire a printed code",
                "It cannot be paid any more, and whoever scans it is told so. Retiring a retired one changes nothing.",
            )
            .for_roles(MERCHANT)
            .refuses(refusals![PrintedCodeNotFound]),
        Route::post("/v1/printed-codes/{id}/pay", printed_code::pay)
            .documented(
                "Tills",
                "pay_printed_code",
                "Pay by a printed code",
                "From the wallet that the key speaks for. It may wait (202), as the payment of an order may.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                amount; PrintedCodeNotFound PrintedCodeRetired MerchantNotFound MerchantFrozen WalletNotFound CurrencyNotHeld
                InsufficientFunds RiskDenied PendingTooMany AccountFrozen AccountClosed AboveMaximum
            ]),
    ]
}
