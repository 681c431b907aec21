//! What pays beside money: the routes of coupons and of points.

use axum::http::StatusCode;

use super::route::Route;
use super::table::{OPERATOR, OPERATOR_OR_MERCHANT, PARTIES, refusals};
use super::{coupon, points};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/coupons", coupon::create)
            .documented(
                "Promotions",
                "create_coupon",
                "Make a coupon",
                "A merchant makes it for itself and has less of the orders that use it; an operator makes the house's, which \
                 pays the merchant. It takes off a fixed amount or a share, from a least amount of the order on, until its \
                 stock or its time is over.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                UnknownCurrency CurrencyWithoutMinorUnit CurrencyNotHeld MerchantNotFound TermsInvalid CouponsTooMany
            ]),
        Route::get("/v1/coupons", coupon::list)
            .documented(
                "Promotions",
                "list_coupons",
                "List coupons",
                "A merchant sees its own, an operator the house's or a merchant's, and a wallet those that it can use with a \
                 merchant now. The first made first.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/coupons/{id}", coupon::find)
            .documented(
                "Promotions",
                "get_coupon",
                "Look a coupon up",
                "As it stands at this moment, with how often it was used.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![CouponNotFound]),
        Route::post("/v1/coupons/{id}/withdraw", coupon::withdraw)
            .documented(
                "Promotions",
                "withdraw_coupon",
                "Withdraw a coupon",
                "No further payment can use it. One that waits with it keeps it. Withdrawing what has ended changes nothing.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![CouponNotFound]),
        Route::post("/v1/points-schemes", points::set)
            .documented(
                "Promotions",
                "set_points_scheme",
                "Set how points are earned and spent",
                "In payments of one currency, in place of the scheme before. What was paid before keeps its terms. Wallets \
                 that hold the asset earn points and can pay a part with them.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit TermsInvalid]),
        Route::get("/v1/points-schemes", points::list)
            .documented(
                "Promotions",
                "list_points_schemes",
                "How points are earned and spent",
                "One scheme for each currency that has one.",
            )
            .for_roles(PARTIES),
    ]
}
