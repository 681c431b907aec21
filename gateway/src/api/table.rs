//! Every route there is, each with its rules and its words.

use axum::http::StatusCode;

use super::route::Route;
use super::{
    act, asset, checkouts, code, confirmation, decision, delivery, desk, endpoint, exchange, fee,
    house, key, ledger, merchant, order, payment, people, prepay, promotions, refund, scan,
    simulated, statement, step_up, tills, wallet,
};
use crate::auth::Role;
use crate::problem::Code;

pub(super) const OPERATOR: &[Role] = &[Role::Operator];
pub(super) const MERCHANT: &[Role] = &[Role::Merchant];
pub(super) const WALLET: &[Role] = &[Role::Wallet];
pub(super) const OPERATOR_OR_MERCHANT: &[Role] = &[Role::Operator, Role::Merchant];
pub(super) const OPERATOR_OR_WALLET: &[Role] = &[Role::Operator, Role::Wallet];
const OPERATOR_OR_BANK: &[Role] = &[Role::Operator, Role::Bank];
pub(super) const MERCHANT_OR_WALLET: &[Role] = &[Role::Merchant, Role::Wallet];
pub(super) const PARTIES: &[Role] = &[Role::Operator, Role::Merchant, Role::Wallet, Role::Analyst];
pub(super) const PAYER_OR_ANALYST: &[Role] = &[Role::Operator, Role::Wallet, Role::Analyst];
pub(super) const SIGNED: &[Role] = &[
    Role::Operator,
    Role::Bank,
    Role::Merchant,
    Role::Wallet,
    Role::Analyst,
];

/// Everybody who has a key.
const KEYHOLDERS: &[Role] = &[
    Role::Operator,
    Role::Bank,
    Role::Merchant,
    Role::Wallet,
    Role::Analyst,
    Role::Ledger,
];

/// How an amount in a request may be refused.
pub(super) const AMOUNT: [Code; 4] = [
    Code::UnknownCurrency,
    Code::CurrencyWithoutMinorUnit,
    Code::AmountInvalid,
    Code::AmountOutOfRange,
];

/// The ways in which a route refuses, by their names in the catalogue.
macro_rules! refusals {
    (amount; $($code:ident)*) => {{
        use crate::api::table::AMOUNT;
        &[AMOUNT[0], AMOUNT[1], AMOUNT[2], AMOUNT[3], $(crate::problem::Code::$code),*]
    }};
    ($($code:ident)*) => { &[$(crate::problem::Code::$code),*] };
}
pub(super) use refusals;

pub fn routes() -> Vec<Route> {
    let groups = [
        orders(),
        payments(),
        simulations(),
        tills::routes(),
        checkouts::routes(),
        promotions::routes(),
        people::routes(),
        exchange::routes(),
        decisions(),
        webhooks(),
        merchants(),
        wallets(),
        step_ups(),
        keys(),
        books(),
        desk::table::routes(),
        ledger::table::routes(),
        doors(),
    ];
    groups.into_iter().flatten().collect()
}

fn orders() -> Vec<Route> {
    vec![
        Route::post("/v1/orders", order::create)
            .documented(
                "Orders",
                "create_order",
                "Create an order",
                "Makes an order that can be paid once, until it expires. Its number is the merchant's own and is used \
                 once: the same number with the same content gives the same order again.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                amount; MerchantNotFound MerchantFrozen OrderNumberUsed CurrencyNotHeld ExpiryInvalid OrdersOpenTooMany
            ]),
        Route::get("/v1/orders", order::list)
            .documented(
                "Orders",
                "list_orders",
                "List orders",
                "Orders, the newest first. A merchant sees its own; an operator sees all, or those of one merchant.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![CursorInvalid OrderNotFound]),
        Route::get("/v1/orders/{id}", order::find)
            .documented(
                "Orders",
                "get_order",
                "Look an order up",
                "The order as it stands at this moment. A wallet may look up any order whose id it knows.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![OrderNotFound]),
        Route::post("/v1/orders/{id}/close", order::close)
            .documented(
                "Orders",
                "close_order",
                "Close an order",
                "An open order can no longer be paid. If its payment is in review, the money that is on hold goes back to \
                 the payer; but one that is paid together with others stays in review with them. Closing a closed order \
                 changes nothing.",
            )
            .for_roles(MERCHANT)
            .refuses(refusals![OrderNotFound OrderAlreadyPaid OrderExpired OrderReversed OrderInReview]),
        Route::get("/v1/orders/{id}/code", code::contents)
            .documented(
                "Orders",
                "get_order_code",
                "What an order's code says",
                "The link for a phone's camera and the EMVCo payload for wallets' scanners, as text.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![OrderNotFound MerchantNotFound]),
        Route::get("/v1/orders/{id}/code.svg", code::svg)
            .documented("Orders", "get_order_code_svg", "An order's code as SVG", "Scales to any size; for print.")
            .for_roles(PARTIES)
            .refuses(refusals![OrderNotFound MerchantNotFound]),
        Route::get("/v1/orders/{id}/code.png", code::png)
            .documented("Orders", "get_order_code_png", "An order's code as PNG", "Black and white, one bit a pixel.")
            .for_roles(PARTIES)
            .refuses(refusals![OrderNotFound MerchantNotFound]),
    ]
}

fn payments() -> Vec<Route> {
    vec![
        Route::post("/v1/scan", scan::scan)
            .documented(
                "Payments",
                "scan_image",
                "Find orders in a picture",
                "Reads the codes in a PNG or JPEG and looks up the orders that they name.",
            )
            .for_roles(MERCHANT_OR_WALLET)
            .harmless()
            .refuses(refusals![ImageInvalid ImageTooLarge ImageWithoutCode CodeUnknown]),
        Route::post("/v1/orders/{id}/pay", payment::pay)
            .documented(
                "Payments",
                "pay_order",
                "Pay an order",
                "Pays from the wallet that the key speaks for. The order is paid and the money has moved, or neither. \
                 Coupons and points may pay a part; a payment tells its breakdown. \
                 A payment that looks risky may wait (202): for the payer, who confirms with a PIN or a device, or for \
                 an analyst, while the money is on hold.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                OrderNotFound OrderAlreadyPaid OrderClosed OrderExpired OrderInReview OrderAwaitingPayer OrderReversed
                WalletNotFound MerchantNotFound
                MerchantFrozen CurrencyNotHeld InsufficientFunds RiskDenied PendingTooMany
                CouponNotFound CouponNotForOrder CouponNotValid CouponMinimum CouponUsedUp CouponLimitReached CouponsDoNotStack
                PointsNotTaken PointsInvalid
                AmountInvalid AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/orders/{id}/prepay", prepay::make)
            .documented(
                "Payments",
                "get_prepay",
                "A prepay id for an order",
                "For the shop's own app or Mini Program, which hands it to the payer's wallet. It is good for five minutes \
                 and cannot be made or changed by anybody; a new one can be fetched at any time.",
            )
            .for_roles(MERCHANT)
            .refuses(refusals![OrderNotFound]),
        Route::post("/v1/prepays/pay", prepay::pay)
            .documented(
                "Payments",
                "pay_prepay",
                "Pay by a prepay id",
                "From the wallet that the key speaks for. The payer always confirms, with a PIN or a device (202, with what \
                 to sign); see *Confirm a payment*.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                PrepayInvalid PrepayExpired StepUpMissing OrderNotFound OrderAlreadyPaid OrderClosed OrderExpired OrderInReview
                OrderAwaitingPayer OrderReversed WalletNotFound MerchantNotFound MerchantFrozen CurrencyNotHeld
                CouponNotFound CouponNotForOrder CouponNotValid CouponMinimum CouponUsedUp CouponLimitReached CouponsDoNotStack
                PointsNotTaken PointsInvalid
                InsufficientFunds RiskDenied PendingTooMany AmountInvalid AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/orders/{id}/refunds", refund::create)
            .documented(
                "Payments",
                "create_refund",
                "Refund an order",
                "Gives back all or a part of what was paid, up to a year after the payment. The house gives its part \
                 of the fee back too. Its number is the merchant's own and is used once.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                amount; OrderNotFound OrderNotPaid OrderReversed RefundNumberUsed RefundExceedsPaid RefundTooLate RefundsTooMany
                MerchantBalanceTooLow AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::get("/v1/orders/{id}/refunds", refund::list)
            .documented("Payments", "list_refunds", "List an order's refunds", "All of them, the first first.")
            .for_roles(PARTIES)
            .refuses(refusals![OrderNotFound]),
        Route::get("/v1/transactions/{id}", statement::explain)
            .documented(
                "Payments",
                "get_transaction",
                "Explain a transaction",
                "What moved between which accounts, in words. Whoever took part may ask.",
            )
            .for_roles(PARTIES)
            .refuses(refusals![TransactionNotFound]),
    ]
}

/// What test mode has beyond the rest.
fn simulations() -> Vec<Route> {
    vec![
        Route::post("/v1/orders/{id}/simulated-payment", simulated::pay)
            .documented(
                "Payments",
                "simulate_payment",
                "Let a simulated payer pay an order",
                "In test mode, for whoever builds a shop and has no wallet to pay from: a payer who has the money, one who has \
                 none, one who is asked to confirm, or one who takes its time. A wallet is opened for it, and the books show \
                 it all.",
            )
            .for_roles(MERCHANT)
            .may_wait()
            .refuses(refusals![
                TestModeOnly OrderNotFound OrderAlreadyPaid OrderClosed OrderExpired OrderInReview OrderAwaitingPayer
                OrderReversed MerchantNotFound MerchantFrozen InsufficientFunds RiskDenied PendingTooMany AccountsTooMany
                AmountInvalid AccountFrozen AccountClosed AboveMaximum WalletNotFound CurrencyNotHeld StepUpMissing
            ]),
    ]
}

fn webhooks() -> Vec<Route> {
    vec![
        Route::post("/v1/webhook-endpoints", endpoint::create)
            .documented(
                "Webhooks",
                "create_webhook_endpoint",
                "Add a webhook endpoint",
                "From now on it hears of what happens to the merchant's orders, signed by Standard Webhooks.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![WebhookEndpointInvalid EndpointsTooMany MerchantNotFound]),
        Route::get("/v1/webhook-endpoints", endpoint::list)
            .documented("Webhooks", "list_webhook_endpoints", "List webhook endpoints", "All of the merchant's.")
            .for_roles(MERCHANT),
        Route::delete("/v1/webhook-endpoints/{id}", endpoint::remove)
            .documented(
                "Webhooks",
                "remove_webhook_endpoint",
                "Remove a webhook endpoint",
                "It hears of nothing more, not even of what waits to be delivered.",
            )
            .for_roles(MERCHANT)
            .answers(StatusCode::NO_CONTENT)
            .refuses(refusals![EndpointNotFound]),
        Route::get("/v1/webhook-endpoints/{id}/deliveries", delivery::list)
            .documented(
                "Webhooks",
                "list_webhook_deliveries",
                "What became of webhooks",
                "The webhooks of an endpoint, the newest first, each with its last attempt.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![EndpointNotFound CursorInvalid]),
        Route::post("/v1/webhook-deliveries/{id}/replay", delivery::replay)
            .documented(
                "Webhooks",
                "replay_webhook",
                "Send a webhook once more",
                "Under the same `webhook-id`, by which the receiver knows it. Webhooks come at least once anyway, so \
                 this needs no idempotency key.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .harmless()
            .answers(StatusCode::ACCEPTED)
            .refuses(refusals![DeliveryNotFound EndpointNotFound]),
    ]
}

fn merchants() -> Vec<Route> {
    vec![
        Route::post("/v1/merchants", merchant::create)
            .documented("Merchants", "create_merchant", "Open a merchant", "With an account in each of its currencies.")
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit TermsInvalid AccountsTooMany]),
        Route::get("/v1/merchants/{id}", merchant::find)
            .documented("Merchants", "get_merchant", "Look a merchant up", "With its balances at this moment.")
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![MerchantNotFound]),
        Route::get("/v1/merchants/{id}/transactions", merchant::transactions)
            .documented(
                "Merchants",
                "list_merchant_transactions",
                "A merchant's statement",
                "What happened on its accounts, the newest first, each with the balance after it.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![MerchantNotFound CursorInvalid]),
        Route::get("/v1/merchants/{id}/fees", fee::find)
            .documented(
                "Merchants",
                "get_merchant_fees",
                "A merchant's schedule of fees",
                "As it holds for payments from now on. Each payment keeps the terms that held when it was made.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .refuses(refusals![MerchantNotFound]),
        Route::post("/v1/merchants/{id}/fees", fee::set)
            .documented(
                "Merchants",
                "set_merchant_fees",
                "Set a merchant's schedule of fees",
                "In place of the one before, by method and amount: a percentage, a fixed amount, a least and a most. What was \
                 paid before keeps its terms.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit CurrencyNotHeld MerchantNotFound TermsInvalid]),
        Route::post("/v1/merchants/{id}/keys", key::for_merchant)
            .documented(
                "Keys",
                "create_merchant_key",
                "Make a key for a merchant",
                "An operator makes the first one; the merchant can make more, to replace one without a pause.",
            )
            .for_roles(OPERATOR_OR_MERCHANT)
            .answers(StatusCode::CREATED)
            .refuses(refusals![MerchantNotFound KeysTooMany]),
    ]
}

fn wallets() -> Vec<Route> {
    vec![
        Route::post("/v1/wallets", wallet::create)
            .documented("Wallets", "create_wallet", "Open a wallet", "With an account in each of its currencies.")
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![UnknownCurrency CurrencyWithoutMinorUnit TermsInvalid AccountsTooMany]),
        Route::get("/v1/wallets/{id}", wallet::find)
            .documented("Wallets", "get_wallet", "Look a wallet up", "With its balances at this moment.")
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound]),
        Route::get("/v1/wallets/{id}/transactions", wallet::transactions)
            .documented(
                "Wallets",
                "list_wallet_transactions",
                "A wallet's statement",
                "What happened on its accounts, the newest first, each with the balance after it.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .refuses(refusals![WalletNotFound CursorInvalid]),
        Route::post("/v1/wallets/{id}/top-ups", wallet::top_up)
            .documented(
                "Wallets",
                "create_top_up",
                "Top a wallet up",
                "Says that money came in at the bank for this wallet.",
            )
            .for_roles(OPERATOR_OR_BANK)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                amount; WalletNotFound CurrencyNotHeld ReferenceTooLong AccountFrozen AccountClosed AboveMaximum
            ]),
        Route::post("/v1/wallets/{id}/keys", key::for_wallet)
            .documented(
                "Keys",
                "create_wallet_key",
                "Make a key for a wallet",
                "An operator makes the first one; the wallet can make more, to replace one without a pause.",
            )
            .for_roles(OPERATOR_OR_WALLET)
            .answers(StatusCode::CREATED)
            .refuses(refusals![WalletNotFound KeysTooMany]),
    ]
}

fn decisions() -> Vec<Route> {
    vec![
        Route::get("/v1/decisions/{id}", decision::find)
            .documented(
                "Payments",
                "get_decision",
                "Explain a decision",
                "What was decided about an attempt to pay, and how it stands. A payer sees the latter of their own, \
                 analysts and operators also score, reasons and the versions of rules and model.",
            )
            .for_roles(PAYER_OR_ANALYST)
            .refuses(refusals![DecisionNotFound]),
        Route::post("/v1/decisions/{id}/confirm", decision::confirm)
            .documented(
                "Payments",
                "confirm_payment",
                "Confirm a payment",
                "The payer proves who they are, by PIN or by a device's signature, and the payment goes through. Three \
                 wrong proofs deny it.",
            )
            .for_roles(WALLET)
            .may_wait()
            .refuses(refusals![
                DecisionNotPending ProofWrong ProofOutdated PinBlocked MerchantFrozen OrderNotFound OrderAlreadyPaid
                OrderClosed OrderExpired OrderInReview OrderReversed
                InsufficientFunds AccountFrozen AccountClosed AboveMaximum
            ]),
    ]
}

fn step_ups() -> Vec<Route> {
    vec![
        Route::get("/v1/wallets/{id}/confirmations", confirmation::list)
            .documented(
                "Wallets",
                "list_confirmations",
                "What waits for a wallet's holder",
                "Payments, transfers and red packets that the payer is asked to confirm, the first first. A phone shows them \
                 when a till has charged its payment code.",
            )
            .for_roles(WALLET)
            .refuses(refusals![WalletNotFound MerchantNotFound]),
        Route::get("/v1/wallets/{id}/step-ups", step_up::find)
            .documented(
                "Wallets",
                "get_step_ups",
                "What a wallet confirms with",
                "Whether a PIN is set, and the devices. Only the wallet's own key may ask.",
            )
            .for_roles(WALLET),
        Route::post("/v1/wallets/{id}/pin", step_up::set_pin)
            .documented(
                "Wallets",
                "set_pin",
                "Set a wallet's PIN",
                "In place of the one before. With it the payer confirms payments that look risky. Only the first PIN or \
                 device is set without a proof by what the wallet has.",
            )
            .for_roles(WALLET)
            .refuses(refusals![
                WalletNotFound PinInvalid ProofNeeded ProofWrong ProofOutdated PinBlocked ConfirmationsPending
            ]),
        Route::post("/v1/wallets/{id}/devices", step_up::add_device)
            .documented(
                "Wallets",
                "add_device",
                "Add a device to a wallet",
                "Its secret, which never leaves it, signs payments that look risky. Only the first PIN or device is set \
                 without a proof by what the wallet has.",
            )
            .for_roles(WALLET)
            .answers(StatusCode::CREATED)
            .refuses(refusals![
                WalletNotFound DevicesTooMany ProofNeeded ProofWrong ProofOutdated PinBlocked ConfirmationsPending
            ]),
        Route::post("/v1/wallets/{id}/devices/remove", step_up::remove_device)
            .documented(
                "Wallets",
                "remove_device",
                "Remove a wallet's device",
                "It confirms nothing any more. This needs a proof by what the wallet has.",
            )
            .for_roles(WALLET)
            .refuses(refusals![
                WalletNotFound KeyNotFound ProofNeeded ProofWrong ProofOutdated PinBlocked ConfirmationsPending
            ]),
        Route::post("/v1/wallets/{id}/step-ups/reset", step_up::reset)
            .documented(
                "Wallets",
                "reset_step_ups",
                "Take away what a wallet confirms with",
                "For a holder who lost it all and has proven otherwise who they are. The wallet then has no PIN and no \
                 device and can set the first one anew, but not for payments that wait already.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![WalletNotFound]),
    ]
}

fn keys() -> Vec<Route> {
    vec![
        Route::post("/v1/keys", key::for_house)
            .documented("Keys", "create_key", "Make a key for a bank, an analyst or an operator", "The house's own keys.")
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![KeysTooMany]),
        Route::get("/v1/keys", key::list)
            .documented(
                "Keys",
                "list_keys",
                "List one's keys",
                "The keys of whoever asks: those that stand, and those that were revoked last. Secrets are not shown.",
            )
            .for_roles(KEYHOLDERS),
        Route::get("/v1/keys/{id}", key::find)
            .documented(
                "Keys",
                "get_key",
                "Look a key up",
                "Whether it stands, until when, whence it may be used and how often. Everybody may look their own up, an \
                 operator any.",
            )
            .for_roles(KEYHOLDERS)
            .refuses(refusals![KeyNotFound]),
        Route::post("/v1/keys/{id}/rotate", key::rotate)
            .documented(
                "Keys",
                "rotate_key",
                "Replace a key",
                "Makes a new key for the same owner on the same terms, and lets the old one go on for a while, so that \
                 nothing stands still meanwhile. Then it is revoked. Everybody may replace their own, an operator any.",
            )
            .for_roles(KEYHOLDERS)
            .answers(StatusCode::CREATED)
            .refuses(refusals![KeyNotFound KeysTooMany]),
        Route::post("/v1/keys/{id}/networks", key::set_networks)
            .documented(
                "Keys",
                "set_key_networks",
                "Say whence a key may be used",
                "In place of what was said before. What it signs is accepted only from an address in one of these networks; \
                 with an empty list from anywhere. A key cannot shut itself out.",
            )
            .for_roles(KEYHOLDERS)
            .refuses(refusals![KeyNotFound TermsInvalid]),
        Route::post("/v1/keys/{id}/pace", key::set_pace)
            .documented(
                "Keys",
                "set_key_pace",
                "Say how often a key may be used",
                "Beyond so many requests a second it is answered `rate_limited`, with `Retry-After`. Each process of the \
                 gateway counts for itself.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![KeyNotFound TermsInvalid]),
        Route::post("/v1/keys/{id}/revoke", key::revoke)
            .documented(
                "Keys",
                "revoke_key",
                "Revoke a key",
                "From now on nothing that it signs is accepted. Everybody may revoke their own, an operator any.",
            )
            .for_roles(KEYHOLDERS)
            .refuses(refusals![KeyNotFound]),
    ]
}

fn books() -> Vec<Route> {
    vec![
        Route::post("/v1/assets", asset::register)
            .documented(
                "Books",
                "register_asset",
                "Register an asset",
                "An asset of your own, such as loyalty points, that amounts can be counted in.",
            )
            .for_roles(OPERATOR)
            .answers(StatusCode::CREATED)
            .refuses(refusals![AssetExists AssetsTooMany]),
        Route::get("/v1/acts", act::list)
            .documented(
                "Books",
                "list_acts",
                "What was done in the name of the house",
                "By operators and banks, the newest first: which key did what to what, or was refused. It is read off the \
                 journal, so nothing is done without standing here. What analysts did is in the desk's history.",
            )
            .for_roles(OPERATOR)
            .refuses(refusals![CursorInvalid]),
        Route::get("/v1/trial-balance", house::trial_balance)
            .documented(
                "Books",
                "get_trial_balance",
                "The trial balance",
                "The sums of debits and of credits over all accounts, currency by currency. They are equal, always.",
            )
            .for_roles(OPERATOR),
    ]
}

fn doors() -> Vec<Route> {
    vec![
        Route::get("/healthz", house::healthy).documented(
            "Service",
            "get_health",
            "Is the process alive?",
            "Answers as long as it is.",
        ),
        Route::get("/readyz", house::ready)
            .documented(
                "Service",
                "get_readiness",
                "Does it take commands?",
                "For load balancers.",
            )
            .refuses(refusals![NotReady]),
        Route::get("/metrics", house::metrics).documented(
            "Service",
            "get_metrics",
            "Metrics",
            "In Prometheus' text format.",
        ),
        Route::get("/openapi.json", house::openapi).documented(
            "Service",
            "get_openapi",
            "This documentation",
            "OpenAPI 3.1, made from the code.",
        ),
    ]
}
