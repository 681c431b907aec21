//! Transfers and red packets, as the views hold them.

use ledger::TransactionId;
use ledger::shell::sql::{Connection, Query, Row};
use ledger::shell::{Reading, Value};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{
    BillId, Claim, DecisionId, Mode, RedPacket, RedPacketId, Transfer, TransferId, TransferState,
    WalletId, WalletNo,
};

/// Which side of what is sent somebody is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Sent,
    Received,
}

/// A transfer with the ids of both, which the table names by number.
const TRANSFER: &str = "select t.*, f.id as from_id, r.id as to_id from transfers t
    join wallets f on f.wallet_no = t.from_no
    join wallets r on r.wallet_no = t.to_no";
const PACKET: &str = "select p.packet from red_packets p";
const CLAIMS: &str = "select c.*, w.id as wallet from red_packet_claims c
    join wallets w on w.wallet_no = c.wallet_no
    where c.packet_id = $1 order by c.claim_no";

/// A wallet's transfers, the newest first. What never left its sender is nothing that the other has received.
pub async fn transfers(
    reading: &mut Reading,
    wallet: WalletNo,
    side: Option<Side>,
    slice: Slice,
) -> Result<(Vec<Transfer>, Option<Cursor>), sqlx::Error> {
    let mut transfers = Vec::new();
    if side != Some(Side::Received) {
        let mut query = Query::new(TRANSFER);
        query.push(" where t.from_no = ").push_bind(wallet.0);
        transfers.extend(page_of_transfers(reading, query, slice).await?);
    }
    if side != Some(Side::Sent) {
        let mut query = Query::new(TRANSFER);
        query.push(" where t.to_no = ").push_bind(wallet.0);
        query.push(" and t.state in ('offered', 'completed', 'declined', 'expired')");
        transfers.extend(page_of_transfers(reading, query, slice).await?);
    }
    transfers.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.id));
    Ok(slice.cut(transfers, |last| Cursor {
        list: List::Transfers,
        first: 0,
        second: last.id.0,
    }))
}

async fn page_of_transfers(
    reading: &mut Reading,
    mut query: Query,
    slice: Slice,
) -> Result<Vec<Transfer>, sqlx::Error> {
    if let Some(after) = slice.after {
        query
            .push(" and t.id < ")
            .push_bind(Value::id(after.second));
    }
    query
        .push(" order by t.id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    rows.iter().map(transfer).collect()
}

/// A wallet's red packets, the newest first: those it sent, or those it may or might have taken a share of.
pub async fn red_packets(
    reading: &mut Reading,
    wallet: WalletNo,
    side: Side,
    slice: Slice,
) -> Result<(Vec<RedPacket>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new(PACKET);
    match side {
        Side::Sent => {
            query.push(" where p.from_no = ").push_bind(wallet.0);
        }
        Side::Received => {
            query.push(" join red_packet_members m on m.packet_id = p.id where m.wallet_no = ");
            query.push_bind(wallet.0);
        }
    }
    if let Some(after) = slice.after {
        query
            .push(" and p.id < ")
            .push_bind(Value::id(after.second));
    }
    query
        .push(" order by p.id desc limit ")
        .push_bind(slice.limit());
    let mut connection = reading.connection();
    let rows = connection.all(query).await?;
    let mut packets = Vec::with_capacity(rows.len());
    for row in &rows {
        packets.push(with_claims(&mut connection, row).await?);
    }
    Ok(slice.cut(packets, |last| Cursor {
        list: List::RedPackets,
        first: 0,
        second: last.id.0,
    }))
}

/// A transfer that has left memory.
pub(super) async fn find_transfer(
    connection: &mut Connection<'_>,
    id: TransferId,
) -> Result<Option<Transfer>, sqlx::Error> {
    let mut query = Query::new(TRANSFER);
    query.push(" where t.id = ").push_bind(Value::id(id.0));
    let row = connection.first(query).await?;
    row.as_ref().map(transfer).transpose()
}

/// A red packet that has left memory, with what was taken out of it.
pub(super) async fn find_red_packet(
    connection: &mut Connection<'_>,
    id: RedPacketId,
) -> Result<Option<RedPacket>, sqlx::Error> {
    let mut query = Query::new(PACKET);
    query.push(" where p.id = ").push_bind(Value::id(id.0));
    match connection.first(query).await? {
        Some(row) => with_claims(connection, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn with_claims(connection: &mut Connection<'_>, row: &Row) -> Result<RedPacket, sqlx::Error> {
    let bytes: Vec<u8> = row.get("packet")?;
    let packet: RedPacket = postcard::from_bytes(&bytes).map_err(|_| decode::wrong("packet"))?;
    let query = Query::new(CLAIMS).bind(Value::id(packet.id.0));
    let rows = connection.all(query).await?;
    let claims: Result<Vec<Claim>, sqlx::Error> = rows.iter().map(claim).collect();
    Ok(RedPacket {
        claims: claims?,
        ..packet
    })
}

fn claim(row: &Row) -> Result<Claim, sqlx::Error> {
    Ok(Claim {
        wallet: WalletId(decode::id(row, "wallet")?),
        wallet_no: WalletNo(decode::number(row, "wallet_no")?),
        amount: decode::number(row, "amount")?,
        at: decode::time(row, "at")?,
        transaction: TransactionId(decode::id(row, "transaction_id")?),
    })
}

fn transfer(row: &Row) -> Result<Transfer, sqlx::Error> {
    let currency = decode::currency(row)?;
    let mode = decode::text(row, "mode")?;
    let state = decode::text(row, "state")?;
    let mut modes = Mode::ALL.into_iter();
    let mut states = TransferState::ALL.into_iter();
    Ok(Transfer {
        id: TransferId(decode::id(row, "id")?),
        from: WalletId(decode::id(row, "from_id")?),
        from_no: WalletNo(decode::number(row, "from_no")?),
        to: WalletId(decode::id(row, "to_id")?),
        to_no: WalletNo(decode::number(row, "to_no")?),
        amount: decode::money(row, "amount", currency)?,
        note: decode::text(row, "note")?,
        mode: modes
            .find(|known| known.name() == mode)
            .ok_or_else(|| decode::wrong("mode"))?,
        state: states
            .find(|known| known.name() == state)
            .ok_or_else(|| decode::wrong("state"))?,
        created_at: decode::time(row, "created_at")?,
        expires_at: decode::time_or_none(row, "expires_at")?,
        ended_at: decode::time_or_none(row, "ended_at")?,
        decision: DecisionId(decode::id(row, "decision_id")?),
        bill: decode::id_or_none(row, "bill_id")?.map(BillId),
    })
}
