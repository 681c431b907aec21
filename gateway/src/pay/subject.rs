//! What an attempt can be about, as far as deciding on it is the same for all: an order that is paid or several together, a transfer or a red
//! packet that is sent. Each says what it posts, and how it stands when its money waits, is held or has gone.

use std::borrow::Cow;

use ledger::{NewTransaction, Timestamp};

use super::combined::{Basket, CombinedState, Part};
use super::decision::Decision;
use super::message::{Event, Outcome};
use super::order::{Order, OrderState, Payment};
use super::recipe;
use super::red_packet::{PacketState, RedPacket};
use super::refusal::Refusal;
use super::transfer::{Mode, Transfer, TransferState};

#[derive(Clone, Debug)]
pub(super) enum Subject<'a> {
    Order(Cow<'a, Order>),
    Transfer(Cow<'a, Transfer>),
    RedPacket(Cow<'a, RedPacket>),
    Combined(Box<Basket>),
}

impl<'a> From<&'a Order> for Subject<'a> {
    fn from(order: &'a Order) -> Self {
        Self::Order(Cow::Borrowed(order))
    }
}

impl<'a> From<&'a Transfer> for Subject<'a> {
    fn from(transfer: &'a Transfer) -> Self {
        Self::Transfer(Cow::Borrowed(transfer))
    }
}

impl<'a> From<&'a RedPacket> for Subject<'a> {
    fn from(packet: &'a RedPacket) -> Self {
        Self::RedPacket(Cow::Borrowed(packet))
    }
}

impl Subject<'_> {
    /// What lets the money go: one transaction, but for orders that are paid together, each of which has its own.
    pub(super) fn postings(&self, decision: &Decision) -> Vec<NewTransaction> {
        let (id, payer, amount) = (decision.id.into(), decision.wallet_no, decision.amount);
        let one = match self {
            Self::Order(order) => {
                let parties = (payer, order.merchant_no);
                recipe::payment(id, parties, &decision.moved(), order.number.as_str())
            }
            Self::Transfer(transfer) => match transfer.mode {
                Mode::Instant => recipe::transfer(id, payer, transfer.to_no, amount),
                Mode::ToAccept => recipe::transfer_offered(id, payer, amount),
            },
            Self::RedPacket(_) => recipe::red_packet(id, payer, amount),
            Self::Combined(basket) => return basket.combined.postings(),
        };
        vec![one]
    }

    /// Until when the payer can confirm, if it is not the time that everybody has.
    pub(super) fn confirm_by(&self) -> Option<Timestamp> {
        match self {
            Self::Order(order) => Some(order.expires_at),
            Self::Combined(basket) => basket.expires_at(),
            Self::Transfer(_) | Self::RedPacket(_) => None,
        }
    }

    /// Whether its money may still go. Somebody else may have paid an order meanwhile, but what a person sends is theirs.
    pub(super) fn must_be_open(&self) -> Result<(), Refusal> {
        match self {
            Self::Order(order) if order.state == OrderState::AwaitingPayer => Ok(()),
            Self::Order(order) => super::checkout::must_be_open(order),
            Self::Combined(basket) => {
                let mut orders = basket.orders.iter();
                orders.try_for_each(super::checkout::must_be_open)
            }
            Self::Transfer(_) | Self::RedPacket(_) => Ok(()),
        }
    }

    /// As it stands while its payer is asked. An order stands open, for anybody, unless it came about with its payer.
    pub(super) fn awaiting(self) -> Self {
        match self {
            Self::Order(_) => self,
            Self::Transfer(transfer) => Self::Transfer(Cow::Owned(Transfer {
                state: TransferState::AwaitingConfirmation,
                ..transfer.into_owned()
            })),
            Self::RedPacket(packet) => Self::RedPacket(Cow::Owned(RedPacket {
                state: PacketState::AwaitingConfirmation,
                ..packet.into_owned()
            })),
            Self::Combined(mut basket) => {
                basket.combined.state = CombinedState::AwaitingConfirmation;
                Self::Combined(basket)
            }
        }
    }

    /// As it stands while its money is on hold.
    pub(super) fn held(self) -> Self {
        match self {
            Self::Order(order) => Self::Order(Cow::Owned(Order {
                state: OrderState::InReview,
                ..order.into_owned()
            })),
            Self::Transfer(transfer) => Self::Transfer(Cow::Owned(Transfer {
                state: TransferState::InReview,
                ..transfer.into_owned()
            })),
            Self::RedPacket(packet) => Self::RedPacket(Cow::Owned(RedPacket {
                state: PacketState::InReview,
                ..packet.into_owned()
            })),
            Self::Combined(mut basket) => {
                basket.combined.state = CombinedState::InReview;
                for order in &mut basket.orders {
                    order.state = OrderState::InReview;
                }
                Self::Combined(basket)
            }
        }
    }

    /// As it stands when its money has gone.
    pub(super) fn gone(self, at: Timestamp, decision: &Decision) -> Self {
        match self {
            Self::Order(order) => Self::Order(Cow::Owned(paid_with(at, order, decision))),
            Self::Transfer(transfer) => Self::Transfer(Cow::Owned(transfer.into_owned().gone(at))),
            Self::RedPacket(packet) => Self::RedPacket(Cow::Owned(packet.into_owned().opened(at))),
            Self::Combined(basket) => {
                let Basket { combined, orders } = *basket;
                let paid = orders.into_iter().zip(&combined.parts);
                let orders = paid.map(|(order, part)| paid_with_others(at, order, part, decision));
                Self::Combined(Box::new(Basket {
                    orders: orders.collect(),
                    combined: combined.ended(at, CombinedState::Paid),
                }))
            }
        }
    }

    /// What is journalled of an attempt that waits, as far as it changes the subject.
    pub(super) fn waits(&self) -> Vec<Event> {
        match self {
            Self::Order(order) => waits(order).into_iter().collect(),
            Self::Transfer(_) | Self::RedPacket(_) => self.changed(),
            Self::Combined(basket) => {
                let changed = Event::CombinedChanged(Box::new(basket.combined.clone()));
                let orders = basket.orders.iter().filter_map(waits);
                std::iter::once(changed).chain(orders).collect()
            }
        }
    }

    /// What is journalled when the money has gone.
    pub(super) fn changed(&self) -> Vec<Event> {
        let one = match self {
            Self::Order(order) => Event::OrderPaid(Order::clone(order)),
            Self::Transfer(transfer) => Event::TransferChanged(Box::new(Transfer::clone(transfer))),
            Self::RedPacket(packet) => Event::RedPacketChanged(Box::new(RedPacket::clone(packet))),
            Self::Combined(basket) => {
                let changed = Event::CombinedChanged(Box::new(basket.combined.clone()));
                let orders = basket.orders.iter().cloned().map(Event::OrderPaid);
                return std::iter::once(changed).chain(orders).collect();
            }
        };
        vec![one]
    }

    /// The answer while it waits.
    pub(super) fn pending(self, decision: &Decision) -> Outcome {
        let decision = Box::new(decision.clone());
        match self {
            Self::Order(order) => Outcome::Pending {
                order: order.into_owned(),
                decision,
            },
            Self::Transfer(transfer) => Outcome::Transfer {
                transfer: Box::new(transfer.into_owned()),
                balance: None,
                decision: Some(decision),
            },
            Self::RedPacket(packet) => Outcome::RedPacket {
                packet: Box::new(packet.into_owned()),
                balance: None,
                decision: Some(decision),
            },
            Self::Combined(basket) => Outcome::Combined {
                combined: Box::new(basket.combined),
                balance: None,
                decision: Some(decision),
            },
        }
    }

    /// The answer when the money has gone, with the payer's and the payee's balances after it.
    pub(super) fn answer(self, [payer, payee]: [i128; 2]) -> Outcome {
        match self {
            Self::Order(order) => Outcome::Paid {
                order: order.into_owned(),
                wallet_balance: payer,
                merchant_balance: payee,
            },
            Self::Transfer(transfer) => Outcome::Transfer {
                transfer: Box::new(transfer.into_owned()),
                balance: Some(payer),
                decision: None,
            },
            Self::RedPacket(packet) => Outcome::RedPacket {
                packet: Box::new(packet.into_owned()),
                balance: Some(payer),
                decision: None,
            },
            Self::Combined(basket) => Outcome::Combined {
                combined: Box::new(basket.combined),
                balance: Some(payer),
                decision: None,
            },
        }
    }
}

/// The order as paid by a decision.
fn paid_with(at: Timestamp, order: Cow<'_, Order>, decision: &Decision) -> Order {
    let payment = Payment {
        wallet: decision.wallet,
        wallet_no: decision.wallet_no,
        at,
        transaction: decision.id.into(),
        fee: decision.fee,
        terms: decision.terms,
        assessment: decision.scored.assessment.clone(),
        breakdown: decision.breakdown.clone(),
        combined: None,
    };
    Order {
        state: OrderState::Paid,
        payment: Some(payment),
        ..order.into_owned()
    }
}

/// An order as paid together with others.
fn paid_with_others(at: Timestamp, order: Order, part: &Part, decision: &Decision) -> Order {
    let own = Decision {
        fee: part.fee,
        terms: part.terms,
        breakdown: part.breakdown.clone(),
        ..decision.clone()
    };
    let paid = paid_with(at, Cow::Owned(order), &own);
    let payment = paid.payment.map(|payment| Payment {
        transaction: part.transaction,
        combined: decision.about.combined(),
        ..payment
    });
    Order { payment, ..paid }
}

/// What is journalled of an order whose payment waits, if that changes it.
fn waits(order: &Order) -> Option<Event> {
    match order.state {
        OrderState::InReview => Some(Event::OrderHeld(order.clone())),
        OrderState::AwaitingPayer => Some(Event::OrderAwaitsPayer(order.clone())),
        _ => None,
    }
}
