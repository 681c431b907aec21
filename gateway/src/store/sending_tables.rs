//! The tables of what people send each other, as they are declared.

use ledger::shell::{Column, Growth, Table};

pub(super) static TRANSFERS: Table = Table {
    name: "transfers",
    columns: &[
        Column::blob("id"),
        Column::integer("from_no"),
        Column::integer("to_no"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::integer("decimals"),
        Column::text("note"),
        Column::text("mode"),
        Column::text("state"),
        Column::integer("created_at"),
        Column::integer("expires_at").or_null(),
        Column::integer("ended_at").or_null(),
        Column::blob("decision_id"),
        // The bill of which it pays a share.
        Column::blob("bill_id").or_null(),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["from_no, id", "to_no, id"],
};

pub(super) static RED_PACKETS: Table = Table {
    name: "red_packets",
    columns: &[
        Column::blob("id"),
        Column::integer("from_no"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::text("split"),
        Column::integer("shares"),
        Column::text("greeting"),
        Column::text("state"),
        Column::integer("created_at"),
        Column::integer("expires_at").or_null(),
        Column::integer("ended_at").or_null(),
        Column::integer("returned"),
        // All of it but the claims, in the journal's own encoding.
        Column::blob("packet"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["from_no, id"],
};

/// Who may take a share: their red packets are found by this.
pub(super) static RED_PACKET_MEMBERS: Table = Table {
    name: "red_packet_members",
    columns: &[Column::integer("wallet_no"), Column::blob("packet_id")],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static RED_PACKET_CLAIMS: Table = Table {
    name: "red_packet_claims",
    columns: &[
        Column::blob("packet_id"),
        Column::integer("claim_no"),
        Column::integer("wallet_no"),
        Column::integer("amount"),
        Column::integer("at"),
        Column::blob("transaction_id"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};
