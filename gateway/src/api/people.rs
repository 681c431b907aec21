//! What people send each other: the routes of transfers, red packets and bills.

use axum::http::StatusCode;

use super::route::Route;
use super::table::{OPERATOR_OR_WALLET, PAYER_OR_ANALYST, WALLET, refusals};
use super::{bill, red_packet, transfer};

pub(super) fn routes() -> Vec<Route> {
    let groups = [transfers(), red_packets(), bills()];
    groups.into_iter().flatten().collect()
}

fn transfers() -> Vec<Route> {
    vec![
        Route::post("/v1/transfers", transfer::create)
            .documented(
                "People",
                "create_transfer",
                "Send money to a person",
                "From the wallet that the key speaks for to another. It is the other's at once, or waits a day to be \
                 accepted and else goes back. Like a payment it may wait first (202), if it looks risky.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .may_wait()
            .refuses(refusals![
                amount; WalletNotFound PayeeNotFound PayeeIsPayer CurrencyNotHeld CurrencyNotTaken SendingTooMuch
                InsufficientFunds RiskDenied PendingTooMany AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/transfers/{id}", transfer::find)
            .documented(
                "People",
                "get_transfer",
                "Look a transfer up",
                "As it stands at this moment. Both see it, the other from when the money has left the sender.",
            )
            .for_roles(PAYER_OR_ANALYST)
            .refuses(refusals![TransferNotFound]),
        Route::post("/v1/transfers/{id}/accept", transfer::accept)
            .documented("People", "accept_transfer", "Accept a transfer", "The money is in the wallet.")
            .for_roles(WALLET)
            .refuses(refusals![
                TransferNotFound TransferCompleted TransferDeclined TransferExpired
                AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/transfers/{id}/decline", transfer::decline)
            .documented("People", "decline_transfer", "Decline a transfer", "The money is back with its sender.")
            .for_roles(WALLET)
            .refuses(refusals![
                TransferNotFound TransferCompleted TransferDeclined TransferExpired
                AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/wallets/{id}/transfers", transfer::list)
            .documented(
                "People",
                "list_transfers",
                "A wallet's transfers",
                "Sent, received, or both, the newest first.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound CursorInvalid]),
    ]
}

fn red_packets() -> Vec<Route> {
    vec![
        Route::post("/v1/red-packets", red_packet::create)
            .documented(
                "People",
                "create_red_packet",
                "Send a red packet",
                "Money that one person, or each member of a group, can take a share of for a day; what nobody takes \
                 goes back. The shares are equal, or chance cuts them, each way to cut as likely as any other. Like a \
                 payment it may wait first (202), if it looks risky.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .may_wait()
            .refuses(refusals![
                amount; WalletNotFound PayeeNotFound PayeeIsPayer CurrencyNotHeld SharesInvalid SendingTooMuch
                InsufficientFunds RiskDenied PendingTooMany AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/red-packets/{id}", red_packet::find)
            .documented(
                "People",
                "get_red_packet",
                "Look a red packet up",
                "As it stands at this moment, with who took how much. The sender sees it, and everybody it is for.",
            )
            .for_roles(PAYER_OR_ANALYST)
            .refuses(refusals![RedPacketNotFound]),
        Route::post("/v1/red-packets/{id}/claim", red_packet::claim)
            .documented(
                "People",
                "claim_red_packet",
                "Take a share of a red packet",
                "The next share is in the wallet. Everybody takes one at most.",
            )
            .for_roles(WALLET)
            .refuses(refusals![
                RedPacketNotFound RedPacketClaimed RedPacketEmpty RedPacketExpired WalletNotFound CurrencyNotHeld
                AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/wallets/{id}/red-packets", red_packet::list)
            .documented(
                "People",
                "list_red_packets",
                "A wallet's red packets",
                "Those it sent, or those that were for it, the newest first.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound CursorInvalid]),
    ]
}

fn bills() -> Vec<Route> {
    vec![
        Route::post("/v1/bills", bill::create)
            .documented(
                "People",
                "create_bill",
                "Share a bill, or ask to be paid",
                "Says who owes the wallet how much: all alike, by weights or by what each had, to the last unit. One \
                 alone is asked for all of it. Shares can be paid for 30 days.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .refuses(refusals![amount; WalletNotFound PayeeNotFound CurrencyNotHeld BillInvalid BillsTooMany]),
        Route::get("/v1/bills/{id}", bill::find)
            .documented("People", "get_bill", "Look a bill up", "Who has paid and who owes. Everybody on it sees it.")
            .for_roles(PAYER_OR_ANALYST)
            .refuses(refusals![BillNotFound]),
        Route::post("/v1/bills/{id}/pay", bill::pay)
            .documented(
                "People",
                "pay_bill",
                "Pay one's share of a bill",
                "By an instant transfer, which may wait first (202) if it looks risky. When it is completed the share \
                 is paid, and with the last share the bill is settled.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                BillNotFound BillSettled BillCancelled BillExpired SharePaid WalletNotFound CurrencyNotHeld
                SendingTooMuch InsufficientFunds RiskDenied PendingTooMany AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/bills/{id}/remind", bill::remind)
            .documented(
                "People",
                "remind_of_bill",
                "Ask once more",
                "Counts on the bill, where those who owe see it. Once an hour at most.",
            )
            .for_roles(WALLET)
            .refuses(refusals![BillNotFound BillSettled BillCancelled BillExpired ReminderTooSoon]),
        Route::post("/v1/bills/{id}/cancel", bill::cancel)
            .documented(
                "People",
                "cancel_bill",
                "Cancel a bill",
                "No more shares of it can be paid; what was paid stays paid. Cancelling it again changes nothing.",
            )
            .for_roles(WALLET)
            .refuses(refusals![BillNotFound BillSettled BillExpired]),
        Route::get("/v1/wallets/{id}/bills", bill::list)
            .documented(
                "People",
                "list_bills",
                "A wallet's bills",
                "Those that are owed to it, or those of which it has a share, the newest first.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound CursorInvalid]),
    ]
}
