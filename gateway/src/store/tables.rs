//! The tables as they are declared.

use ledger::shell::{Column, Growth, Table};

pub(super) static MERCHANTS: Table = Table {
    name: "merchants",
    columns: &[
        Column::integer("merchant_no"),
        Column::blob("id"),
        Column::text("name"),
        Column::text("city"),
        Column::text("currencies"),
        Column::integer("fee_basis_points"),
        Column::integer("opened_at"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["id"],
};

pub(super) static WALLETS: Table = Table {
    name: "wallets",
    columns: &[
        Column::integer("wallet_no"),
        Column::blob("id"),
        Column::text("holder"),
        Column::text("currencies"),
        Column::integer("opened_at"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["id"],
};

pub(super) static KEYS: Table = Table {
    name: "keys",
    columns: &[
        Column::integer("key_no"),
        Column::blob("id"),
        Column::text("role"),
        Column::blob("owner").or_null(),
        Column::integer("revoked"),
        Column::integer("changed_at"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["id"],
};

pub(super) static BOOKS: Table = Table {
    name: "books",
    columns: &[
        Column::integer("book"),
        Column::blob("id"),
        Column::text("name"),
        Column::integer("offset_minutes"),
        Column::integer("opened_at"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static ENDPOINTS: Table = Table {
    name: "endpoints",
    columns: &[
        Column::blob("id"),
        Column::blob("merchant"),
        Column::text("url"),
        Column::blob("sealed_secret"),
        Column::integer("added_at"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["merchant"],
};

pub(super) static ENDPOINT_REMOVALS: Table = Table {
    name: "endpoint_removals",
    columns: &[Column::blob("id"), Column::integer("removed_at")],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static ORDERS: Table = Table {
    name: "orders",
    columns: &[
        Column::blob("id"),
        Column::integer("merchant_no"),
        Column::text("number"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::integer("decimals"),
        Column::text("description"),
        Column::text("state"),
        Column::integer("created_at"),
        Column::integer("expires_at"),
        Column::integer("wallet_no").or_null(),
        Column::integer("paid_at").or_null(),
        Column::blob("transaction_id").or_null(),
        Column::integer("fee").or_null(),
        // By which terms, in the journal's own encoding.
        Column::blob("fee_terms").or_null(),
        // With what beside the payer's money, in the journal's own encoding.
        Column::blob("breakdown").or_null(),
        Column::blob("combined_id").or_null(),
        Column::text("risk_verdict").or_null(),
        Column::integer("risk_score_ppm").or_null(),
        Column::text("risk_reasons").or_null(),
        Column::integer("rules_version").or_null(),
        Column::integer("model_version").or_null(),
        Column::integer("refunded"),
        Column::integer("fee_returned"),
        Column::integer("refunds"),
        // How it came about, if together with its payer, and what of it was passed on, in the journal's own encoding.
        Column::blob("direct").or_null(),
        Column::blob("shares").or_null(),
        Column::integer("seq"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["merchant_no, created_at", "merchant_no, number"],
};

pub(super) static REFUNDS: Table = Table {
    name: "refunds",
    columns: &[
        Column::blob("order_id"),
        Column::integer("refund_no"),
        Column::blob("id"),
        Column::text("number"),
        Column::integer("amount"),
        Column::integer("fee_returned"),
        Column::text("reason"),
        Column::integer("at"),
        Column::blob("transaction_id"),
        // How it falls on the parts of the payment, in the journal's own encoding.
        Column::blob("parts").or_null(),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static MOVEMENTS: Table = Table {
    name: "movements",
    columns: &[
        Column::integer("transaction_no"),
        Column::integer("wallet_no").or_null(),
        Column::integer("merchant_no").or_null(),
        Column::blob("order_id").or_null(),
        Column::blob("refund_id").or_null(),
        // Where two people take part, the other one.
        Column::integer("other_wallet_no").or_null(),
        Column::blob("transfer_id").or_null(),
        Column::blob("red_packet_id").or_null(),
        // Where two merchants take part, the other one.
        Column::integer("other_merchant_no").or_null(),
        Column::blob("share_id").or_null(),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static NOTIFICATIONS: Table = Table {
    name: "notifications",
    columns: &[
        Column::integer("seq"),
        Column::integer("position"),
        Column::blob("id"),
        Column::blob("endpoint"),
        Column::blob("order_id"),
        Column::text("topic"),
        Column::integer("at"),
        Column::text("body"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &["endpoint, seq, position", "id"],
};
