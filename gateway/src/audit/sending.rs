//! The auditor's small book of what people send each other: who moved where, what was taken, and that what is in transit
//! is the sum of all that is under way.

use std::collections::{BTreeMap, HashMap};

use fx::{Currency, Money};
use ledger::Account;
use ledger::shell::verify::Broken;

use super::expect;
use crate::pay::recipe::{PAYMENTS_BOOK, Role};
use crate::pay::{
    Claim, Event, PacketState, Payments, RedPacket, RedPacketId, Transfer, TransferId,
    TransferState,
};

#[derive(Debug, Default)]
pub(super) struct SendingAudit {
    transfers: HashMap<TransferId, (TransferState, Money)>,
    packets: HashMap<RedPacketId, Packet>,
    transit: BTreeMap<Currency, i128>,
}

#[derive(Debug)]
struct Packet {
    state: PacketState,
    left: Money,
}

impl SendingAudit {
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Broken> {
        match event {
            Event::TransferChanged(transfer) => self.transfer(transfer),
            Event::RedPacketChanged(packet) => self.packet(packet),
            Event::RedPacketClaimed { packet, claim } => self.claim(*packet, claim),
            Event::RedPacketEnded {
                packet,
                state,
                returned,
                ..
            } => self.ended(*packet, *state, *returned),
            _ => Ok(()),
        }
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<(), Broken> {
        use TransferState::{
            AwaitingConfirmation, Cancelled, Completed, Declined, Expired, InReview, Offered,
        };
        let (id, now) = (transfer.id, transfer.state);
        let seen = self.transfers.insert(id, (now, transfer.amount));
        let before = seen.map(|(before, _)| before);
        let moves = matches!(
            (before, now),
            (None, AwaitingConfirmation | InReview)
                | (
                    None | Some(AwaitingConfirmation | InReview),
                    Offered | Completed
                )
                | (Some(AwaitingConfirmation | InReview), Cancelled)
                | (Some(Offered), Completed | Declined | Expired)
        );
        let same = seen.is_none_or(|(_, amount)| amount == transfer.amount);
        expect(moves && same, || {
            let expected = format!("transfer {id} to move on from {before:?} as it may");
            (expected, format!("{transfer:?}"))
        })?;
        if now == Offered {
            self.change(transfer.amount, 1);
        } else if before == Some(Offered) {
            self.change(transfer.amount, -1);
        }
        Ok(())
    }

    fn packet(&mut self, packet: &RedPacket) -> Result<(), Broken> {
        use PacketState::{AwaitingConfirmation, Cancelled, InReview, Open};
        let (id, now) = (packet.id, packet.state);
        let left = packet.amount;
        let seen = self.packets.insert(id, Packet { state: now, left });
        let before = seen.map(|seen| seen.state);
        let moves = matches!(
            (before, now),
            (None, AwaitingConfirmation | InReview)
                | (None | Some(AwaitingConfirmation | InReview), Open)
                | (Some(AwaitingConfirmation | InReview), Cancelled)
        );
        let sum: i128 = packet.shares.iter().copied().map(i128::from).sum();
        let whole = sum == i128::from(packet.amount.amount);
        let filled = packet.shares.iter().all(|share| *share > 0);
        expect(moves && whole && filled && packet.claims.is_empty(), || {
            let expected = format!("red packet {id} to be cut exactly and to move on as it may");
            (expected, format!("{packet:?}"))
        })?;
        if now == Open {
            self.change(packet.amount, 1);
        }
        Ok(())
    }

    fn claim(&mut self, id: RedPacketId, claim: &Claim) -> Result<(), Broken> {
        let packet = self.open(id)?;
        let fits = (1..=packet.left.amount).contains(&claim.amount);
        let left = packet.left;
        expect(fits, || {
            let expected = format!("a share of the {left} left in red packet {id}");
            (expected, claim.amount.to_string())
        })?;
        packet.left.amount -= claim.amount;
        self.change(Money::new(claim.amount, left.currency), -1);
        Ok(())
    }

    fn ended(&mut self, id: RedPacketId, state: PacketState, returned: i64) -> Result<(), Broken> {
        let packet = self.open(id)?;
        let left = packet.left;
        let is_end = match state {
            PacketState::Emptied => left.amount == 0,
            PacketState::Expired => left.amount > 0,
            _ => false,
        };
        expect(is_end && returned == left.amount, || {
            let expected = format!("red packet {id} to end with {left} going back");
            (expected, format!("{} with {returned}", state.name()))
        })?;
        packet.state = state;
        self.change(left, -1);
        Ok(())
    }

    fn open(&mut self, id: RedPacketId) -> Result<&mut Packet, Broken> {
        let packet = self.packets.get_mut(&id);
        let found = packet.filter(|packet| packet.state == PacketState::Open);
        found.ok_or_else(|| {
            (
                format!("red packet {id} to be open"),
                "it is not".to_owned(),
            )
        })
    }

    fn change(&mut self, amount: Money, sign: i128) {
        let transit = self.transit.entry(amount.currency).or_default();
        *transit += sign * i128::from(amount.amount);
    }

    /// What is in transit is what is under way.
    pub(super) fn state(&self, payments: &Payments) -> Result<(), Broken> {
        for (currency, expected) in &self.transit {
            let account = Role::Transit.account(*currency);
            let account = payments.ledger().account(PAYMENTS_BOOK, account);
            let found = account.map_or(0, Account::net);
            expect(found == *expected, || {
                let what = format!("{expected} {currency} in transit, which is what is under way");
                (what, found.to_string())
            })?;
        }
        Ok(())
    }
}
