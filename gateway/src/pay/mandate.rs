//! Mandates: a payer lets a merchant take money, within bounds, without being asked each time.
//!
//! | state | what | then |
//! |---|---|---|
//! | proposed | a merchant has proposed it; whoever accepts it becomes its payer, within [`Mandate::PROPOSAL_SECS`] | active, revoked or expired |
//! | active | the merchant may debit the payer, within the bounds, until it expires | revoked or expired |
//! | revoked, expired | nothing is debited any more | |
//!
//! The payer consents with a PIN or a device, as for a payment, and can revoke at any time; so can the merchant. A debit is
//! an order of its own that comes about with its payer ([`super::direct`]): the scorer looks at it, and where it looks risky
//! the payer is asked or an analyst looks, as for any payment. A debit counts against the bounds from the moment at which it
//! is made or waits, and counts no more when it comes to nothing; a refund gives nothing back to them.
//!
//! Periods follow each other from the moment of acceptance.

use fx::{Currency, Money};
use ledger::{Answer, Cold, Moment, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::decision::Scored;
use super::direct::{NewDirect, Scan, Till};
use super::id::{MandateId, MerchantId, MerchantNo, OrderId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Command, Event, Outcome};
use super::open::{not_held, terms};
use super::order::{Order, OrderNumber, OrderState};
use super::points::Using;
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::state::{Payments, count};
use super::step_up::CheckedProof;

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MandateState {
    Proposed,
    Active,
    Revoked,
    Expired,
}

impl MandateState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// How far a mandate goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub currency: Currency,
    /// The most of one debit, and of all debits of one period, in minor units.
    pub per_debit: i64,
    pub per_period: i64,
    pub period_days: u16,
    /// How many debits there may be in all.
    pub debits: Option<u32>,
    /// How long it lasts from its acceptance.
    pub days: u16,
}

impl Bounds {
    pub const PERIOD_DAYS_MAX: u16 = 366;
    pub const DAYS_MAX: u16 = 5 * 366;

    fn are_possible(&self) -> bool {
        self.per_debit > 0
            && self.per_period >= self.per_debit
            && (1..=Self::PERIOD_DAYS_MAX).contains(&self.period_days)
            && (1..=Self::DAYS_MAX).contains(&self.days)
            && self.debits != Some(0)
    }
}

/// What has been debited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debited {
    pub debits: u32,
    pub total: i128,
    /// The period of the last debit, from 0, and what was debited in it.
    pub period: u64,
    pub in_period: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    pub id: MandateId,
    pub merchant: MerchantId,
    pub merchant_no: MerchantNo,
    /// The merchant's own number for it.
    pub number: OrderNumber,
    /// What for, as the payer reads it.
    pub description: String,
    pub bounds: Bounds,
    pub state: MandateState,
    /// Who accepted it.
    pub payer: Option<(WalletId, WalletNo)>,
    pub created_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    /// The last moment at which it can be accepted, or then used.
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub debited: Debited,
}

const DAY_SECS: u64 = 24 * 3600;

impl Mandate {
    pub const PROPOSAL_SECS: u64 = 7 * DAY_SECS;
    /// What one merchant, or one wallet, may have open. They lie in memory, at some 400 bytes.
    pub const PER_MERCHANT_MAX: u32 = 1_000_000;
    pub const PER_WALLET_MAX: u32 = 200;

    /// Which period a moment is in.
    fn period(&self, at: Timestamp) -> u64 {
        let length = u64::from(self.bounds.period_days) * DAY_SECS * 1_000_000_000;
        let since = self
            .accepted_at
            .map_or(0, |accepted| at.0.saturating_sub(accepted.0));
        since / length.max(1)
    }

    /// What can still be debited in the period of a moment.
    pub fn left_in_period(&self, at: Timestamp) -> i64 {
        let same = self.debited.period == self.period(at);
        self.bounds.per_period - if same { self.debited.in_period } else { 0 }
    }

    fn must_allow(&self, at: Timestamp, amount: Money) -> Result<(), Refusal> {
        match self.state {
            MandateState::Proposed => return Err(Refusal::MandateNotAccepted),
            MandateState::Active if at <= self.expires_at => {}
            MandateState::Active | MandateState::Revoked | MandateState::Expired => {
                return Err(Refusal::MandateEnded);
            }
        }
        let bounds = &self.bounds;
        if amount.currency != bounds.currency || amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        let exceeded = |what: String| Err(Refusal::MandateExceeded { what });
        if amount.amount > bounds.per_debit {
            return exceeded(format!(
                "a debit is at most {} minor units",
                bounds.per_debit
            ));
        }
        let left = self.left_in_period(at);
        if amount.amount > left {
            return exceeded(format!("{left} minor units are left in this period"));
        }
        if bounds
            .debits
            .is_some_and(|most| self.debited.debits >= most)
        {
            return exceeded("it has been debited as often as it may be".to_owned());
        }
        Ok(())
    }

    fn debited(mut self, at: Timestamp, amount: i64) -> Self {
        let period = self.period(at);
        let debited = &mut self.debited;
        if period != debited.period {
            (debited.period, debited.in_period) = (period, 0);
        }
        debited.debits = debited.debits.saturating_add(1);
        debited.total += i128::from(amount);
        debited.in_period = debited.in_period.saturating_add(amount);
        self
    }

    /// As if a debit of that moment had not been.
    fn undone(mut self, at: Timestamp, amount: i64) -> Self {
        let same = self.period(at) == self.debited.period;
        let debited = &mut self.debited;
        debited.debits = debited.debits.saturating_sub(1);
        debited.total -= i128::from(amount);
        if same {
            debited.in_period -= amount;
        }
        self
    }

    pub(super) fn ended(self, at: Timestamp, state: MandateState) -> Self {
        Self {
            state,
            ended_at: Some(at),
            ..self
        }
    }
}

impl Shelved for Mandate {
    type Id = MandateId;

    fn id(&self) -> MandateId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        (!self.is_finished()).then_some(self.expires_at)
    }

    fn is_finished(&self) -> bool {
        self.ended_at.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMandate {
    pub id: MandateId,
    pub merchant: MerchantId,
    pub number: OrderNumber,
    pub description: String,
    pub bounds: Bounds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDebit {
    pub mandate: MandateId,
    pub merchant: MerchantId,
    pub order: OrderId,
    pub number: OrderNumber,
    pub amount: Money,
    pub description: String,
    pub transaction: TransactionId,
    /// Without it the debit is looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

/// One of the two sides of a mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Merchant(MerchantId),
    Payer(WalletId),
}

impl Payments {
    /// A mandate that is open or has just ended.
    pub fn mandate_in_memory(&self, id: MandateId) -> Option<&Mandate> {
        self.mandates.get(id)
    }

    pub(super) fn decide_on_mandate(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        match command {
            Command::Propose(new) => Answer::Decided(self.propose(at, new, events).into()),
            Command::AcceptMandate { id, wallet, proof } => {
                self.with_mandate(*id, cold, |mandate| {
                    self.accept_mandate(at, mandate, (*wallet, proof.as_deref()), events)
                })
            }
            Command::RevokeMandate { id, by } => {
                self.with_mandate(*id, cold, |mandate| revoke(at, mandate, *by, events))
            }
            Command::Debit(new) => self.with_mandate(new.mandate, cold, |mandate| {
                self.debit(at, mandate, new, events)
            }),
            Command::FindMandate(id) => {
                self.with_mandate(*id, cold, |mandate| Ok(outcome(mandate.clone())))
            }
            // Whoever calls this has seen which command it is.
            _ => Answer::Decided(Outcome::Refused(Refusal::MandateNotFound)),
        }
    }

    /// Decides with a mandate at hand, or says that it must be brought along.
    fn with_mandate(
        &self,
        id: MandateId,
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&Mandate) -> Decided,
    ) -> Answer<Outcome, ColdKey> {
        if let Some(mandate) = self.mandates.get(id) {
            return Answer::Decided(decide(mandate).into());
        }
        let key = ColdKey::Mandate(id);
        match cold.rows.get(&key) {
            Some(Some(ColdRow::Mandate(mandate))) => Answer::Decided(decide(mandate).into()),
            Some(_) => Answer::Decided(Outcome::Refused(Refusal::MandateNotFound)),
            None => Answer::Missing(vec![key]),
        }
    }

    fn propose(&self, at: Timestamp, new: &NewMandate, events: &mut Vec<Event>) -> Decided {
        let merchant = self.must_be_payable(new.merchant)?;
        if !merchant.currencies.contains(&new.bounds.currency) {
            return Err(not_held(new.bounds.currency));
        }
        if !new.bounds.are_possible() {
            return Err(terms(
                "a debit is above zero and within a period's sum, a period has 1 to 366 days, and it lasts 1 to 1830 days",
            ));
        }
        let open = self.mandates_of_merchant.get(&merchant.id);
        if open.copied().unwrap_or_default() >= Mandate::PER_MERCHANT_MAX {
            return Err(Refusal::MandatesTooMany);
        }
        let mandate = Mandate {
            id: new.id,
            merchant: merchant.id,
            merchant_no: merchant.no,
            number: new.number.clone(),
            description: new.description.clone(),
            bounds: new.bounds.clone(),
            state: MandateState::Proposed,
            payer: None,
            created_at: at,
            accepted_at: None,
            expires_at: at.plus_secs(Mandate::PROPOSAL_SECS),
            ended_at: None,
            debited: Debited::default(),
        };
        Ok(changed(mandate, events))
    }

    /// A payer consents, and shows who they are. Accepting again what one has accepted changes nothing.
    fn accept_mandate(
        &self,
        at: Timestamp,
        mandate: &Mandate,
        (wallet, proof): (WalletId, Option<&CheckedProof>),
        events: &mut Vec<Event>,
    ) -> Decided {
        let wallet = self.wallets.get(&wallet).ok_or(Refusal::WalletNotFound)?;
        match mandate.state {
            MandateState::Proposed if at <= mandate.expires_at => {}
            MandateState::Active if mandate.payer == Some((wallet.id, wallet.no)) => {
                return Ok(outcome(mandate.clone()));
            }
            MandateState::Active => return Err(Refusal::MandateNotFound),
            _ => return Err(Refusal::MandateEnded),
        }
        self.must_take_payments(mandate.merchant)?;
        if !wallet.currencies.contains(&mandate.bounds.currency) {
            return Err(not_held(mandate.bounds.currency));
        }
        let open = self.mandates_of_wallet.get(&wallet.id);
        if open.copied().unwrap_or_default() >= Mandate::PER_WALLET_MAX {
            return Err(Refusal::MandatesTooMany);
        }
        let proof = proof.filter(|_| self.can_confirm(wallet.id));
        self.prove(wallet.id, proof.ok_or(Refusal::StepUpMissing)?, events)?;
        let secs = u64::from(mandate.bounds.days) * DAY_SECS;
        let accepted = Mandate {
            state: MandateState::Active,
            payer: Some((wallet.id, wallet.no)),
            accepted_at: Some(at),
            expires_at: at.plus_secs(secs),
            ..mandate.clone()
        };
        Ok(changed(accepted, events))
    }

    fn debit(
        &self,
        at: Timestamp,
        mandate: &Mandate,
        new: &NewDebit,
        events: &mut Vec<Event>,
    ) -> Decided {
        if mandate.merchant != new.merchant {
            return Err(Refusal::MandateNotFound);
        }
        let merchant = self.must_be_payable(mandate.merchant)?;
        mandate.must_allow(at, new.amount)?;
        let payer = mandate.payer.and_then(|(id, _)| self.wallets.get(&id));
        let payer = payer.ok_or(Refusal::WalletNotFound)?;
        let scan = Scan::Mandate(mandate.id);
        let direct = NewDirect {
            id: new.order,
            merchant,
            payer,
            number: &new.number,
            amount: new.amount,
            description: &new.description,
            scan,
            till: &Till::default(),
            reference: None,
            terms: self.terms_for(merchant, scan.into(), new.amount),
            breakdown: self.breakdown(at, merchant.id, payer, new.amount, &Using::default())?,
        };
        let order = direct.order(at)?;
        let Some(scored) = &new.scored else {
            return Ok(Outcome::ToAssess(order));
        };
        let decision = direct.decision(at, new.transaction, scored)?;
        self.judge(at, (&order).into(), decision, events)
    }

    /// Lets mandates expire whose last moment is over, at most `limit` of them.
    pub(super) fn expire_mandates(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let due = self.mandates.due(at).take(limit).cloned();
        events.extend(due.map(|mandate| {
            Event::MandateChanged(Box::new(mandate.ended(at, MandateState::Expired)))
        }));
    }

    pub(super) fn keep_mandate(&mut self, moment: Moment, mandate: Mandate) {
        let before = self.mandates.take(mandate.id);
        let was_open = before.as_ref().is_some_and(|one| !one.is_finished());
        let had_payer = before.is_some_and(|before| before.payer.is_some());
        let is_open = !mandate.is_finished();
        let of_merchant = &mut self.mandates_of_merchant;
        count(of_merchant, mandate.merchant, was_open, is_open);
        if let Some((wallet, _)) = mandate.payer {
            let of_wallet = &mut self.mandates_of_wallet;
            count(of_wallet, wallet, was_open && had_payer, is_open);
        }
        self.mandates.keep(moment, mandate);
    }

    /// Counts an order by a mandate that has just come about, and counts one no more that came to nothing.
    pub(super) fn follow_mandate(&mut self, moment: Moment, order: &Order) {
        let scan = order.direct.as_ref().map(|direct| direct.scan);
        let Some(Scan::Mandate(id)) = scan else {
            return;
        };
        let is_new = self.order_in_memory(order.id).is_none();
        let (at, amount) = (order.created_at, order.amount.amount);
        let change: fn(Mandate, Timestamp, i64) -> Mandate = match order.state {
            OrderState::Paid | OrderState::InReview | OrderState::AwaitingPayer if is_new => {
                Mandate::debited
            }
            OrderState::Closed | OrderState::Expired => Mandate::undone,
            _ => return,
        };
        if let Some(mandate) = self.mandates.take(id) {
            self.mandates.keep(moment, change(mandate, at, amount));
        }
    }
}

/// Either side ends it. Ending what has ended is no event.
fn revoke(at: Timestamp, mandate: &Mandate, by: Party, events: &mut Vec<Event>) -> Decided {
    let is_party = match by {
        Party::Merchant(merchant) => merchant == mandate.merchant,
        Party::Payer(wallet) => mandate.payer.is_some_and(|(payer, _)| payer == wallet),
    };
    if !is_party {
        return Err(Refusal::MandateNotFound);
    }
    if mandate.ended_at.is_some() {
        return Ok(outcome(mandate.clone()));
    }
    let revoked = mandate.clone().ended(at, MandateState::Revoked);
    Ok(changed(revoked, events))
}

fn changed(mandate: Mandate, events: &mut Vec<Event>) -> Outcome {
    events.push(Event::MandateChanged(Box::new(mandate.clone())));
    outcome(mandate)
}

fn outcome(mandate: Mandate) -> Outcome {
    Outcome::Mandate(Box::new(mandate))
}
