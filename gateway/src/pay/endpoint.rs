//! Where a merchant wants to hear of what happened.

use serde::{Deserialize, Serialize};

use super::id::{EndpointId, MerchantId};
use super::key::SealedSecret;

/// What can be heard of. The name is the `type` of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    OrderPaid,
    OrderClosed,
    OrderExpired,
    OrderRefunded,
    OrderReversed,
    OrderShared,
    OrderShareReturned,
    MandateAccepted,
    MandateRevoked,
    MandateExpired,
}

impl Topic {
    pub const ALL: [Self; 10] = [
        Self::OrderPaid,
        Self::OrderClosed,
        Self::OrderExpired,
        Self::OrderRefunded,
        Self::OrderReversed,
        Self::OrderShared,
        Self::OrderShareReturned,
        Self::MandateAccepted,
        Self::MandateRevoked,
        Self::MandateExpired,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderPaid => "order.paid",
            Self::OrderClosed => "order.closed",
            Self::OrderExpired => "order.expired",
            Self::OrderRefunded => "order.refunded",
            Self::OrderReversed => "order.reversed",
            Self::OrderShared => "order.shared",
            Self::OrderShareReturned => "order.share_returned",
            Self::MandateAccepted => "mandate.accepted",
            Self::MandateRevoked => "mandate.revoked",
            Self::MandateExpired => "mandate.expired",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: EndpointId,
    pub merchant: MerchantId,
    pub url: String,
    pub secret: SealedSecret,
    pub enabled: bool,
}
