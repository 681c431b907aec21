//! What a verdict does, and the attempts that wait for somebody: a payer who must confirm, or an analyst who must look.
//!
//! All of those are in memory, and only they: what has ended is in the journal and in the views. An order with a payment
//! that awaits confirmation stays open, so nobody can block a shop's order by beginning to pay it. An order whose payment
//! is in review is nobody else's to pay: its money is already on hold. A transfer or a red packet that waits is its
//! sender's alone, and nobody else knows of it.

use std::collections::{BTreeMap, BTreeSet};

use fx::Currency;
use ledger::core::{Amounts, Memo, Rows, Standing as AccountStanding, Step};
use ledger::{AccountNo, Answer, Cold, NewTransaction, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::checkout::short;
use super::decision::{About, Decision, Resolver, Standing};
use super::id::{DecisionId, KeyId, OrderId, WalletId};
use super::message::{ColdKey, ColdRow, Event, Lookup, Outcome};
use super::order::{Order, OrderState, Verdict};
use super::recipe::{PAYMENTS_BOOK, Role};
use super::red_packet::PacketState;
use super::refusal::Refusal;
use super::state::Payments;
use super::step_up::CheckedProof;
use super::subject::Subject;
use super::transfer::TransferState;

type Decided = Result<Outcome, Refusal>;

/// Holds that are given back in one step: each is of at most six postings, of which the ledger takes 8,190. One basket has
/// fewer.
const HOLDS_AT_ONCE_MAX: usize = 1_000;

/// Decisions whose end is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pending {
    decisions: BTreeMap<DecisionId, Decision>,
    due: BTreeSet<(Timestamp, DecisionId)>,
    of_wallet: BTreeSet<(WalletId, DecisionId)>,
    in_review: BTreeMap<OrderId, DecisionId>,
}

impl Pending {
    pub fn get(&self, id: DecisionId) -> Option<&Decision> {
        self.decisions.get(&id)
    }

    pub fn len(&self) -> usize {
        self.decisions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    fn of_wallet(&self, wallet: WalletId) -> impl Iterator<Item = &Decision> {
        let all = (wallet, DecisionId(0))..=(wallet, DecisionId(u128::MAX));
        let ids = self.of_wallet.range(all);
        ids.filter_map(|(_, id)| self.decisions.get(id))
    }

    /// What a wallet's holder, or an analyst, is asked already about the same.
    pub(super) fn asked(&self, wallet: WalletId, about: About) -> Option<&Decision> {
        self.of_wallet(wallet).find(|asked| asked.about == about)
    }

    /// Whether a payment waits for the wallet's holder.
    pub(super) fn awaits_confirmation(&self, wallet: WalletId) -> bool {
        let mut pending = self.of_wallet(wallet);
        pending.any(|decision| decision.standing == Standing::AwaitingConfirmation)
    }

    /// The decision that keeps an order in review.
    fn of_order(&self, order: OrderId) -> Option<&Decision> {
        self.get(*self.in_review.get(&order)?)
    }

    /// Those whose time is over, in order of (due, id).
    fn due(&self, at: Timestamp) -> impl Iterator<Item = &Decision> {
        let due = self.due.iter().take_while(move |(due, _)| *due < at);
        due.filter_map(|(_, id)| self.decisions.get(id))
    }

    /// When the next one lapses: right after its last moment.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| due.plus_nanos(1))
    }

    /// Takes a decision as it now is.
    pub(super) fn keep(&mut self, decision: &Decision) {
        let id = decision.id;
        if let Some(before) = self.decisions.remove(&id) {
            self.of_wallet.remove(&(before.wallet, id));
            if let Some((order, ..)) = before.about.order() {
                self.in_review.remove(&order);
            }
            if let Some(due) = before.due {
                self.due.remove(&(due, id));
            }
        }
        if !decision.standing.is_pending() {
            return;
        }
        self.of_wallet.insert((decision.wallet, id));
        if decision.standing == Standing::InReview
            && let Some((order, ..)) = decision.about.order()
        {
            self.in_review.insert(order, id);
        }
        if let Some(due) = decision.due {
            self.due.insert((due, id));
        }
        self.decisions.insert(id, decision.clone());
    }
}

impl Payments {
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Does what the verdict says, and remembers what came to nothing.
    pub(super) fn judge(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Decided {
        let ended = |decision: Decision, standing| {
            Event::Decided(Box::new(Decision {
                standing,
                ..decision
            }))
        };
        let attempt = decision.clone();
        let decided = match decision.scored.assessment.verdict {
            Verdict::Allow => self.move_money(at, subject, decision, Event::Decided, events),
            Verdict::Challenge => self.challenge(at, subject, decision, events),
            Verdict::Review => self.hold(at, subject, decision, events),
            Verdict::Deny => {
                events.push(ended(decision, Standing::Denied));
                Err(Refusal::RiskDenied)
            }
        };
        // The scorer remembers whom money failed.
        if let Err(Refusal::InsufficientFunds | Refusal::Ledger(_)) = decided {
            events.push(ended(attempt, Standing::Failed));
        }
        decided
    }

    /// Moves the money of a decision that nothing stands against any more.
    fn move_money(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        decision: Decision,
        told: fn(Box<Decision>) -> Event,
        events: &mut Vec<Event>,
    ) -> Decided {
        let accounts = decision
            .roles()
            .map(|role| role.account(decision.amount.currency));
        let postings = subject.postings(&decision);
        let balances = self
            .post_all(at, &postings, accounts, events)
            .map_err(|refusal| short(refusal, Refusal::InsufficientFunds))?;
        let subject = subject.gone(at, &decision);
        events.push(told(Box::new(decision)));
        events.extend(subject.changed());
        Ok(subject.answer(balances))
    }

    /// Asks the payer for a proof. Who is asked already for the same order is not asked twice, and who has nothing to
    /// prove it with is looked at by an analyst instead.
    pub(super) fn challenge(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Decided {
        if let Some(asked) = self.pending.asked(decision.wallet, decision.about) {
            return Ok(subject.pending(asked));
        }
        if !self.can_confirm(decision.wallet) {
            return self.hold(at, subject, decision, events);
        }
        self.must_have_room(decision.wallet)?;
        let due = at.plus_secs(Decision::CONFIRM_SECS);
        let due = subject.confirm_by().map_or(due, |last| due.min(last));
        let decision = Decision {
            standing: Standing::AwaitingConfirmation,
            due: Some(due),
            ..decision
        };
        let subject = subject.awaiting();
        events.push(Event::Decided(Box::new(decision.clone())));
        events.extend(subject.waits());
        Ok(subject.pending(&decision))
    }

    /// Puts the money aside until an analyst has looked.
    fn hold(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Decided {
        self.must_have_room(decision.wallet)?;
        let hold = |new: NewTransaction| Step::Hold {
            memo: memo(&new),
            postings: new.postings.into_vec(),
            amounts: Amounts::Exact,
            timeout_secs: None,
        };
        let holds: Vec<Step> = subject.postings(&decision).into_iter().map(hold).collect();
        self.transact(at, &holds, events)
            .map_err(|refusal| short(refusal, Refusal::InsufficientFunds))?;
        let decision = Decision {
            standing: Standing::InReview,
            due: Some(at.plus_secs(Decision::REVIEW_SECS)),
            ..decision
        };
        let subject = subject.held();
        events.push(Event::Decided(Box::new(decision.clone())));
        events.extend(subject.waits());
        Ok(subject.pending(&decision))
    }

    fn must_have_room(&self, wallet: WalletId) -> Result<(), Refusal> {
        let pending = self.pending.of_wallet(wallet).count();
        if pending < Decision::PENDING_PER_WALLET_MAX {
            Ok(())
        } else {
            Err(Refusal::PendingTooMany)
        }
    }

    /// What a payer needs to know to confirm, and whoever checks the proof.
    pub(super) fn find_pending(&self, id: DecisionId) -> Decided {
        let decision = self.must_be_pending(id)?;
        let step_ups = self.step_ups(decision.wallet).cloned().unwrap_or_default();
        Ok(Outcome::Confirmable {
            decision: Box::new(decision.clone()),
            step_ups: Box::new(step_ups),
        })
    }

    /// What waits for a wallet's holder.
    pub(super) fn find_awaiting(&self, wallet: WalletId) -> Outcome {
        let pending = self.pending.of_wallet(wallet);
        let awaiting = pending.filter(|one| one.standing == Standing::AwaitingConfirmation);
        Outcome::Awaiting(awaiting.cloned().collect())
    }

    fn must_be_pending(&self, id: DecisionId) -> Result<&Decision, Refusal> {
        self.pending.get(id).ok_or(Refusal::DecisionNotPending)
    }

    fn must_await(&self, id: DecisionId, wallet: WalletId) -> Result<&Decision, Refusal> {
        let decision = self.must_be_pending(id)?;
        let awaits = decision.standing == Standing::AwaitingConfirmation;
        if awaits && decision.wallet == wallet {
            Ok(decision)
        } else {
            Err(Refusal::DecisionNotPending)
        }
    }

    /// Decides about a decision whose end is open, with its subject at hand.
    pub(super) fn with_pending(
        &self,
        id: DecisionId,
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(Subject<'_>) -> Decided,
    ) -> Answer<Outcome, ColdKey> {
        let about = self.pending.get(id).map(|decision| decision.about);
        let subject = match about {
            Some(About::Order { order, .. }) => {
                return self.with_order(&Lookup::Id(order), cold, |order| decide(order.into()));
            }
            // What a person sends is in memory as long as it waits.
            Some(About::Transfer { transfer, .. }) => {
                self.transfers.get(transfer).map(Subject::from)
            }
            Some(About::RedPacket(packet)) => self.red_packets.get(packet).map(Subject::from),
            Some(About::Combined(id)) => return self.with_basket(id, cold, decide),
            None => None,
        };
        let decided = subject.map_or(Err(Refusal::DecisionNotPending), decide);
        Answer::Decided(decided.into())
    }

    /// The payer shows a proof. If it is right, the money moves.
    pub(super) fn confirm(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        (id, wallet, proof): (DecisionId, WalletId, &CheckedProof),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_await(id, wallet)?;
        match self.prove(wallet, proof, events) {
            Err(Refusal::ProofWrong { .. }) => return self.wrong_proof(at, decision, events),
            proven => proven?,
        }
        subject.must_be_open()?;
        self.may_move(decision.about)?;
        if let Subject::Transfer(transfer) = &subject {
            self.must_owe(at, transfer)?;
        }
        let by = Resolver::Payer(proof.method);
        let resolved = decision.resolved(Standing::Settled, by, at, "");
        self.move_money(at, subject, resolved, Event::DecisionChanged, events)
    }

    /// A proof was wrong. The refusal says how many more may be tried for this payment.
    fn wrong_proof(&self, at: Timestamp, decision: &Decision, events: &mut Vec<Event>) -> Decided {
        let wrong_proofs = decision.wrong_proofs.saturating_add(1);
        let left = Decision::WRONG_PROOFS_MAX.saturating_sub(wrong_proofs);
        let decision = Decision {
            wrong_proofs,
            ..decision.clone()
        };
        let ended = if left == 0 {
            self.without_money(at, &decision)
        } else {
            Vec::new()
        };
        let decision = if left == 0 {
            decision.resolved(
                Standing::Denied,
                Resolver::House,
                at,
                "too many wrong proofs",
            )
        } else {
            decision
        };
        events.push(Event::DecisionChanged(Box::new(decision)));
        events.extend(ended);
        Err(Refusal::ProofWrong { left })
    }

    /// An analyst lets money go that is on hold.
    pub(super) fn release(
        &self,
        at: Timestamp,
        subject: Subject<'_>,
        (id, by, note): (DecisionId, KeyId, &str),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_be_pending(id)?;
        if decision.standing != Standing::InReview {
            return Err(Refusal::DecisionNotPending);
        }
        self.may_move(decision.about)?;
        if let Subject::Transfer(transfer) = &subject {
            self.must_owe(at, transfer)?;
        }
        let capture = |new: &NewTransaction| Step::Capture {
            memo: memo(new),
            hold: new.id,
            amounts: None,
            effective: None,
        };
        let captures: Vec<Step> = subject.postings(decision).iter().map(capture).collect();
        let standings = self.transact(at, &captures, events)?;
        let resolved = decision.resolved(Standing::Settled, Resolver::Analyst(by), at, note);
        let (roles, currency) = (resolved.roles(), resolved.amount.currency);
        let subject = subject.gone(at, &resolved);
        events.push(Event::DecisionChanged(Box::new(resolved)));
        events.extend(subject.changed());
        Ok(subject.answer(roles.map(|role| self.net(role, currency, &standings))))
    }

    /// An analyst refuses what is pending; money on hold goes back to the payer.
    pub(super) fn deny(
        &self,
        at: Timestamp,
        (id, by, note): (DecisionId, KeyId, &str),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_be_pending(id)?;
        if decision.standing == Standing::InReview {
            self.give_back(at, &[decision], events)?;
        }
        let resolved = decision.resolved(Standing::Denied, Resolver::Analyst(by), at, note);
        events.push(Event::DecisionChanged(Box::new(resolved.clone())));
        events.extend(self.without_money(at, decision));
        Ok(Outcome::Decision(Box::new(resolved)))
    }

    /// What becomes of the subject of a pending decision that ends without its money moving. An order that only awaited
    /// a confirmation is left alone: it stands open, or somebody else has paid it or is in review for it.
    fn without_money(&self, at: Timestamp, decision: &Decision) -> Vec<Event> {
        let one = match decision.about {
            About::Order { order, .. } => {
                let order = self.order_in_memory(order);
                order.and_then(|order| order_without_money(at, order, decision))
            }
            About::Transfer { transfer, .. } => self.transfers.get(transfer).map(|transfer| {
                let cancelled = transfer.clone().ended(at, TransferState::Cancelled);
                Event::TransferChanged(Box::new(cancelled))
            }),
            About::RedPacket(packet) => self.red_packets.get(packet).map(|packet| {
                let cancelled = packet.clone().ended(at, PacketState::Cancelled, 0);
                Event::RedPacketChanged(Box::new(cancelled))
            }),
            About::Combined(id) => return self.combined_without_money(at, id, decision),
        };
        one.into_iter().collect()
    }

    /// The merchant closes or takes back an order whose payment is pending and nobody else's to make.
    pub(super) fn withdraw(
        &self,
        at: Timestamp,
        order: &Order,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let decision = match &order.direct {
            Some(direct) => {
                let of = |one: &&Decision| one.about.order().is_some_and(|(id, ..)| id == order.id);
                self.pending.of_wallet(direct.payer).find(of)
            }
            None => self.pending.of_order(order.id),
        };
        let Some(decision) = decision else {
            // Those that are paid together are looked at together, and no merchant ends that for the others.
            return match order.state {
                OrderState::InReview => Err(Refusal::OrderInReview),
                _ => Ok(()),
            };
        };
        if decision.standing == Standing::InReview {
            self.give_back(at, &[decision], events)?;
        }
        let resolved = decision.resolved(Standing::Withdrawn, Resolver::Merchant, at, "");
        events.push(Event::DecisionChanged(Box::new(resolved)));
        Ok(())
    }

    /// Lets lapse what nobody confirmed or looked at in time, at most `limit` of them, and with no more holds than can be
    /// given back at once.
    pub(super) fn lapse(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let mut holds = 0;
        let fits = |decision: &&Decision| {
            holds += self.holds(decision).len();
            holds <= HOLDS_AT_ONCE_MAX
        };
        let due: Vec<&Decision> = self.pending.due(at).take(limit).take_while(fits).collect();
        let held: Vec<&Decision> = due
            .iter()
            .copied()
            .filter(|decision| decision.standing == Standing::InReview)
            .collect();
        if !held.is_empty() {
            // A hold that is open can always be given back.
            let given_back = self.give_back(at, &held, events);
            given_back.expect("the hold of a pending decision is open");
        }
        for decision in due {
            let note = "nobody confirmed or looked in time";
            let resolved = decision.resolved(Standing::Lapsed, Resolver::House, at, note);
            events.push(Event::DecisionChanged(Box::new(resolved)));
            events.extend(self.without_money(at, decision));
        }
    }

    /// What an account of these roles holds after a command.
    pub(super) fn net(
        &self,
        role: Role,
        currency: Currency,
        standings: &[(AccountNo, AccountStanding)],
    ) -> i128 {
        let Some(account) = self.ledger.account(PAYMENTS_BOOK, role.account(currency)) else {
            return 0;
        };
        let touched = standings.iter().find(|(no, _)| *no == account.no);
        touched.map_or(account.net(), |(_, after)| after.balance.net(account.kind))
    }

    fn give_back(
        &self,
        at: Timestamp,
        decisions: &[&Decision],
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let holds = decisions.iter().flat_map(|decision| self.holds(decision));
        let steps: Vec<Step> = holds.map(|hold| Step::Release { hold }).collect();
        self.transact(at, &steps, events).map(|_| ())
    }

    /// The holds that keep a decision's money.
    fn holds(&self, decision: &Decision) -> Vec<TransactionId> {
        let combined = decision.about.combined();
        match combined.and_then(|id| self.combined.get(id)) {
            Some(combined) => combined.parts.iter().map(|part| part.transaction).collect(),
            None => vec![decision.id.into()],
        }
    }

    /// Takes steps in the payments' book. All holds here are open and in memory, so nothing is ever to be brought.
    fn transact(
        &self,
        at: Timestamp,
        steps: &[Step],
        events: &mut Vec<Event>,
    ) -> Result<Vec<(AccountNo, AccountStanding)>, Refusal> {
        let mut made = Vec::new();
        let rows = Rows::new();
        let answer = self
            .ledger
            .transact(at, PAYMENTS_BOOK, steps, &rows, &mut made);
        let Answer::Decided(decided) = answer else {
            return Err(Refusal::DecisionNotPending);
        };
        let transacted = decided?;
        events.extend(made.into_iter().map(Event::Ledger));
        Ok(transacted.standings)
    }
}

/// What becomes of an order whose pending payment ends without its money moving, if that changes it.
pub(super) fn order_without_money(
    at: Timestamp,
    order: &Order,
    decision: &Decision,
) -> Option<Event> {
    let held = decision.standing == Standing::InReview;
    match order.state {
        OrderState::AwaitingPayer => Some(come_to_nothing(at, order, decision)),
        OrderState::InReview if order.direct.is_some() => {
            Some(come_to_nothing(at, order, decision))
        }
        OrderState::InReview if held => Some(after_review(at, order)),
        _ => None,
    }
}

/// What becomes of an order whose review ended without its money moving: it can be paid again while there is time.
fn after_review(at: Timestamp, order: &Order) -> Event {
    let state = if at <= order.expires_at {
        OrderState::Open
    } else {
        OrderState::Expired
    };
    let order = Order {
        state,
        ..order.clone()
    };
    match state {
        OrderState::Open => Event::OrderReopened(order),
        _ => Event::OrderExpired(order),
    }
}

/// What becomes of an order that was its payer's alone: it is over, and whoever wants to pay begins anew.
fn come_to_nothing(at: Timestamp, order: &Order, decision: &Decision) -> Event {
    let lapsed = decision.due.is_some_and(|due| due < at);
    let state = if lapsed {
        OrderState::Expired
    } else {
        OrderState::Closed
    };
    let order = Order {
        state,
        ..order.clone()
    };
    if lapsed {
        Event::OrderExpired(order)
    } else {
        Event::OrderClosed(order)
    }
}

fn memo(new: &NewTransaction) -> Memo {
    Memo {
        id: new.id,
        kind: new.kind,
        reference: new.reference.clone(),
        ..Memo::default()
    }
}
