//! From events about what people send each other to rows.

use ledger::shell::{Rows, Table, Value};

use super::bill;
use super::movement::Movement;
use super::sending_tables::{RED_PACKET_CLAIMS, RED_PACKET_MEMBERS, RED_PACKETS, TRANSFERS};
use crate::pay::{
    Claim, Event, PacketState, Payments, RedPacket, RedPacketId, Transfer, TransferId,
    TransferState, WalletNo,
};

pub(super) fn tables() -> [&'static Table; 6] {
    [
        &bill::BILLS,
        &bill::BILL_SHARES,
        &TRANSFERS,
        &RED_PACKETS,
        &RED_PACKET_MEMBERS,
        &RED_PACKET_CLAIMS,
    ]
}

pub(super) fn fold(event: &Event, payments: &Payments, rows: &mut Rows) {
    match event {
        Event::BillChanged(bill) => bill::put(bill, rows),
        Event::TransferChanged(transfer) => {
            put_transfer(transfer, rows);
            if let Some(bill) = transfer.bill.and_then(|bill| payments.bill_in_memory(bill)) {
                bill::put(bill, rows);
            }
            let whose = match transfer.state {
                TransferState::Offered | TransferState::Declined | TransferState::Expired => {
                    Some((transfer.from_no, Some(transfer.to_no)))
                }
                TransferState::Completed => Some((transfer.to_no, Some(transfer.from_no))),
                // Nothing has moved.
                _ => None,
            };
            if let Some(whose) = whose {
                put_movement(payments, whose, (Some(transfer.id), None), rows);
            }
        }
        Event::TransferExtended { transfer, .. } => {
            if let Some(transfer) = payments.transfer_in_memory(*transfer) {
                put_transfer(transfer, rows);
            }
        }
        Event::RedPacketChanged(packet) => {
            put_red_packet(packet, rows);
            if packet.state == PacketState::Open {
                put_members(packet, payments, rows);
                let whose = (packet.from_no, None);
                put_movement(payments, whose, (None, Some(packet.id)), rows);
            }
        }
        Event::RedPacketClaimed { packet, claim } => {
            if let Some(packet) = payments.red_packet_in_memory(*packet) {
                put_claim(packet, claim, rows);
                let whose = (claim.wallet_no, Some(packet.from_no));
                put_movement(payments, whose, (None, Some(packet.id)), rows);
            }
        }
        Event::RedPacketEnded { packet, state, .. } => {
            if let Some(packet) = payments.red_packet_in_memory(*packet) {
                put_red_packet(packet, rows);
                if *state == PacketState::Expired {
                    let whose = (packet.from_no, None);
                    put_movement(payments, whose, (None, Some(packet.id)), rows);
                }
            }
        }
        Event::RedPacketExtended { packet, .. } => {
            if let Some(packet) = payments.red_packet_in_memory(*packet) {
                put_red_packet(packet, rows);
            }
        }
        // The others are not about what people send each other.
        _ => {}
    }
}

/// Says of the transaction just posted whose it was, who else took part, and what for.
fn put_movement(
    payments: &Payments,
    (wallet, other): (WalletNo, Option<WalletNo>),
    (transfer, packet): (Option<TransferId>, Option<RedPacketId>),
    rows: &mut Rows,
) {
    let movement = Movement {
        wallet: Some(wallet),
        other_wallet: other,
        transfer,
        red_packet: packet,
        ..Movement::default()
    };
    movement.put(payments.ledger().transactions(), rows);
}

fn put_transfer(transfer: &Transfer, rows: &mut Rows) {
    rows.put(
        &TRANSFERS,
        [
            Value::id(transfer.id.0),
            transfer.from_no.0.into(),
            transfer.to_no.0.into(),
            transfer.amount.amount.into(),
            transfer.amount.currency.code().into(),
            u32::from(transfer.amount.currency.exponent()).into(),
            transfer.note.as_str().into(),
            transfer.mode.name().into(),
            transfer.state.name().into(),
            transfer.created_at.0.into(),
            transfer.expires_at.map(|at| at.0).into(),
            transfer.ended_at.map(|at| at.0).into(),
            Value::id(transfer.decision.0),
            transfer.bill.map_or(Value::Null, |bill| Value::id(bill.0)),
        ],
    );
}

fn put_red_packet(packet: &RedPacket, rows: &mut Rows) {
    let plain = RedPacket {
        claims: Vec::new(),
        ..packet.clone()
    };
    rows.put(
        &RED_PACKETS,
        [
            Value::id(packet.id.0),
            packet.from_no.0.into(),
            packet.amount.amount.into(),
            packet.amount.currency.code().into(),
            packet.split.name().into(),
            u64::try_from(packet.shares.len())
                .unwrap_or(u64::MAX)
                .into(),
            packet.greeting.as_str().into(),
            packet.state.name().into(),
            packet.created_at.0.into(),
            packet.expires_at.map(|at| at.0).into(),
            packet.ended_at.map(|at| at.0).into(),
            packet.returned.into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(&plain).unwrap_or_default().into(),
        ],
    );
}

fn put_members(packet: &RedPacket, payments: &Payments, rows: &mut Rows) {
    let members = packet.members.iter().filter_map(|id| payments.wallet(*id));
    for member in members {
        rows.put(
            &RED_PACKET_MEMBERS,
            [member.no.0.into(), Value::id(packet.id.0)],
        );
    }
}

/// The claim just made is the packet's last.
fn put_claim(packet: &RedPacket, claim: &Claim, rows: &mut Rows) {
    rows.put(
        &RED_PACKET_CLAIMS,
        [
            Value::id(packet.id.0),
            u64::try_from(packet.claims.len())
                .unwrap_or(u64::MAX)
                .into(),
            claim.wallet_no.0.into(),
            claim.amount.into(),
            claim.at.0.into(),
            Value::id(claim.transaction.0),
        ],
    );
}
