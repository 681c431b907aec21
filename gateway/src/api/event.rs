//! What merchants hear of: the bodies of webhooks.

use ledger::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::order::OrderShown;
use super::refund::RefundShown;
use super::wire::Time;
use crate::pay::{Order, Owner, Refund, Topic};

/// Something that happened to one of a merchant's orders, as Standard Webhooks lay it out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    /// What happened: `order.paid`, `order.closed`, `order.expired`, `order.refunded` or `order.reversed`.
    #[schema(example = "order.paid")]
    r#type: &'static str,
    /// When it happened.
    timestamp: Time,
    data: NotificationData,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationData {
    /// The order as it was right after.
    order: OrderShown,
    /// The refund, where it was one that happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundShown>,
}

impl Notification {
    fn new(topic: Topic, at: Timestamp, order: &Order, refund: Option<&Refund>) -> Self {
        let merchant = Owner::Merchant(order.merchant);
        Self {
            r#type: topic.name(),
            timestamp: Time(at),
            data: NotificationData {
                order: OrderShown::to(merchant, order),
                refund: refund.map(|refund| RefundShown::to(merchant, order, refund)),
            },
        }
    }
}

/// The bytes that are sent and signed.
pub fn body(topic: Topic, at: Timestamp, order: &Order, refund: Option<&Refund>) -> String {
    let notification = Notification::new(topic, at, order, refund);
    // Strings and numbers always serialize.
    serde_json::to_string(&notification).unwrap_or_default()
}
