//! Why a payment command is refused: a closed list with stable codes. Each code has its meaning and
//! what to do about it in the catalogue of problems.

use serde::{Deserialize, Serialize};

/// Variants are only ever added at the end: their place is their number in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    MerchantNotFound,
    WalletNotFound,
    KeyNotFound,
    EndpointNotFound,
    OrderNotFound,
    /// The id is taken by something else.
    IdTaken,
    CurrencyUnknown {
        code: String,
    },
    /// The merchant or the wallet has no account in this currency.
    CurrencyNotHeld {
        code: String,
    },
    TermsInvalid {
        what: String,
    },
    OrderPaid,
    OrderClosed,
    OrderExpired,
    OrderNotPaid,
    ExpiryInvalid,
    AmountInvalid,
    /// The payer has less than the amount.
    InsufficientFunds,
    /// The merchant's balance does not cover the refund.
    MerchantBalanceTooLow,
    RefundTooLarge {
        refundable: i64,
    },
    RefundTooLate,
    RefundsTooMany,
    ConfirmationRequired,
    RiskReview,
    RiskDenied,
    EndpointsTooMany,
    /// A rule of the ledger that payments do not expect to meet.
    Ledger(ledger::Rejection),
}

impl Refusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::MerchantNotFound => "merchant_not_found",
            Self::WalletNotFound => "wallet_not_found",
            Self::KeyNotFound => "key_not_found",
            Self::EndpointNotFound => "endpoint_not_found",
            Self::OrderNotFound => "order_not_found",
            Self::IdTaken => "id_taken",
            Self::CurrencyUnknown { .. } => "unknown_currency",
            Self::CurrencyNotHeld { .. } => "currency_not_held",
            Self::TermsInvalid { .. } => "terms_invalid",
            Self::OrderPaid => "order_already_paid",
            Self::OrderClosed => "order_closed",
            Self::OrderExpired => "order_expired",
            Self::OrderNotPaid => "order_not_paid",
            Self::ExpiryInvalid => "expiry_invalid",
            Self::AmountInvalid => "amount_invalid",
            Self::InsufficientFunds => "insufficient_funds",
            Self::MerchantBalanceTooLow => "merchant_balance_too_low",
            Self::RefundTooLarge { .. } => "refund_exceeds_paid",
            Self::RefundTooLate => "refund_too_late",
            Self::RefundsTooMany => "refunds_too_many",
            Self::ConfirmationRequired => "risk_challenge",
            Self::RiskReview => "risk_review",
            Self::RiskDenied => "risk_denied",
            Self::EndpointsTooMany => "endpoints_too_many",
            Self::Ledger(rejection) => rejection.reason.code(),
        }
    }
}

impl From<ledger::Rejection> for Refusal {
    fn from(rejection: ledger::Rejection) -> Self {
        Self::Ledger(rejection)
    }
}
