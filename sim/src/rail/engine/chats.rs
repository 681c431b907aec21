//! What people send each other, in process.

use fx::Money;
use gateway::pay::{
    Command, Event, Mode, NewRedPacket, NewTransfer, Outcome, RedPacket, RedPacketId, Reply, Split,
    TransferId, WalletId,
};
use rand::Rng as _;

use super::super::{Answer, Chats};
use super::{EngineRail, House, unexpected, unscored};

impl House {
    /// Keeps what a gateway has in its views of what people send each other.
    pub(super) fn keep_what_is_sent(&mut self, event: &Event) {
        match event {
            Event::TransferChanged(transfer) => {
                self.transfers.insert(transfer.id, transfer.clone());
            }
            Event::RedPacketChanged(packet) => {
                self.red_packets.insert(packet.id, packet.clone());
            }
            Event::RedPacketClaimed { packet, .. } | Event::RedPacketEnded { packet, .. } => {
                let now = self.engine.machine().red_packet_in_memory(*packet);
                let now = now.cloned().map(Box::new);
                self.red_packets.extend(now.map(|now| (now.id, now)));
            }
            _ => {}
        }
    }
}

impl Chats for EngineRail {
    async fn transfer(&self, from: usize, to: usize, amount: Money, offer: bool) -> Answer<String> {
        let mut house = self.lock();
        let transaction = house.transaction();
        let new = NewTransfer {
            id: TransferId(house.ids.random()),
            from: house.person(from)?,
            to: house.person(to)?,
            amount,
            note: "as agreed".to_owned(),
            bill: None,
            mode: if offer { Mode::ToAccept } else { Mode::Instant },
            transaction,
            scored: Some(Box::new(unscored(transaction))),
        };
        match house.submit(&Command::Transfer(new), &[])? {
            Outcome::Transfer { transfer, .. } => Ok(transfer.id.to_string()),
            other => Err(unexpected(&other)),
        }
    }

    async fn reply(&self, person: usize, transfer: &str, accept: bool) -> Answer<()> {
        let mut house = self.lock();
        let command = Command::Reply {
            transfer: transfer.parse()?,
            wallet: house.person(person)?,
            reply: if accept {
                Reply::Accept
            } else {
                Reply::Decline
            },
        };
        house.submit(&command, &[])?;
        Ok(())
    }

    async fn red_packet(
        &self,
        from: usize,
        to: &[usize],
        amount: Money,
        shares: usize,
    ) -> Answer<String> {
        let mut house = self.lock();
        let transaction = house.transaction();
        let members: anyhow::Result<Vec<WalletId>> =
            to.iter().map(|person| house.person(*person)).collect();
        let new = NewRedPacket {
            id: RedPacketId(house.ids.random()),
            from: house.person(from)?,
            amount,
            split: Split::Lucky,
            shares: u16::try_from(shares)?,
            greeting: "for all of you".to_owned(),
            members: members?,
            seed: house.ids.random(),
            transaction,
            scored: Some(Box::new(unscored(transaction))),
        };
        match house.submit(&Command::RedPacket(new), &[])? {
            Outcome::RedPacket { packet, .. } => Ok(packet.id.to_string()),
            other => Err(unexpected(&other)),
        }
    }

    async fn claim(&self, person: usize, packet: &str) -> Answer<i64> {
        let mut house = self.lock();
        let command = Command::Claim {
            packet: packet.parse()?,
            wallet: house.person(person)?,
            transaction: house.transaction(),
        };
        match house.submit(&command, &[])? {
            Outcome::Claimed { claim, .. } => Ok(claim.amount),
            other => Err(unexpected(&other)),
        }
    }

    async fn wait_a_day(&self) -> bool {
        let mut house = self.lock();
        house.now = house.now.plus_secs(RedPacket::OPEN_SECS + 1);
        true
    }
}
