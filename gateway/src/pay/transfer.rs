//! Transfers: money from one person's wallet to another's.
//!
//! | mode | at once | then |
//! |---|---|---|
//! | instant | completed: it is in the other wallet | |
//! | to accept | offered: it is in transit, for [`Transfer::ACCEPT_SECS`] | completed, declined or expired |
//!
//! What is declined or expired has gone back to its sender. What looks risky waits first, as payments do, and if it never
//! goes it is cancelled: then it has not left the sender's wallet.
//!
//! The transaction that ends an offer has the bits of the transfer's own id, since an offer ends once.

use fx::Money;
use ledger::{NewTransaction, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::decision::{About, Decision, Scored};
use super::id::{BillId, DecisionId, TransferId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Event, Outcome};
use super::open::not_held;
use super::recipe::{self, Role};
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

/// Whether the money is the other's at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    Instant,
    /// The other must take it.
    ToAccept,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::Instant, Self::ToAccept];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::ToAccept => "to_accept",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TransferState {
    /// The sender must prove who they are. Nothing has left the wallet.
    AwaitingConfirmation,
    /// The money is on hold in the sender's wallet until an analyst has looked.
    InReview,
    /// It waits to be accepted.
    Offered,
    Completed,
    /// The other did not want it; it has gone back.
    Declined,
    /// The other did not take it in time; it has gone back.
    Expired,
    /// It never left the sender's wallet.
    Cancelled,
}

impl TransferState {
    pub const ALL: [Self; 7] = [
        Self::AwaitingConfirmation,
        Self::InReview,
        Self::Offered,
        Self::Completed,
        Self::Declined,
        Self::Expired,
        Self::Cancelled,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::InReview => "in_review",
            Self::Offered => "offered",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub id: TransferId,
    pub from: WalletId,
    pub from_no: WalletNo,
    pub to: WalletId,
    pub to_no: WalletNo,
    pub amount: Money,
    pub note: String,
    pub mode: Mode,
    /// The bill of which it pays a share.
    pub bill: Option<BillId>,
    pub state: TransferState,
    pub created_at: Timestamp,
    /// The last moment it can be accepted, once it is offered.
    pub expires_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// What was decided when it was sent; the bits are those of the transaction in which the money left.
    pub decision: DecisionId,
}

impl Transfer {
    /// How long an offer waits to be accepted.
    pub const ACCEPT_SECS: u64 = 24 * 3600;
    /// As much as a chat shows beside an amount.
    pub const NOTE_CHARS_MAX: usize = 60;

    pub const fn is_party(&self, wallet: WalletId) -> bool {
        self.from.0 == wallet.0 || self.to.0 == wallet.0
    }

    /// Whether the one it is offered to may know of it.
    pub const fn has_left(&self) -> bool {
        matches!(
            self.state,
            TransferState::Offered
                | TransferState::Completed
                | TransferState::Declined
                | TransferState::Expired
        )
    }

    fn is_over(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| at > expires_at)
    }

    /// The transfer when its money has left the sender.
    pub(super) fn gone(self, at: Timestamp) -> Self {
        match self.mode {
            Mode::Instant => self.ended(at, TransferState::Completed),
            Mode::ToAccept => Self {
                state: TransferState::Offered,
                expires_at: Some(at.plus_secs(Self::ACCEPT_SECS)),
                ..self
            },
        }
    }

    pub(super) fn ended(self, at: Timestamp, state: TransferState) -> Self {
        Self {
            state,
            ended_at: Some(at),
            ..self
        }
    }

    pub(super) fn extended(self, expires_at: Timestamp) -> Self {
        Self {
            expires_at: Some(expires_at),
            ..self
        }
    }

    fn ending(&self) -> TransactionId {
        TransactionId(self.id.0)
    }

    /// What gives the money of an offer back.
    pub(super) fn return_posting(&self) -> NewTransaction {
        recipe::transfer_returned(self.ending(), self.from_no, self.amount)
    }
}

impl Shelved for Transfer {
    type Id = TransferId;

    fn id(&self) -> TransferId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        self.expires_at
            .filter(|_| self.state == TransferState::Offered)
    }

    fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransfer {
    pub id: TransferId,
    pub from: WalletId,
    pub to: WalletId,
    pub amount: Money,
    pub note: String,
    pub mode: Mode,
    /// The bill of which it pays a share.
    pub bill: Option<BillId>,
    pub transaction: TransactionId,
    /// Without it the transfer is checked and nothing is sent.
    pub scored: Option<Box<Scored>>,
}

/// How the one it is offered to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Accept,
    Decline,
}

impl Payments {
    pub(super) fn transfer(
        &self,
        at: Timestamp,
        new: &NewTransfer,
        events: &mut Vec<Event>,
    ) -> Decided {
        let from = self.wallets.get(&new.from).ok_or(Refusal::WalletNotFound)?;
        let to = self.wallets.get(&new.to).ok_or(Refusal::PayeeNotFound)?;
        if from.id == to.id {
            return Err(Refusal::PayeeIsPayer);
        }
        if new.amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        let currency = new.amount.currency;
        if !from.currencies.contains(&currency) {
            return Err(not_held(currency));
        }
        if !to.currencies.contains(&currency) {
            return Err(Refusal::CurrencyNotTaken {
                code: currency.code().to_owned(),
            });
        }
        self.must_have_room_to_send(from.id)?;
        let Some(scored) = &new.scored else {
            return Ok(Outcome::MaySend);
        };
        let decision = Decision::new(
            at,
            new.transaction,
            About::Transfer {
                transfer: new.id,
                to: to.id,
                to_no: to.no,
            },
            from,
            new.amount,
            scored,
        );
        let transfer = Transfer {
            id: new.id,
            from: from.id,
            from_no: from.no,
            to: to.id,
            to_no: to.no,
            amount: new.amount,
            note: new.note.clone(),
            mode: new.mode,
            bill: new.bill,
            // What it really is becomes clear with the verdict.
            state: TransferState::AwaitingConfirmation,
            created_at: at,
            expires_at: None,
            ended_at: None,
            decision: decision.id,
        };
        self.judge(at, (&transfer).into(), decision, events)
    }

    /// The one it is offered to takes it or not.
    pub(super) fn reply(
        &self,
        at: Timestamp,
        transfer: &Transfer,
        wallet: WalletId,
        reply: Reply,
        events: &mut Vec<Event>,
    ) -> Decided {
        if transfer.to != wallet {
            return Err(Refusal::TransferNotFound);
        }
        match transfer.state {
            TransferState::Offered => {}
            TransferState::Completed => return Err(Refusal::TransferCompleted),
            TransferState::Declined => return Err(Refusal::TransferDeclined),
            TransferState::Expired => return Err(Refusal::TransferExpired),
            // To whom it was never offered, it is as if it were not there.
            _ => return Err(Refusal::TransferNotFound),
        }
        let (posting, state) = match reply {
            Reply::Accept if transfer.is_over(at) => return Err(Refusal::TransferExpired),
            Reply::Accept => {
                self.must_let_out(transfer.from_no, transfer.amount.currency)?;
                let (id, amount) = (transfer.ending(), transfer.amount);
                let posting = recipe::transfer_accepted(id, transfer.to_no, amount);
                (posting, TransferState::Completed)
            }
            Reply::Decline => (transfer.return_posting(), TransferState::Declined),
        };
        let roles = [Role::Wallet(transfer.to_no), Role::Wallet(transfer.from_no)];
        let [balance, _] = self.post(at, posting, roles, transfer.amount.currency, events)?;
        let transfer = Box::new(transfer.clone().ended(at, state));
        events.push(Event::TransferChanged(transfer.clone()));
        Ok(Outcome::Transfer {
            transfer,
            balance: Some(balance),
            decision: None,
        })
    }

    /// Decides with a transfer at hand, or says that it must be brought along.
    pub(super) fn with_transfer(
        &self,
        id: TransferId,
        cold: &ledger::Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&Transfer) -> Decided,
    ) -> ledger::Answer<Outcome, ColdKey> {
        if let Some(transfer) = self.transfers.get(id) {
            return ledger::Answer::Decided(decide(transfer).into());
        }
        let key = ColdKey::Transfer(id);
        match cold.rows.get(&key) {
            Some(Some(ColdRow::Transfer(transfer))) => {
                ledger::Answer::Decided(decide(transfer).into())
            }
            Some(_) => ledger::Answer::Decided(Outcome::Refused(Refusal::TransferNotFound)),
            None => ledger::Answer::Missing(vec![key]),
        }
    }
}
