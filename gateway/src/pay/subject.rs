//! What an attempt can be about, as far as deciding on it is the same for all: an order that is paid, a transfer or a red
//! packet that is sent. Each says what it posts, and how it stands when its money waits, is held or has gone.

use std::borrow::Cow;

use ledger::{NewTransaction, Timestamp};

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
    /// What lets the money go.
    pub(super) fn posting(&self, decision: &Decision) -> NewTransaction {
        let (id, payer, amount) = (decision.id.into(), decision.wallet_no, decision.amount);
        match self {
            Self::Order(order) => {
                let parties = (payer, order.merchant_no);
                recipe::payment(id, parties, &decision.moved(), order.number.as_str())
            }
            Self::Transfer(transfer) => match transfer.mode {
                Mode::Instant => recipe::transfer(id, payer, transfer.to_no, amount),
                Mode::ToAccept => recipe::transfer_offered(id, payer, amount),
            },
            Self::RedPacket(_) => recipe::red_packet(id, payer, amount),
        }
    }

    /// Until when the payer can confirm, if it is not the time that everybody has.
    pub(super) fn confirm_by(&self) -> Option<Timestamp> {
        match self {
            Self::Order(order) => Some(order.expires_at),
            Self::Transfer(_) | Self::RedPacket(_) => None,
        }
    }

    /// Whether its money may still go. Somebody else may have paid an order meanwhile, but what a person sends is theirs.
    pub(super) fn must_be_open(&self) -> Result<(), Refusal> {
        match self {
            Self::Order(order) if order.state == OrderState::AwaitingPayer => Ok(()),
            Self::Order(order) => super::checkout::must_be_open(order),
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
        }
    }

    /// As it stands when its money has gone.
    pub(super) fn gone(self, at: Timestamp, decision: &Decision) -> Self {
        match self {
            Self::Order(order) => Self::Order(Cow::Owned(paid_with(at, order, decision))),
            Self::Transfer(transfer) => Self::Transfer(Cow::Owned(transfer.into_owned().gone(at))),
            Self::RedPacket(packet) => Self::RedPacket(Cow::Owned(packet.into_owned().opened(at))),
        }
    }

    /// What is journalled of an attempt that waits, if it changes the subject.
    pub(super) fn waits(&self) -> Option<Event> {
        match self {
            Self::Order(order) if order.state == OrderState::InReview => {
                Some(Event::OrderHeld(Order::clone(order)))
            }
            Self::Order(order) if order.state == OrderState::AwaitingPayer => {
                Some(Event::OrderAwaitsPayer(Order::clone(order)))
            }
            Self::Order(_) => None,
            Self::Transfer(_) | Self::RedPacket(_) => Some(self.changed()),
        }
    }

    /// What is journalled when the money has gone.
    pub(super) fn changed(&self) -> Event {
        match self {
            Self::Order(order) => Event::OrderPaid(Order::clone(order)),
            Self::Transfer(transfer) => Event::TransferChanged(Box::new(Transfer::clone(transfer))),
            Self::RedPacket(packet) => Event::RedPacketChanged(Box::new(RedPacket::clone(packet))),
        }
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
    };
    Order {
        state: OrderState::Paid,
        payment: Some(payment),
        ..order.into_owned()
    }
}
