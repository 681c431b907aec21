//! Red packets: money that one person or the members of a group may take, each one share.
//!
//! | state | what | then |
//! |---|---|---|
//! | awaiting confirmation, in review | as with a transfer, nothing has left yet | open or cancelled |
//! | open | whoever may claims the next share, for [`RedPacket::OPEN_SECS`] | emptied or expired |
//! | emptied | every share is taken | |
//! | expired | what nobody took has gone back to the sender | |
//!
//! How it is cut is settled when it is sent ([`super::split`]): the first to claim gets the first share. The cut and its
//! seed are in the journal, and nobody outside sees them before the packet has ended; but a digest of the seed is
//! told at once, so that the cut can be checked then.
//!
//! The transaction that gives the rest back has the bits of the packet's own id, since a packet ends once.

use fx::{Currency, Money};
use ledger::{NewTransaction, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::decision::{About, Decision, Scored};
use super::id::{DecisionId, RedPacketId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Event, Outcome};
use super::open::not_held;
use super::recipe::{self, Role};
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::split::{self, Seed};
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Split {
    /// All shares are equal.
    Fixed,
    /// Chance cuts it.
    Lucky,
}

impl Split {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Lucky => "lucky",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PacketState {
    AwaitingConfirmation,
    InReview,
    Open,
    Emptied,
    Expired,
    /// It never left the sender's wallet.
    Cancelled,
}

impl PacketState {
    pub const ALL: [Self; 6] = [
        Self::AwaitingConfirmation,
        Self::InReview,
        Self::Open,
        Self::Emptied,
        Self::Expired,
        Self::Cancelled,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::InReview => "in_review",
            Self::Open => "open",
            Self::Emptied => "emptied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A share that somebody took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    pub amount: i64,
    pub at: Timestamp,
    pub transaction: TransactionId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedPacket {
    pub id: RedPacketId,
    pub from: WalletId,
    pub from_no: WalletNo,
    pub amount: Money,
    pub split: Split,
    pub greeting: String,
    /// Who may take a share, in order of id.
    pub members: Vec<WalletId>,
    pub seed: Seed,
    /// The shares, in the order in which they are taken.
    pub shares: Vec<i64>,
    pub state: PacketState,
    pub created_at: Timestamp,
    /// The last moment a share can be taken, once it is open.
    pub expires_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub returned: i64,
    /// What was decided when it was sent; the bits are those of the transaction in which the money left.
    pub decision: DecisionId,
    pub claims: Vec<Claim>,
}

impl RedPacket {
    pub const OPEN_SECS: u64 = 24 * 3600;
    /// As large as chat groups get.
    pub const MEMBERS_MAX: usize = 500;
    pub const GREETING_CHARS_MAX: usize = 60;

    pub fn may_claim(&self, wallet: WalletId) -> bool {
        self.members.binary_search(&wallet).is_ok()
    }

    pub fn claim_of(&self, wallet: WalletId) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.wallet == wallet)
    }

    /// Whether those it is for may know of it.
    pub const fn has_left(&self) -> bool {
        matches!(
            self.state,
            PacketState::Open | PacketState::Emptied | PacketState::Expired
        )
    }

    /// What nobody has taken.
    pub fn left(&self) -> i64 {
        self.shares.iter().skip(self.claims.len()).sum()
    }

    /// The packet when its money has left the sender.
    pub(super) fn opened(self, at: Timestamp) -> Self {
        Self {
            state: PacketState::Open,
            expires_at: Some(at.plus_secs(Self::OPEN_SECS)),
            ..self
        }
    }

    pub(super) fn ended(self, at: Timestamp, state: PacketState, returned: i64) -> Self {
        Self {
            state,
            ended_at: Some(at),
            returned,
            ..self
        }
    }

    pub(super) fn claimed(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    pub(super) fn extended(self, expires_at: Timestamp) -> Self {
        Self {
            expires_at: Some(expires_at),
            ..self
        }
    }

    /// What gives the rest back.
    pub(super) fn return_posting(&self) -> NewTransaction {
        let rest = Money::new(self.left(), self.amount.currency);
        recipe::red_packet_returned(TransactionId(self.id.0), self.from_no, rest)
    }
}

impl Shelved for RedPacket {
    type Id = RedPacketId;

    fn id(&self) -> RedPacketId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        self.expires_at.filter(|_| self.state == PacketState::Open)
    }

    fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRedPacket {
    pub id: RedPacketId,
    pub from: WalletId,
    pub amount: Money,
    pub split: Split,
    pub shares: u16,
    pub greeting: String,
    pub members: Vec<WalletId>,
    pub seed: Seed,
    pub transaction: TransactionId,
    /// Without it the packet is checked and nothing is sent.
    pub scored: Option<Box<Scored>>,
}

impl Payments {
    pub(super) fn red_packet(
        &self,
        at: Timestamp,
        new: &NewRedPacket,
        events: &mut Vec<Event>,
    ) -> Decided {
        let from = self.wallets.get(&new.from).ok_or(Refusal::WalletNotFound)?;
        let members = self.members(new)?;
        let currency = new.amount.currency;
        if !from.currencies.contains(&currency) {
            return Err(not_held(currency));
        }
        let shares = cut(new)?;
        self.must_have_room_to_send(from.id)?;
        let Some(scored) = &new.scored else {
            return Ok(Outcome::MaySend);
        };
        let about = About::RedPacket(new.id);
        let decision = Decision::new(at, new.transaction, about, from, new.amount, scored);
        let packet = RedPacket {
            id: new.id,
            from: from.id,
            from_no: from.no,
            amount: new.amount,
            split: new.split,
            greeting: new.greeting.clone(),
            members,
            seed: new.seed,
            shares,
            // What it really is becomes clear with the verdict.
            state: PacketState::AwaitingConfirmation,
            created_at: at,
            expires_at: None,
            ended_at: None,
            returned: 0,
            decision: decision.id,
            claims: Vec::new(),
        };
        self.judge(at, (&packet).into(), decision, events)
    }

    /// Those who may claim, in order of id. The sender may be one of a group.
    fn members(&self, new: &NewRedPacket) -> Result<Vec<WalletId>, Refusal> {
        if new.members == [new.from] {
            return Err(Refusal::PayeeIsPayer);
        }
        let mut members = new.members.clone();
        members.sort_unstable();
        members.dedup();
        if members.len() != new.members.len() {
            return Err(shares("somebody is named twice"));
        }
        if !(1..=RedPacket::MEMBERS_MAX).contains(&members.len()) {
            return Err(shares("it is for one to five hundred people"));
        }
        if !members.iter().all(|id| self.wallets.contains_key(id)) {
            return Err(Refusal::PayeeNotFound);
        }
        Ok(members)
    }

    /// Somebody takes the next share.
    pub(super) fn claim(
        &self,
        at: Timestamp,
        packet: &RedPacket,
        (wallet, transaction): (WalletId, TransactionId),
        events: &mut Vec<Event>,
    ) -> Decided {
        if !packet.may_claim(wallet) || !packet.has_left() {
            return Err(Refusal::RedPacketNotFound);
        }
        if packet.claim_of(wallet).is_some() {
            return Err(Refusal::RedPacketClaimed);
        }
        let is_over = packet.expires_at.is_some_and(|expires_at| at > expires_at);
        match packet.state {
            PacketState::Emptied => return Err(Refusal::RedPacketEmpty),
            PacketState::Open if !is_over => {}
            _ => return Err(Refusal::RedPacketExpired),
        }
        let claimer = self.wallets.get(&wallet).ok_or(Refusal::WalletNotFound)?;
        let currency = packet.amount.currency;
        if !claimer.currencies.contains(&currency) {
            return Err(not_held(currency));
        }
        let place = packet.claims.len();
        let amount = *packet.shares.get(place).ok_or(Refusal::RedPacketEmpty)?;
        self.must_let_out(packet.from_no, currency)?;
        let share = Money::new(amount, currency);
        let posting = recipe::red_packet_claimed(transaction, claimer.no, share);
        let roles = [Role::Wallet(claimer.no), Role::Transit];
        let [balance, _] = self.post(at, posting, roles, currency, events)?;
        let claim = Claim {
            wallet,
            wallet_no: claimer.no,
            amount,
            at,
            transaction,
        };
        events.push(Event::RedPacketClaimed {
            packet: packet.id,
            claim: claim.clone(),
        });
        if place + 1 == packet.shares.len() {
            events.push(Event::RedPacketEnded {
                packet: packet.id,
                state: PacketState::Emptied,
                at,
                returned: 0,
            });
        }
        Ok(Outcome::Claimed {
            packet: packet.id,
            claim,
            amount: share,
            balance,
        })
    }

    /// Decides with a red packet at hand, or says that it must be brought along.
    pub(super) fn with_red_packet(
        &self,
        id: RedPacketId,
        cold: &ledger::Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&RedPacket) -> Decided,
    ) -> ledger::Answer<Outcome, ColdKey> {
        if let Some(packet) = self.red_packets.get(id) {
            return ledger::Answer::Decided(decide(packet).into());
        }
        let key = ColdKey::RedPacket(id);
        match cold.rows.get(&key) {
            Some(Some(ColdRow::RedPacket(packet))) => {
                ledger::Answer::Decided(decide(packet).into())
            }
            Some(_) => ledger::Answer::Decided(Outcome::Refused(Refusal::RedPacketNotFound)),
            None => ledger::Answer::Missing(vec![key]),
        }
    }

    /// While a sender's wallet is frozen nobody takes what came from it.
    pub(super) fn must_let_out(&self, sender: WalletNo, currency: Currency) -> Result<(), Refusal> {
        let id = Role::Wallet(sender).account(currency);
        let account = self.ledger.account(recipe::PAYMENTS_BOOK, id);
        if account.is_some_and(|account| !account.state.lets_out()) {
            let rejection = ledger::Rejection::new(ledger::Reason::AccountFrozen);
            return Err(Refusal::Ledger(rejection.of_account(id)));
        }
        Ok(())
    }
}

/// The shares, in the order in which they will be taken.
fn cut(new: &NewRedPacket) -> Result<Vec<i64>, Refusal> {
    let amount = u64::try_from(new.amount.amount)
        .ok()
        .filter(|amount| *amount > 0)
        .ok_or(Refusal::AmountInvalid)?;
    if !(1..=new.members.len()).contains(&usize::from(new.shares)) {
        return Err(shares("there are more shares than people, or none"));
    }
    match new.split {
        Split::Fixed => split::fixed(amount, new.shares)
            .ok_or_else(|| shares("the amount cannot be cut into so many equal shares")),
        Split::Lucky => split::lucky(amount, new.shares, &new.seed)
            .ok_or_else(|| shares("each share is at least one minor unit")),
    }
}

fn shares(what: &str) -> Refusal {
    Refusal::SharesInvalid {
        what: what.to_owned(),
    }
}
