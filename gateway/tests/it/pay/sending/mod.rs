//! What people send each other: stories, a naive second implementation that must agree, and races for the last moment.

mod bill;
mod model;
mod property;
mod races;
mod story;

use fx::Money;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::{
    Command, KeyId, Mode, NewRedPacket, NewTransfer, Outcome, RedPacketId, Reply, RiskCommand,
    Split, TransferId, WalletId, desk,
};
use ledger::TransactionId;

use super::world::{World, scored};

pub(super) use races::{approach, races};

/// A red packet as somebody thinks of it.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub from: u128,
    pub amount: Money,
    pub split: Split,
    pub shares: u16,
    pub to: Vec<u128>,
}

impl World {
    /// Sends a transfer, and says under which id it was decided; its own id is the same number.
    pub(super) fn transfer(
        &mut self,
        (from, to): (u128, u128),
        amount: Money,
        mode: Mode,
        risk: Risk,
    ) -> (u128, Outcome) {
        let transaction = self.transaction();
        let new = NewTransfer {
            id: own_id(transaction),
            from: WalletId(from),
            to: WalletId(to),
            amount,
            note: "for the tickets".to_owned(),
            mode,
            bill: None,
            transaction,
            scored: Some(Box::new(scored(transaction, risk))),
        };
        let outcome = self.ask(Command::Transfer(new), Vec::new());
        (transaction.0, outcome)
    }

    pub(super) fn reply(&mut self, sent: u128, wallet: u128, reply: Reply) -> Outcome {
        let command = Command::Reply {
            transfer: own_id(TransactionId(sent)),
            wallet: WalletId(wallet),
            reply,
        };
        self.ask(command, Vec::new())
    }

    pub(super) fn red_packet(&mut self, packet: &Packet, risk: Risk) -> (u128, Outcome) {
        let transaction = self.transaction();
        let mut seed = [0; 32];
        seed[16..].copy_from_slice(&transaction.0.to_be_bytes());
        let new = NewRedPacket {
            id: RedPacketId(own_id(transaction).0),
            from: WalletId(packet.from),
            amount: packet.amount,
            split: packet.split,
            shares: packet.shares,
            greeting: "happy new year".to_owned(),
            members: packet.to.iter().copied().map(WalletId).collect(),
            seed,
            transaction,
            scored: Some(Box::new(scored(transaction, risk))),
        };
        let outcome = self.ask(Command::RedPacket(new), Vec::new());
        (transaction.0, outcome)
    }

    pub(super) fn claim(&mut self, sent: u128, wallet: u128) -> Outcome {
        let command = Command::Claim {
            packet: RedPacketId(own_id(TransactionId(sent)).0),
            wallet: WalletId(wallet),
            transaction: self.transaction(),
        };
        self.ask(command, Vec::new())
    }

    pub(super) fn freeze(&mut self, wallet: u128, frozen: bool) -> Outcome {
        let command = desk::Command::Freeze {
            who: desk::Party::Wallet(WalletId(wallet)),
            frozen,
            by: KeyId(1),
            note: "a call from the bank".to_owned(),
        };
        self.ask(Command::Risk(RiskCommand::Desk(command)), Vec::new())
    }

    pub(super) fn find_transfer(&mut self, sent: u128) -> gateway::pay::Transfer {
        let id = own_id(TransactionId(sent));
        match self.ask(Command::FindTransfer(id), Vec::new()) {
            Outcome::Transfer { transfer, .. } => *transfer,
            other => panic!("no transfer: {other:?}"),
        }
    }

    pub(super) fn find_red_packet(&mut self, sent: u128) -> gateway::pay::RedPacket {
        let id = RedPacketId(own_id(TransactionId(sent)).0);
        match self.ask(Command::FindRedPacket(id), Vec::new()) {
            Outcome::RedPacket { packet, .. } => *packet,
            other => panic!("no red packet: {other:?}"),
        }
    }
}

/// Ids of things and of transactions are different numbers; here they follow from each other.
fn own_id(transaction: TransactionId) -> TransferId {
    TransferId(transaction.0 | 1 << 100)
}

/// The code of a refusal, or "ok".
fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Refused(refusal) => refusal.code(),
        _ => super::model::OK,
    }
}
