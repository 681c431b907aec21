//! The routes of rates, quotes, conversions and the house's positions.

use axum::http::StatusCode;

use super::route::Route;
use super::table::{OPERATOR, OPERATOR_OR_WALLET, SIGNED, WALLET, refusals};
use super::{quote, rate};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/quotes", quote::create)
            .documented(
                "Exchange",
                "create_quote",
                "Lock a price",
                "Names an amount on one side and gets the other, exact, locked for a while and good for one conversion. The \
                 wallet must hold both currencies.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                amount; WalletNotFound CurrencyNotHeld QuotesOpenTooMany PositionReached SameCurrency AmountTooSmall
                RateUnknown RateStale RateDisputed AccountsTooMany
            ]),
        Route::get("/v1/quotes/{id}", quote::find)
            .documented("Exchange", "get_quote", "Look a quote up", "As it stands at this moment.")
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![QuoteNotFound]),
        Route::post("/v1/quotes/{id}/convert", quote::convert)
            .documented(
                "Exchange",
                "convert",
                "Convert at a quote",
                "The amounts of the quote move, and it is used up.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                QuoteNotFound QuoteUsed QuoteExpired PositionReached InsufficientFunds AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/rates", rate::list)
            .documented(
                "Exchange",
                "list_rates",
                "The rates",
                "What each currency costs at this moment by the source that counts, or why it has no price; and what is held \
                 back because it moved too far.",
            )
            .for_roles(SIGNED),
        Route::post("/v1/rates", rate::feed)
            .documented(
                "Exchange",
                "feed_rates",
                "Feed rates",
                "Of the treasury's desk or a stream: lines of JSON, each a price with its time. Of the European Central Bank: \
                 its files as they are, CSV or XML. A price that is not newer than what its source said before changes \
                 nothing, so a retry is harmless.",
            )
            .for_roles(OPERATOR)
            .harmless()
            .refuses(refusals![RatesInvalid]),
        Route::post("/v1/rates/held", rate::settle)
            .documented(
                "Exchange",
                "settle_held_rate",
                "Settle a held rate",
                "A price that moved too far to be believed at once is right, or is wrong.",
            )
            .for_roles(OPERATOR)
            .harmless()
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit RateSourceUnknown]),
        Route::get("/v1/positions", rate::positions)
            .documented(
                "Exchange",
                "list_positions",
                "The house's positions",
                "What the house has bought of each currency less what it has sold, what that is worth in the currency of the \
                 rates, what it earned by exchanges, and how far each position may go.",
            )
            .for_roles(OPERATOR),
        Route::post("/v1/positions/limits", rate::limit)
            .documented(
                "Exchange",
                "limit_position",
                "Limit a position",
                "How far the house's position in a currency may go, either way. What would take it further is refused, also \
                 with a quote in hand.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit AmountInvalid AccountsTooMany]),
    ]
}
