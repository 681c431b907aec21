//! What merchants hear of: the bodies of webhooks.

use ledger::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::mandate::MandateShown;
use super::order::OrderShown;
use super::refund::RefundShown;
use super::wire::Time;
use crate::pay::{Owner, Topic};
use crate::store::Told;

/// Something that happened to one of a merchant's orders or mandates, as Standard Webhooks lay it out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    /// What happened: `order.paid`, `order.closed`, `order.expired`, `order.refunded`, `order.reversed`, `order.shared`,
    /// `order.share_returned`, `mandate.accepted`, `mandate.revoked` or `mandate.expired`.
    #[schema(example = "order.paid")]
    r#type: &'static str,
    /// When it happened.
    timestamp: Time,
    data: NotificationData,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct NotificationData {
    /// The order as it was right after, if it happened to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderShown>,
    /// The refund, where it was one that happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundShown>,
    /// The mandate as it was right after, if it happened to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    mandate: Option<MandateShown>,
}

impl Notification {
    fn new(topic: Topic, at: Timestamp, told: Told<'_>) -> Self {
        let data = match told {
            Told::Order(order, refund) => {
                let merchant = Owner::Merchant(order.merchant);
                NotificationData {
                    order: Some(OrderShown::to(merchant, order)),
                    refund: refund.map(|refund| RefundShown::to(merchant, order, refund)),
                    mandate: None,
                }
            }
            Told::Mandate(mandate) => {
                let merchant = Owner::Merchant(mandate.merchant);
                NotificationData {
                    mandate: Some(MandateShown::to(merchant, mandate)),
                    ..NotificationData::default()
                }
            }
        };
        Self {
            r#type: topic.name(),
            timestamp: Time(at),
            data,
        }
    }
}

/// The bytes that are sent and signed.
pub fn body(topic: Topic, at: Timestamp, told: Told<'_>) -> String {
    let notification = Notification::new(topic, at, told);
    // Strings and numbers always serialize.
    serde_json::to_string(&notification).unwrap_or_default()
}
