//! Why a payment command is refused: a closed list with stable codes. Each code has its meaning and
//! what to do about it in the catalogue of problems.

use ledger::AccountId;
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
    RiskDenied,
    EndpointsTooMany,
    /// A rule of the ledger that payments do not expect to meet.
    Ledger(ledger::Rejection),
    /// The order's payment is being looked at.
    OrderInReview,
    /// There is no such decision, or nobody waits for its end any more.
    DecisionNotPending,
    /// The payer's PIN or device did not prove anything; so many more may be tried.
    ProofWrong {
        left: u8,
    },
    PendingTooMany,
    DevicesTooMany,
    /// Who proposed it cannot approve it.
    SamePerson,
    DraftNotFound,
    DraftsTooMany,
    /// The rules have changed since the draft was made.
    DraftOutdated {
        running: u32,
    },
    VersionNotFound,
    EntryNotFound,
    EntriesTooMany,
    EntryEnded,
    ModelNotFound,
    ModelsTooMany,
    BookNotFound,
    BooksTooMany,
    /// An amount is in another currency than its account.
    CurrencyMismatch {
        account: AccountId,
        code: String,
    },
    /// There is no wallet to send to.
    PayeeNotFound,
    PayeeIsPayer,
    /// The one it is sent to has no account in this currency.
    CurrencyNotTaken {
        code: String,
    },
    /// The sender has as much under way as one may have.
    SendingTooMuch,
    TransferNotFound,
    TransferCompleted,
    TransferDeclined,
    TransferExpired,
    RedPacketNotFound,
    /// Somebody has taken a share of it before.
    RedPacketClaimed,
    RedPacketEmpty,
    RedPacketExpired,
    /// A red packet cannot be cut like this.
    SharesInvalid {
        what: String,
    },
    /// What a wallet can prove is changed only by who proves something.
    ProofNeeded,
    /// Another proof was counted meanwhile, or what the wallet can prove was changed.
    ProofOutdated,
    /// The PIN was wrong too often.
    PinBlocked,
    /// The first thing to confirm with cannot be set while payments wait for a confirmation.
    ConfirmationsPending,
    KeysTooMany,
    OrdersOpenTooMany,
    /// Nobody can pay the merchant for now.
    MerchantFrozen,
    QuoteNotFound,
    QuoteUsed,
    QuoteExpired,
    QuotesOpenTooMany,
    /// The house's position in this currency is at its limit.
    PositionReached {
        code: String,
    },
    BillNotFound,
    BillSettled,
    BillCancelled,
    BillExpired,
    /// It cannot be shared like this.
    BillInvalid {
        what: String,
    },
    BillsTooMany,
    SharePaid,
    ReminderTooSoon,
    /// It is being paid by somebody who is asked to confirm.
    OrderAwaitingPayer,
    OrderReversed,
    OrderRefunded,
    /// Only what a till charged can be reversed.
    NotACharge,
    ReversalTooLate,
    /// It is no code of any device at this moment.
    PaymentCodeInvalid,
    PaymentCodeOld,
    PaymentCodeUsed,
    /// The till, or the merchant, has scanned too many codes that were none.
    TillBlocked,
    PrintedCodeNotFound,
    PrintedCodeRetired,
    PrintedCodesTooMany,
    /// It is no prepay id of this house.
    PrepayInvalid,
    PrepayExpired,
    /// The payer has to confirm and has nothing to do it with.
    StepUpMissing,
    CouponNotFound,
    /// It is for other merchants or another currency.
    CouponNotForOrder,
    /// It has not begun, has ended or was withdrawn.
    CouponNotValid,
    CouponMinimum {
        minimum: i64,
    },
    CouponUsedUp,
    /// The payer has used it as often as one person may.
    CouponLimitReached,
    CouponsDoNotStack,
    CouponsTooMany,
    /// The house has no points for this currency.
    PointsNotTaken,
    PointsInvalid {
        what: String,
    },
    /// These orders cannot be paid together.
    CombinationInvalid {
        what: String,
    },
    CombinedNotFound,
    /// An order's proceeds cannot be shared like this.
    SharingInvalid {
        what: String,
    },
    /// More would be out than an order's merchant may pass on; so much more can be.
    SharesTooLarge {
        left: i64,
    },
    SharingTooLate,
    ShareNotFound,
    /// The receiver has less of it left.
    ShareReturnTooLarge {
        left: i64,
    },
    MandateNotFound,
    /// Nobody has accepted it yet.
    MandateNotAccepted,
    MandateEnded,
    /// A debit is beyond what the payer allowed.
    MandateExceeded {
        what: String,
    },
    MandatesTooMany,
    BillerNotFound,
    BillerRetired,
    BillersTooMany,
    /// The reference does not look as the biller's do, or its check digits do not fit.
    ReferenceInvalid {
        what: String,
    },
    /// The biller takes other amounts.
    BillerAmount {
        what: String,
    },
}

impl Refusal {
    #[expect(clippy::too_many_lines, reason = "a table of codes")]
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
            Self::RiskDenied => "risk_denied",
            Self::EndpointsTooMany => "endpoints_too_many",
            Self::Ledger(rejection) => rejection.reason.code(),
            Self::OrderInReview => "order_in_review",
            Self::DecisionNotPending => "decision_not_pending",
            Self::ProofWrong { .. } => "proof_wrong",
            Self::PendingTooMany => "pending_too_many",
            Self::DevicesTooMany => "devices_too_many",
            Self::SamePerson => "same_person",
            Self::DraftNotFound => "draft_not_found",
            Self::DraftsTooMany => "drafts_too_many",
            Self::DraftOutdated { .. } => "draft_outdated",
            Self::VersionNotFound => "version_not_found",
            Self::EntryNotFound => "entry_not_found",
            Self::EntriesTooMany => "entries_too_many",
            Self::EntryEnded => "entry_ended",
            Self::ModelNotFound => "model_not_found",
            Self::ModelsTooMany => "models_too_many",
            Self::BookNotFound => "book_not_found",
            Self::BooksTooMany => "books_too_many",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::PayeeNotFound => "payee_not_found",
            Self::PayeeIsPayer => "payee_is_payer",
            Self::CurrencyNotTaken { .. } => "currency_not_taken",
            Self::SendingTooMuch => "sending_too_much",
            Self::TransferNotFound => "transfer_not_found",
            Self::TransferCompleted => "transfer_completed",
            Self::TransferDeclined => "transfer_declined",
            Self::TransferExpired => "transfer_expired",
            Self::RedPacketNotFound => "red_packet_not_found",
            Self::RedPacketClaimed => "red_packet_claimed",
            Self::RedPacketEmpty => "red_packet_empty",
            Self::RedPacketExpired => "red_packet_expired",
            Self::SharesInvalid { .. } => "shares_invalid",
            Self::ProofNeeded => "proof_needed",
            Self::ProofOutdated => "proof_outdated",
            Self::PinBlocked => "pin_blocked",
            Self::ConfirmationsPending => "confirmations_pending",
            Self::KeysTooMany => "keys_too_many",
            Self::OrdersOpenTooMany => "orders_open_too_many",
            Self::MerchantFrozen => "merchant_frozen",
            Self::QuoteNotFound => "quote_not_found",
            Self::QuoteUsed => "quote_used",
            Self::QuoteExpired => "quote_expired",
            Self::QuotesOpenTooMany => "quotes_open_too_many",
            Self::PositionReached { .. } => "position_reached",
            Self::BillNotFound => "bill_not_found",
            Self::BillSettled => "bill_settled",
            Self::BillCancelled => "bill_cancelled",
            Self::BillExpired => "bill_expired",
            Self::BillInvalid { .. } => "bill_invalid",
            Self::BillsTooMany => "bills_too_many",
            Self::SharePaid => "share_paid",
            Self::ReminderTooSoon => "reminder_too_soon",
            Self::OrderAwaitingPayer => "order_awaiting_payer",
            Self::OrderReversed => "order_reversed",
            Self::OrderRefunded => "order_refunded",
            Self::NotACharge => "not_a_charge",
            Self::ReversalTooLate => "reversal_too_late",
            Self::PaymentCodeInvalid => "payment_code_invalid",
            Self::PaymentCodeOld => "payment_code_old",
            Self::PaymentCodeUsed => "payment_code_used",
            Self::TillBlocked => "till_blocked",
            Self::PrintedCodeNotFound => "printed_code_not_found",
            Self::PrintedCodeRetired => "printed_code_retired",
            Self::PrintedCodesTooMany => "printed_codes_too_many",
            Self::PrepayInvalid => "prepay_invalid",
            Self::PrepayExpired => "prepay_expired",
            Self::StepUpMissing => "step_up_missing",
            Self::CouponNotFound => "coupon_not_found",
            Self::CouponNotForOrder => "coupon_not_for_order",
            Self::CouponNotValid => "coupon_not_valid",
            Self::CouponMinimum { .. } => "coupon_minimum",
            Self::CouponUsedUp => "coupon_used_up",
            Self::CouponLimitReached => "coupon_limit_reached",
            Self::CouponsDoNotStack => "coupons_do_not_stack",
            Self::CouponsTooMany => "coupons_too_many",
            Self::PointsNotTaken => "points_not_taken",
            Self::PointsInvalid { .. } => "points_invalid",
            Self::CombinationInvalid { .. } => "combination_invalid",
            Self::CombinedNotFound => "combined_not_found",
            Self::SharingInvalid { .. } => "sharing_invalid",
            Self::SharesTooLarge { .. } => "shares_too_large",
            Self::SharingTooLate => "sharing_too_late",
            Self::ShareNotFound => "share_not_found",
            Self::ShareReturnTooLarge { .. } => "share_return_too_large",
            Self::MandateNotFound => "mandate_not_found",
            Self::MandateNotAccepted => "mandate_not_accepted",
            Self::MandateEnded => "mandate_ended",
            Self::MandateExceeded { .. } => "mandate_exceeded",
            Self::MandatesTooMany => "mandates_too_many",
            Self::BillerNotFound => "biller_not_found",
            Self::BillerRetired => "biller_retired",
            Self::BillersTooMany => "billers_too_many",
            Self::ReferenceInvalid { .. } => "reference_invalid",
            Self::BillerAmount { .. } => "biller_amount_invalid",
        }
    }
}

impl From<ledger::Rejection> for Refusal {
    fn from(rejection: ledger::Rejection) -> Self {
        Self::Ledger(rejection)
    }
}
