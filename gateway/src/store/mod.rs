//! The payments' tables, and what is read from them.
//!
//! All of it is a view of the journal: [`PaymentsView`] makes the rows, and everything else here only reads. The tables
//! are plain, for any SQL tool: ids are 16-byte blobs (`hex(id)` on SQLite, `encode(id, 'hex')` on PostgreSQL), times nanoseconds since 1970, amounts minor units.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `books` | tenant's book | number |
//! | `merchants`, `wallets`, `keys` | party, key | number |
//! | `endpoints`, `endpoint_removals` | webhook endpoint, and its end | id |
//! | `orders` | order, as it stands | id, which is the order of creation |
//! | `refunds` | refund | order, number |
//! | `movements` | transaction, saying whose and what for | transaction number |
//! | `transfers` | transfer, as it stands | id, which is the order of sending |
//! | `red_packets` | red packet, as it was sent or has ended | id, which is the order of sending |
//! | `red_packet_members` | person who may take a share | packet, wallet |
//! | `red_packet_claims` | share that was taken | packet, place |
//! | `quotes` | price that was locked for a wallet, as it stands | id, which is the order of quoting |
//! | `bills` | bill that people share, as it stands | id, which is the order of opening |
//! | `bill_shares` | share of a bill, and whether it is paid | wallet, bill |
//! | `combined_orders` | orders that are paid together, as that stands | id, which is the order of paying |
//! | `profit_shares` | part of an order that was passed on, as it stands | id, which is the order of sharing |
//! | `mandates` | mandate, as it stands | id, which is the order of proposing |
//! | `notifications` | message to a webhook endpoint, as it is sent | row of the journal |
//! | `decisions` | attempt to pay that was scored, as it stands | id, which is the order of attempts |
//! | `cases` | decision that analysts are shown | id |
//! | `risk_log` | thing that became of a decision | row of the journal |
//! | `labels`, `remarks` | decision that was labelled; everything said about decisions | decision, time |
//! | `desk_history` | thing that analysts changed | time |
//! | `acts` | thing that an operator or a bank did, or was refused | record of the journal |
//!
//! The ledger's own tables stand beside them (see [`ledger::shell::ledger_view`]).

pub mod act;
pub mod bill;
pub mod case;
pub mod combined;
pub mod decision;
mod decode;
pub mod mandate;
mod movement;
pub mod notification;
pub mod order;
pub mod page;
pub mod profit_share;
mod quote;
pub mod risk_log;
mod risk_tables;
mod risk_view;
pub mod sending;
mod sending_tables;
mod sending_view;
pub mod statement;
mod tables;
mod view;

pub use page::Cursor;
pub use view::{PaymentsView, Told, Wording};
