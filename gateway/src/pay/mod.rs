//! The payment rules as a pure state machine around the ledger's core.
//!
//! An order turning paid and the money moving are events of the same record: there is no moment at
//! which one is true and the other is not. Nothing here knows HTTP, SQL or a clock.
//!
//! In reading order: the words ([`id`], [`party`], [`key`], [`order`], [`endpoint`]); why a command
//! is refused ([`refusal`]); which accounts exist and how money moves between them ([`recipe`], the
//! only file that makes postings); the commands, events and outcomes ([`message`]); and the state
//! with its rules ([`state`], [`machine`], [`fee`], [`open`], [`checkout`], [`refund`], [`book`]). What people send each other: [`transfer`]s,
//! [`red_packet`]s and how they are cut ([`split`]), and [`bill`]s that they share. At a till:
//! [`charge`]s of payment codes, [`printed_code`]s, and the orders that come about by either ([`direct`]). What becomes another currency: [`quote`]s. Orders that are paid together: [`combined`]. What a payer lets a merchant take: [`mandate`]s. Whom people pay by a reference:
//! [`biller`]s, with [`check_digit`]s. What a merchant passes on of it: [`profit_share`]. What pays beside money: [`coupon`]s and [`points`], and how a payment falls into
//! parts ([`breakdown`]). Around the risk of a payment: what was decided
//! ([`decision`]), what waits for a payer or an analyst ([`pending`], [`step_up`]), and what analysts do ([`desk`]).

pub mod bill;
pub mod biller;
pub mod book;
pub mod breakdown;
pub mod charge;
pub mod check_digit;
mod checkout;
pub mod combined;
pub mod coupon;
pub mod decision;
pub mod desk;
mod desk_rules;
pub mod direct;
pub mod endpoint;
pub mod fee;
pub mod id;
pub mod key;
mod key_rules;
mod machine;
pub mod mandate;
pub mod message;
mod open;
pub mod order;
pub mod party;
pub mod pending;
pub mod points;
pub mod printed_code;
pub mod profit_share;
pub mod quote;
pub mod recipe;
pub mod red_packet;
mod refund;
pub mod refusal;
mod sending;
mod shelf;
pub mod split;
pub mod state;
pub mod step_up;
mod subject;
mod till;
pub mod transfer;
mod weight;

pub use bill::{Bill, BillState, Cut, NewBill, PayBill, Share};
pub use biller::{Biller, Billers, Category, PayBiller, ReferenceRule};
pub use book::TenantBook;
pub use breakdown::{Breakdown, Discount, Earned, Parts, Spent};
pub use charge::{GoodCode, NewCharge};
pub use check_digit::CheckDigit;
pub use checkout::ORDERS_OPEN_MAX;
pub use combined::{Combined, CombinedState, Part, PayCombined};
pub use coupon::{Coupon, CouponState, CouponsOf, Funder, Off, Uses};
pub use decision::{
    About, Decision, Evidence, Label, Resolution, Resolver, Scored, Standing, StepUp, Whence,
};
pub use desk::Desk;
pub use direct::{Direct, Scan, Till};
pub use endpoint::{Endpoint, Topic};
pub use fee::{FeeLine, FeeSchedule, Method, Terms};
pub use id::{
    BillId, BillerId, BookId, CombinedId, CouponId, DecisionId, DraftId, EndpointId, HoldName,
    KeyId, MandateId, MerchantId, MerchantNo, MessageId, OrderId, PrintedCodeId, QuoteId,
    RedPacketId, RefundId, ShareId, TransactionName, TransferId, WalletId, WalletNo,
};
pub use key::{Key, KeyTerms, Keys, Owner, RotateKey, SealedSecret, Tenant, TermsChange};
pub use mandate::{Bounds, Debited, Mandate, MandateState, NewDebit, NewMandate, Party};
pub use message::{
    ColdKey, ColdRow, Command, Event, InBook, Lookup, NewOrder, NewRefund, Outcome, Pay,
    RiskCommand, Row,
};
pub(crate) use open::ENDPOINTS_MAX;
pub use order::{Assessment, Order, OrderNumber, OrderState, Payment, Refund, Verdict};
pub use party::{CategoryCode, CodeError, CountryCode, Fee, Merchant, NewMerchant, Wallet};
pub use points::{Earning, Scheme, Spending, Using};
pub use printed_code::{PayPrinted, PrintedCode};
pub use profit_share::{NewShare, NewSharing, ProfitShare, Receiver, ReceiverNo, ReturnShare};
pub use quote::{NewQuote, Quote, QuoteState};
pub use recipe::PAYMENTS_BOOK;
pub use red_packet::{Claim, NewRedPacket, PacketState, RedPacket, Split};
pub use refusal::Refusal;
pub use state::Payments;
pub use step_up::{CheckedProof, Device, StepUps};
pub use transfer::{Mode, NewTransfer, Reply, Transfer, TransferState};
