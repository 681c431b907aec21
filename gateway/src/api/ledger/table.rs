//! The routes of the ledger by itself.

use axum::http::StatusCode;

use super::super::route::Route;
use super::{account, balance, book, bulk, event, exchange, hold, look, statement, transaction};
use crate::api::{checkpoint, key};
use crate::auth::Role;
use crate::problem::Code;

const OPERATOR: &[Role] = &[Role::Operator];
const TENANT: &[Role] = &[Role::Ledger];
const OPERATOR_OR_TENANT: &[Role] = &[Role::Operator, Role::Ledger];

/// How postings may be refused.
const POSTING: [Code; 23] = [
    Code::UnknownCurrency,
    Code::CurrencyWithoutMinorUnit,
    Code::CurrencyMismatch,
    Code::AmountInvalid,
    Code::AmountOutOfRange,
    Code::PostingsMissing,
    Code::PostingsTooMany,
    Code::ReferenceTooLong,
    Code::MetadataTooLarge,
    Code::SameAccount,
    Code::AccountNotFound,
    Code::AssetsDiffer,
    Code::AccountClosed,
    Code::AccountFrozen,
    Code::NothingToMove,
    Code::BelowMinimum,
    Code::AboveMaximum,
    Code::VelocityCountExceeded,
    Code::VelocityAmountExceeded,
    Code::TransactionIdReused,
    Code::EffectiveInFuture,
    Code::PeriodClosed,
    Code::TransactionNotFound,
];

macro_rules! refusals {
    ($($code:ident)*) => { &[$(Code::$code),*] };
}

pub(in crate::api) fn routes() -> Vec<Route> {
    let groups = [
        books(),
        accounts(),
        transactions(),
        holds(),
        sums(),
        files(),
    ];
    groups.into_iter().flatten().collect()
}

fn books() -> Vec<Route> {
    vec![
        Route::post("/v1/books", book::create)
            .documented(
                "Books",
                "create_book",
                "Open a book",
                "A ledger of its own for a tenant, who keeps it with keys of the role `ledger`.",
            )
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![BooksTooMany SettingsInvalid]),
        Route::get("/v1/books", book::list)
            .documented("Books", "list_books", "List the books", "All of them, in the order of opening.")
            .for_roles(OPERATOR),
        Route::post("/v1/books/{id}/keys", key::for_book)
            .documented(
                "Keys",
                "create_book_key",
                "Make a key for a book",
                "An operator makes the first one; the tenant can make more, to replace one without a pause.",
            )
            .for_roles(OPERATOR_OR_TENANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![BookNotFound KeysTooMany]),
        Route::post("/v1/books/{id}/reopened-accounts", book::reopen)
            .documented(
                "Books",
                "reopen_account",
                "Open a closed account again",
                "Closing is the tenant's affair; opening again is not.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![BookNotFound AccountNotFound]),
        Route::get("/v1/checkpoint", checkpoint::checkpoint)
            .documented(
                "Ledger",
                "get_checkpoint",
                "What the journal is, signed",
                "Rows, hashes and trial balance up to one place (C2SP tlog-checkpoint). Whoever keeps it finds later whether \
                 anything before it was changed or its end cut off: `gateway verify --checkpoint`.",
            )
            .for_roles(OPERATOR_OR_TENANT),
        Route::get("/v1/ledger/book", book::own)
            .documented("Ledger", "get_ledger_book", "The book", "The one that the key speaks for.")
            .for_roles(TENANT)
            .refuses(refusals![BookNotFound]),
        Route::post("/v1/ledger/periods", book::close_period)
            .documented(
                "Ledger",
                "close_ledger_period",
                "Close a period",
                "From now on nothing takes effect before this moment any more. This is for good.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![PeriodInvalid]),
        Route::get("/v1/ledger/events", event::events)
            .documented(
                "Ledger",
                "follow_ledger_events",
                "Follow what happens",
                "Every event of the book (`LedgerEvent`) in order and at least once, each with the balances that it led \
                 to: a JSON document on each line, or server-sent events for who accepts `text/event-stream`. The answer \
                 stays open for an hour and follows; ask again after the last `id`. Every 15 s without an event there is \
                 an empty line.",
            )
            .for_roles(TENANT),
        Route::post("/v1/ledger/classes/{id}", book::set_class)
            .documented(
                "Ledger",
                "set_ledger_class",
                "Set the velocity limits of a class",
                "A class is a tier of accounts; a new account is in class 0.",
            )
            .for_roles(TENANT)
            .refuses(refusals![VelocityInvalid]),
    ]
}

fn accounts() -> Vec<Route> {
    vec![
        Route::post("/v1/ledger/accounts", account::open)
            .documented(
                "Ledger",
                "open_ledger_accounts",
                "Open accounts",
                "All or none, each for one currency. An account that is open on the same terms stays as it is.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                UnknownCurrency CurrencyWithoutMinorUnit AccountsTooMany AccountExists AssetNotRegistered LimitsInvalid
                ReferenceTooLong MetadataTooLarge
            ]),
        Route::get("/v1/ledger/accounts", look::accounts)
            .documented(
                "Ledger",
                "list_ledger_accounts",
                "List accounts",
                "In the order of their names; of one branch of the tree, if one is named.",
            )
            .for_roles(TENANT),
        Route::get("/v1/ledger/accounts/{id}", look::account)
            .documented("Ledger", "get_ledger_account", "Look an account up", "As it stands at this moment.")
            .for_roles(TENANT)
            .refuses(refusals![AccountNotFound]),
        Route::get("/v1/ledger/accounts/{id}/statement", statement::statement)
            .documented(
                "Ledger",
                "get_ledger_statement",
                "An account's statement",
                "What it had, what happened on it, what it then has, by the time of recording or by effective date.",
            )
            .for_roles(TENANT)
            .refuses(refusals![AccountNotFound CursorInvalid]),
        Route::post("/v1/ledger/accounts/{id}", account::change)
            .documented(
                "Ledger",
                "change_ledger_account",
                "Change an account",
                "Its limits, its state, its class, its velocity limits or its description; all that is named or none.",
            )
            .for_roles(TENANT)
            .refuses(refusals![
                AccountNotFound AccountClosed LimitsInvalid VelocityInvalid ReferenceTooLong MetadataTooLarge
                BalanceNotZero HoldsOpen
            ]),
    ]
}

fn transactions() -> Vec<Route> {
    vec![
        Route::post("/v1/ledger/transactions", transaction::post)
            .documented(
                "Ledger",
                "post_ledger_transaction",
                "Post a transaction",
                "All of its postings or none. With `amounts: at_most` each moves what is there, up to its amount.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(&POSTING),
        Route::post("/v1/ledger/transactions/bulk", bulk::post)
            .documented(
                "Ledger",
                "post_ledger_transactions",
                "Post many transactions",
                "A JSON array or one on each line, up to 10,000; each for itself, or all or none. The answer has a line \
                 for each, its balances or its refusal. A retry of the whole request gives every first answer again.",
            )
            .for_roles(TENANT)
            .refuses(&POSTING)
            .refuses(refusals![TransactionsMissing]),
        Route::get("/v1/ledger/transactions", look::search)
            .documented(
                "Ledger",
                "search_ledger_transactions",
                "Search transactions",
                "By their reference or by a pair of their metadata, the newest first.",
            )
            .for_roles(TENANT)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/ledger/transactions/{id}", look::transaction)
            .documented(
                "Ledger",
                "get_ledger_transaction",
                "Look a transaction up",
                "With its postings, and with what it reverses, captures or corrects.",
            )
            .for_roles(TENANT)
            .refuses(refusals![TransactionNotFound]),
        Route::get("/v1/ledger/transactions/{id}/proof", checkpoint::proof)
            .documented(
                "Ledger",
                "prove_ledger_transaction",
                "Prove that a transaction is in the journal",
                "A signed checkpoint, the record, and the few hashes between the two; `docs/prove.py` checks it without us.",
            )
            .for_roles(TENANT)
            .refuses(refusals![TransactionNotFound]),
        Route::post("/v1/ledger/transactions/{id}/reverse", transaction::reverse)
            .documented(
                "Ledger",
                "reverse_ledger_transaction",
                "Reverse a transaction",
                "Posts its opposite, all that has not been reversed or an amount for each posting; never more than once.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(&POSTING)
            .refuses(refusals![AmountsMismatch AmountExceedsRest AmountNotPositive]),
    ]
}

fn holds() -> Vec<Route> {
    vec![
        Route::post("/v1/ledger/holds", hold::create)
            .documented(
                "Ledger",
                "create_ledger_hold",
                "Hold amounts",
                "They count against what is available until they are captured, released or expire.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(&POSTING)
            .refuses(refusals![HoldExists]),
        Route::get("/v1/ledger/holds", look::holds)
            .documented("Ledger", "list_ledger_holds", "List an account's holds", "In the order of their ids.")
            .for_roles(TENANT)
            .refuses(refusals![AccountNotFound CursorInvalid]),
        Route::get("/v1/ledger/holds/{id}", look::hold)
            .documented("Ledger", "get_ledger_hold", "Look a hold up", "With what is still held, and what was captured.")
            .for_roles(TENANT)
            .refuses(refusals![HoldNotFound]),
        Route::post("/v1/ledger/holds/{id}/capture", hold::capture)
            .documented(
                "Ledger",
                "capture_ledger_hold",
                "Capture a hold",
                "Posts all that remains, or an amount for each posting; what then remains stays on hold.",
            )
            .for_roles(TENANT)
            .answers(StatusCode::CREATED)
            .refuses(&POSTING)
            .refuses(refusals![HoldNotFound HoldCaptured HoldReleased HoldExpired AmountsMismatch AmountExceedsRest
                AmountNotPositive
            ]),
        Route::post("/v1/ledger/holds/{id}/release", hold::release)
            .documented("Ledger", "release_ledger_hold", "Release a hold", "Gives back all that it still holds.")
            .for_roles(TENANT)
            .refuses(refusals![HoldNotFound HoldCaptured HoldReleased HoldExpired]),
    ]
}

fn sums() -> Vec<Route> {
    vec![
        Route::post("/v1/ledger/balances", balance::balances)
            .documented(
                "Ledger",
                "get_ledger_balances",
                "Balances of many accounts",
                "Up to 1,000 at once, now or as of any moment. This changes nothing, so it needs no idempotency key.",
            )
            .for_roles(TENANT)
            .harmless()
            .refuses(refusals![AccountNotFound]),
        Route::get("/v1/ledger/trial-balance", balance::trial_balance)
            .documented(
                "Ledger",
                "get_ledger_trial_balance",
                "The book's trial balance",
                "Debit balances and credit balances, currency by currency, now or as of any moment. They are equal.",
            )
            .for_roles(TENANT),
        Route::get("/v1/ledger/tree", balance::tree)
            .documented(
                "Ledger",
                "get_ledger_tree",
                "The tree of accounts",
                "Every name with the sums of all below it, now or as of any moment.",
            )
            .for_roles(TENANT),
    ]
}

fn files() -> Vec<Route> {
    vec![
        Route::get("/v1/ledger/export", exchange::export)
            .documented(
                "Ledger",
                "export_ledger",
                "Export the book",
                "All of it as it stands: lines of JSON, which can be imported; a table with a row for each posting; or \
                 plain text for hledger, whose last transaction asserts the balances.",
            )
            .for_roles(TENANT)
            .refuses(refusals![BookNotFound]),
        Route::post("/v1/ledger/import", exchange::import)
            .documented(
                "Ledger",
                "import_ledger",
                "Import a book",
                "Lines of an export, up to 10,000 at a time, in their order. Ids and effective dates are kept, the time of \
                 recording is now. Each line is done once, however often it is sent; the first one that is refused ends \
                 the work and is named.",
            )
            .for_roles(TENANT)
            .harmless()
            .refuses(&POSTING)
            .refuses(refusals![
                MalformedJson AccountExists AssetNotRegistered LimitsInvalid VelocityInvalid BalanceNotZero HoldsOpen
                HoldExists HoldNotFound HoldCaptured HoldReleased HoldExpired AmountsMismatch AmountExceedsRest
                AmountNotPositive PeriodInvalid IdempotencyKeyReused IdempotencyKeyInFuture OutcomeUnknown
            ]),
    ]
}
