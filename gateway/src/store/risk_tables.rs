//! The tables of decisions and of what analysts did, as they are declared.

use ledger::shell::{Column, Growth, Table};

pub(super) static DECISIONS: Table = Table {
    name: "decisions",
    columns: &[
        Column::blob("id"),
        Column::integer("at"),
        Column::blob("order_id").or_null(),
        Column::integer("merchant_no").or_null(),
        Column::integer("wallet_no"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::text("verdict"),
        Column::integer("score_ppm"),
        Column::text("standing"),
        Column::integer("rules_version"),
        Column::integer("model_version"),
        // All of it, in the journal's own encoding.
        Column::blob("decision"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["at", "wallet_no, at"],
};

/// Decisions that analysts are shown. Few of all, so that the indexes by which they are found cost little.
pub(super) static CASES: Table = Table {
    name: "cases",
    columns: &[
        Column::blob("id"),
        Column::integer("at"),
        // The money expected to be lost, in hundredths of a yuan.
        Column::integer("at_risk"),
        Column::text("standing"),
        // Who takes part, by the keys that the scorer has for them.
        Column::integer("payer"),
        Column::integer("payee").or_null(),
        Column::integer("device").or_null(),
        Column::integer("place").or_null(),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["at_risk, id", "payer", "payee", "device", "place"],
};

/// What became of decisions, in the order of the journal: what the scorer's memory is made of.
pub(super) static RISK_LOG: Table = Table {
    name: "risk_log",
    columns: &[
        Column::integer("seq"),
        Column::integer("position"),
        Column::integer("at"),
        Column::text("what"),
        Column::blob("decision_id").or_null(),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

/// What a decision turned out to be, by the last word that was said.
pub(super) static LABELS: Table = Table {
    name: "labels",
    columns: &[
        Column::blob("decision_id"),
        Column::text("label"),
        Column::blob("key_id"),
        Column::integer("at"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["at"],
};

/// Everything that was said about decisions.
pub(super) static REMARKS: Table = Table {
    name: "remarks",
    columns: &[
        Column::blob("decision_id"),
        Column::integer("at"),
        Column::text("what"),
        Column::blob("key_id"),
        Column::text("note"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

/// Everything that analysts changed, in words.
pub(super) static DESK_HISTORY: Table = Table {
    name: "desk_history",
    columns: &[
        Column::integer("at"),
        Column::text("what"),
        Column::text("subject"),
        Column::blob("key_id").or_null(),
        Column::text("note"),
        // Rules as they were published, as JSON.
        Column::text("detail").or_null(),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &["what, at"],
};
