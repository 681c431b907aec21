//! What was decided about one attempt to pay or to send money: the attempt, what the scorer said of it, and how it went on.
//!
//! A decision is journalled in the record that moves the money, holds it or refuses it, and again, as it then is, with
//! each thing that becomes of it. So it can be explained for ever by the journal alone, and the scorer's memory is
//! rebuilt from the same events.
//!
//! | verdict | at once | then |
//! |---|---|---|
//! | allow | settled | |
//! | challenge | awaiting confirmation, for [`Decision::CONFIRM_SECS`] | settled, denied (too many wrong proofs, or by an analyst) or lapsed |
//! | review | the money is on hold, for [`Decision::REVIEW_SECS`] | settled or denied by an analyst, withdrawn by the merchant, or lapsed |
//! | deny | denied | |
//!
//! What would have been let through and could not move, as there was too little money, has failed.

use fx::Money;
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::breakdown::Breakdown;
use super::fee::Terms;
use super::id::{
    CombinedId, DecisionId, KeyId, MerchantId, MerchantNo, OrderId, RedPacketId, TransferId,
    WalletId, WalletNo,
};
use super::order::{Assessment, Verdict};
use super::party::Wallet;
use super::recipe::{Moved, Role};
use super::refusal::Refusal;

/// One cause of a score, beside its code in [`Assessment::reasons`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was observed, in thousandths of its unit.
    pub value_milli: i64,
    /// How far it moved the score, in parts per million; 0 for a rule that acts by itself.
    pub weight_ppm: i32,
}

/// An attempt with all that the scorer said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    pub assessment: Assessment,
    /// As it was scored; the scorer's memory is made of these.
    pub attempt: fraud::Attempt,
    /// One for each of the assessment's reasons.
    pub evidence: Vec<Evidence>,
    /// Names of rules in shadow that would have held.
    pub shadow: Vec<String>,
    /// What the challenger would have scored, where there is one.
    pub challenger_ppm: Option<u32>,
    pub whence: Whence,
}

/// Whence it was attempted, by the names that the wallet's provider has for phones and places. The attempt has only their
/// keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whence {
    pub device: Option<String>,
    pub place: Option<String>,
}

/// What the money of an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    Order {
        order: OrderId,
        merchant: MerchantId,
        merchant_no: MerchantNo,
    },
    Transfer {
        transfer: TransferId,
        to: WalletId,
        to_no: WalletNo,
    },
    RedPacket(RedPacketId),
    /// Orders that are paid together.
    Combined(CombinedId),
}

impl About {
    /// The order and its merchant, if it is one.
    pub const fn order(&self) -> Option<(OrderId, MerchantId, MerchantNo)> {
        match *self {
            Self::Order {
                order,
                merchant,
                merchant_no,
            } => Some((order, merchant, merchant_no)),
            Self::Transfer { .. } | Self::RedPacket(_) | Self::Combined(_) => None,
        }
    }

    pub const fn transfer(&self) -> Option<TransferId> {
        match *self {
            Self::Transfer { transfer, .. } => Some(transfer),
            Self::Order { .. } | Self::RedPacket(_) | Self::Combined(_) => None,
        }
    }

    pub const fn red_packet(&self) -> Option<RedPacketId> {
        match *self {
            Self::RedPacket(packet) => Some(packet),
            Self::Order { .. } | Self::Transfer { .. } | Self::Combined(_) => None,
        }
    }

    pub const fn combined(&self) -> Option<CombinedId> {
        match *self {
            Self::Combined(combined) => Some(combined),
            Self::Order { .. } | Self::Transfer { .. } | Self::RedPacket(_) => None,
        }
    }
}

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// The money has moved.
    Settled,
    /// The payer is asked to prove who they are; no money is held.
    AwaitingConfirmation,
    /// The money is held until an analyst has looked.
    InReview,
    Denied,
    /// Nobody confirmed or looked in time.
    Lapsed,
    /// The merchant closed the order meanwhile.
    Withdrawn,
    /// Nothing stood against it but the money, which was not there or could not move.
    Failed,
}

impl Standing {
    pub const ALL: [Self; 7] = [
        Self::Settled,
        Self::AwaitingConfirmation,
        Self::InReview,
        Self::Denied,
        Self::Lapsed,
        Self::Withdrawn,
        Self::Failed,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::InReview => "in_review",
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "failed",
        }
    }

    pub const fn is_pending(self) -> bool {
        matches!(self, Self::AwaitingConfirmation | Self::InReview)
    }
}

/// How a payer proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepUp {
    Pin,
    /// A key that lives in the payer's phone and signs this one payment.
    DeviceKey,
}

impl StepUp {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::DeviceKey => "device_key",
        }
    }
}

/// Who ended what was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolver {
    /// The payer, by a proof.
    Payer(StepUp),
    /// An analyst, by this key.
    Analyst(KeyId),
    /// The merchant, by closing the order.
    Merchant,
    /// The rules: time ran out, or too many proofs were wrong.
    House,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub by: Resolver,
    pub at: Timestamp,
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub id: DecisionId,
    pub about: About,
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    /// What the payer pays.
    pub amount: Money,
    /// What the house takes if the money moves, and by which terms.
    pub fee: Money,
    pub terms: Terms,
    /// What an order is paid with beside that.
    pub breakdown: Option<Box<Breakdown>>,
    pub at: Timestamp,
    pub scored: Scored,
    pub standing: Standing,
    /// The last moment of what is pending.
    pub due: Option<Timestamp>,
    /// Wrong proofs so far.
    pub wrong_proofs: u8,
    pub resolution: Option<Resolution>,
}

impl Decision {
    /// The name of the rule in shadow that shows what is on the watch list.
    pub const WATCHED: &str = "on_watch_list";
    /// How long a payer has to confirm: long enough to find the phone, short enough that the till need not wait.
    pub const CONFIRM_SECS: u64 = 5 * 60;
    /// How long money may be held for an analyst before it goes back to the payer.
    pub const REVIEW_SECS: u64 = 24 * 3600;
    /// Wrong proofs after which an attempt is denied.
    pub const WRONG_PROOFS_MAX: u8 = 3;
    /// What one wallet may have pending at a time.
    pub const PENDING_PER_WALLET_MAX: usize = 8;

    /// What is about to be decided, if nothing stands against it.
    pub(super) fn new(
        at: Timestamp,
        transaction: TransactionId,
        about: About,
        wallet: &Wallet,
        amount: Money,
        scored: &Scored,
    ) -> Self {
        Self {
            id: transaction.into(),
            about,
            wallet: wallet.id,
            wallet_no: wallet.no,
            amount,
            fee: Money::new(0, amount.currency),
            terms: Terms::default(),
            breakdown: None,
            at,
            scored: scored.clone(),
            standing: Standing::Settled,
            due: None,
            wrong_proofs: 0,
            resolution: None,
        }
    }

    /// With what the payer pays of an order's amount, and with the house's fee of what is settled with the merchant.
    pub(super) fn priced(
        self,
        terms: Terms,
        breakdown: Option<Box<Breakdown>>,
    ) -> Result<Self, Refusal> {
        let off = breakdown.as_deref().map_or(0, Breakdown::off);
        let house = breakdown.as_deref().map_or(0, Breakdown::house);
        let paid = Money::new(self.amount.amount - off, self.amount.currency);
        let settled = Money::new(paid.amount + house, paid.currency);
        let fee = terms.fee_of(settled);
        Ok(Self {
            amount: paid,
            fee: fee.map_err(|_| Refusal::AmountInvalid)?,
            terms,
            breakdown,
            ..self
        })
    }

    /// What moves if an order is paid.
    pub(super) fn moved(&self) -> Moved {
        let plain = Moved::plain(self.amount, self.fee);
        let Some(breakdown) = &self.breakdown else {
            return plain;
        };
        let house = breakdown.house();
        Moved {
            house,
            spent: breakdown.spent.as_ref().map(|spent| spent.points),
            earned: breakdown.earned.as_ref().map(|earned| earned.points),
            ..plain
        }
    }

    /// Whose balances an answer tells: the payer's, and whoever's gets the money.
    pub(super) const fn roles(&self) -> [Role; 2] {
        let payee = match self.about {
            About::Order { merchant_no, .. } => Role::Merchant(merchant_no),
            About::Transfer { to_no, .. } => Role::Wallet(to_no),
            About::RedPacket(_) => Role::Transit,
            About::Combined(_) => Role::Fees,
        };
        [Role::Wallet(self.wallet_no), payee]
    }

    /// Whether analysts are shown it: it was not simply let through, or somebody in it is watched.
    pub fn is_case(&self) -> bool {
        let Scored {
            assessment, shadow, ..
        } = &self.scored;
        assessment.verdict != Verdict::Allow || shadow.iter().any(|name| name == Self::WATCHED)
    }

    /// The money that is expected to be lost if it is let through, in hundredths of a yuan; all of it, if somebody must
    /// look at it: a rule can hold what no score finds odd.
    pub fn at_risk(&self) -> i64 {
        let amount = self.scored.attempt.amount.max(0);
        let looked_at = self.standing == Standing::InReview;
        if looked_at || self.scored.assessment.verdict == Verdict::Review {
            return amount;
        }
        let amount = i128::from(amount);
        let lost = amount * i128::from(self.scored.assessment.score_ppm) / 1_000_000;
        i64::try_from(lost).unwrap_or(i64::MAX)
    }

    /// Who takes part in this attempt and in another.
    pub fn shares_with(&self, other: &Self) -> Vec<&'static str> {
        let (ours, theirs) = (&self.scored.attempt, &other.scored.attempt);
        let is_shared = |role: &fraud::Role| {
            let key = ours.entity(*role);
            key.is_some() && key == theirs.entity(*role)
        };
        let shared = fraud::Role::ALL.into_iter().filter(is_shared);
        shared.map(fraud::Role::name).collect()
    }

    /// The decision once something has become of it.
    pub(super) fn resolved(
        &self,
        standing: Standing,
        by: Resolver,
        at: Timestamp,
        note: &str,
    ) -> Self {
        Self {
            standing,
            due: None,
            resolution: Some(Resolution {
                by,
                at,
                note: note.to_owned(),
            }),
            ..self.clone()
        }
    }
}

/// What an attempt turned out to be, by somebody's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    Fraud,
    Genuine,
}

impl Label {
    pub const ALL: [Self; 2] = [Self::Fraud, Self::Genuine];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fraud => "fraud",
            Self::Genuine => "genuine",
        }
    }
}
