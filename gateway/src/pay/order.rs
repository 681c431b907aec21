//! Orders, their payment and their refunds.

use std::fmt;

use fx::Money;
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::breakdown::{Breakdown, Parts};
use super::direct::Direct;
use super::fee::Terms;
use super::id::{
    CombinedId, DecisionId, MerchantId, MerchantNo, OrderId, RefundId, WalletId, WalletNo,
};
use super::profit_share::ProfitShare;

/// A merchant's own number for an order or a refund, unique with that merchant: 1 to 64 characters
/// of `0-9 A-Z a-z _ - | *`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderNumber(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a number is 1 to {} characters of 0-9 A-Z a-z _ - | *",
    OrderNumber::CHARACTERS_MAX
)]
pub struct OrderNumberError;

impl OrderNumber {
    pub const CHARACTERS_MAX: usize = 64;

    pub fn new(text: &str) -> Result<Self, OrderNumberError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte);
        let fits = (1..=Self::CHARACTERS_MAX).contains(&text.len());
        if fits && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OrderNumberError)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The only moves: open to paid, in review, closed or expired; in review to paid, closed, expired or open again; paid to
/// partly refunded to refunded. An order that came about with its payer begins awaiting the payer, in review or paid; it
/// is never open, and a charge can be reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderState {
    Open,
    Paid,
    Closed,
    Expired,
    PartlyRefunded,
    Refunded,
    /// The payer's money is on hold until an analyst has looked.
    InReview,
    /// The one who can pay it is asked to confirm.
    AwaitingPayer,
    /// The till took the charge back.
    Reversed,
}

impl OrderState {
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Paid,
        Self::Closed,
        Self::Expired,
        Self::PartlyRefunded,
        Self::Refunded,
        Self::InReview,
        Self::AwaitingPayer,
        Self::Reversed,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
            Self::InReview => "in_review",
            Self::AwaitingPayer => "awaiting_payer",
            Self::Reversed => "reversed",
        }
    }
}

/// What the fraud scorer said of an attempt: integers and codes, kept with the order for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    pub verdict: Verdict,
    pub score_ppm: u32,
    pub reasons: Vec<String>,
    pub rules_version: u32,
    pub model_version: u32,
}

impl Assessment {
    /// The reason of an assessment that the scorer had no part in.
    pub const UNAVAILABLE: &str = "scorer_unavailable";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Allow,
    /// The payer must prove who they are before it goes through.
    Challenge,
    /// A person must look before it goes through; the money is held until then.
    Review,
    Deny,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Allow, Self::Challenge, Self::Review, Self::Deny];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Review => "review",
            Self::Deny => "deny",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    pub at: Timestamp,
    pub transaction: TransactionId,
    /// What the house took of it, and by which terms.
    pub fee: Money,
    pub terms: Terms,
    pub assessment: Assessment,
    /// What it was made with beside the payer's money, and what it earned.
    pub breakdown: Option<Box<Breakdown>>,
    /// Together with which others, if with any.
    pub combined: Option<CombinedId>,
}

impl Payment {
    /// What was decided about it. Alone, its transaction has the same bits.
    pub fn decision(&self) -> DecisionId {
        match self.combined {
            Some(combined) => DecisionId(combined.0),
            None => self.transaction.into(),
        }
    }

    /// How much of each part has gone back once this much of the order's amount is refunded.
    pub fn returned(&self, amount: i64, refunded: i64) -> Parts {
        match &self.breakdown {
            Some(breakdown) => breakdown.returned(amount, refunded),
            None => Parts {
                paid: refunded,
                ..Parts::default()
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub merchant: MerchantId,
    pub merchant_no: MerchantNo,
    pub number: OrderNumber,
    pub amount: Money,
    pub description: String,
    pub state: OrderState,
    pub created_at: Timestamp,
    /// The last moment it can be paid.
    pub expires_at: Timestamp,
    pub payment: Option<Payment>,
    /// The sum of the refunds, and of the fee given back with them.
    pub refunded: i64,
    pub fee_returned: i64,
    pub refunds: u32,
    /// How it came about, if it did together with its payer.
    pub direct: Option<Box<Direct>>,
    /// What its merchant has passed on.
    pub shares: Vec<ProfitShare>,
}

impl Order {
    /// The longest an order may wait to be paid.
    pub const LIFE_SECS_MAX: u64 = 30 * 24 * 3600;
    pub const LIFE_SECS_DEFAULT: u64 = 2 * 3600;
    /// How long after payment a refund can be asked for.
    pub const REFUND_SECS_MAX: u64 = 365 * 24 * 3600;
    pub const REFUNDS_MAX: u32 = 50;

    /// What can still be refunded.
    pub fn refundable(&self) -> i64 {
        if self.payment.is_some() {
            self.amount.amount - self.refunded
        } else {
            0
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub order: OrderId,
    pub number: OrderNumber,
    pub amount: Money,
    /// The part of the fee that went back with it.
    pub fee_returned: Money,
    pub reason: String,
    pub at: Timestamp,
    pub transaction: TransactionId,
    /// How it falls on the parts of the payment, where there are more than the payer's money.
    pub parts: Option<Box<Parts>>,
}

impl Refund {
    /// Whether anything moved: not if all of it falls on a coupon of the merchant's own.
    pub fn moved(&self) -> bool {
        let nothing = |parts: &Parts| {
            let moved = [parts.paid, parts.house, parts.spent, parts.earned];
            moved.iter().all(|part| *part == 0)
        };
        !self.parts.as_deref().is_some_and(nothing)
    }
}
