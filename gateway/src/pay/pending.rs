//! Attempts that wait for somebody: a payer who must confirm, or an analyst who must look.
//!
//! All of them are in memory, and only they: what has ended is in the journal and in the views. An order with a payment
//! that awaits confirmation stays open, so nobody can block a shop's order by beginning to pay it. An order whose payment
//! is in review is nobody else's to pay: its money is already on hold.

use std::collections::{BTreeMap, BTreeSet};

use fx::Currency;
use ledger::core::{Amounts, Memo, Rows, Standing as AccountStanding, Step};
use ledger::{AccountNo, Answer, NewTransaction, Timestamp};
use serde::{Deserialize, Serialize};

use super::checkout::{must_be_open, paid_with, payment, short};
use super::decision::{Decision, Resolver, Standing, StepUp};
use super::id::{DecisionId, KeyId, OrderId, WalletId};
use super::message::{Event, Outcome};
use super::order::{Order, OrderState};
use super::recipe::{PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::state::Payments;
use super::step_up::StepUps;

type Decided = Result<Outcome, Refusal>;

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
            self.in_review.remove(&before.order);
            if let Some(due) = before.due {
                self.due.remove(&(due, id));
            }
        }
        if !decision.standing.is_pending() {
            return;
        }
        self.of_wallet.insert((decision.wallet, id));
        if decision.standing == Standing::InReview {
            self.in_review.insert(decision.order, id);
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

    /// Asks the payer for a proof. Who is asked already for the same order is not asked twice, and who has nothing to
    /// prove it with is looked at by an analyst instead.
    pub(super) fn challenge(
        &self,
        at: Timestamp,
        order: &Order,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Decided {
        let mut asked = self.pending.of_wallet(decision.wallet);
        if let Some(asked) = asked.find(|asked| asked.order == order.id) {
            return Ok(pending(order, asked));
        }
        if !self.can_confirm(decision.wallet) {
            return self.hold(at, order, decision, events);
        }
        self.must_have_room(decision.wallet)?;
        let due = at.plus_secs(Decision::CONFIRM_SECS).min(order.expires_at);
        let decision = Decision {
            standing: Standing::AwaitingConfirmation,
            due: Some(due),
            ..decision
        };
        let answer = pending(order, &decision);
        events.push(Event::Decided(Box::new(decision)));
        Ok(answer)
    }

    /// Puts the money aside until an analyst has looked.
    pub(super) fn hold(
        &self,
        at: Timestamp,
        order: &Order,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Decided {
        self.must_have_room(decision.wallet)?;
        let new = payment(&decision, order);
        let hold = Step::Hold {
            memo: memo(&new),
            postings: new.postings,
            amounts: Amounts::Exact,
            timeout_secs: None,
        };
        self.transact(at, &[hold], events)
            .map_err(|refusal| short(refusal, Refusal::InsufficientFunds))?;
        let decision = Decision {
            standing: Standing::InReview,
            due: Some(at.plus_secs(Decision::REVIEW_SECS)),
            ..decision
        };
        let order = Order {
            state: OrderState::InReview,
            ..order.clone()
        };
        let answer = pending(&order, &decision);
        events.push(Event::Decided(Box::new(decision)));
        events.push(Event::OrderHeld(order));
        Ok(answer)
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

    /// The order of a pending decision, to decide with.
    pub(super) fn pending_order(&self, id: DecisionId) -> Option<OrderId> {
        self.pending.get(id).map(|decision| decision.order)
    }

    /// The payer proved who they are: the money moves.
    pub(super) fn confirm(
        &self,
        at: Timestamp,
        order: &Order,
        (id, wallet, proof): (DecisionId, WalletId, StepUp),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_await(id, wallet)?;
        must_be_open(order)?;
        let resolved = decision.resolved(Standing::Settled, Resolver::Payer(proof), at, "");
        let outcome = self.move_money(at, order, resolved, Event::DecisionChanged, events)?;
        if let Some(step_ups) = self
            .step_ups(wallet)
            .filter(|known| known.wrong_in_a_row > 0)
        {
            let step_ups = Box::new(StepUps {
                wrong_in_a_row: 0,
                ..step_ups.clone()
            });
            events.push(Event::StepUpsChanged { wallet, step_ups });
        }
        Ok(outcome)
    }

    /// A proof was wrong. The refusal says how many more may be tried.
    pub(super) fn wrong_proof(
        &self,
        at: Timestamp,
        id: DecisionId,
        wallet: WalletId,
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_await(id, wallet)?;
        let wrong_proofs = decision.wrong_proofs.saturating_add(1);
        let left = Decision::WRONG_PROOFS_MAX.saturating_sub(wrong_proofs);
        let decision = Decision {
            wrong_proofs,
            ..decision.clone()
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
        let mut step_ups = self.step_ups(wallet).cloned().unwrap_or_default();
        step_ups.wrong_in_a_row = step_ups.wrong_in_a_row.saturating_add(1);
        let step_ups = Box::new(step_ups);
        events.push(Event::DecisionChanged(Box::new(decision)));
        events.push(Event::StepUpsChanged { wallet, step_ups });
        Err(Refusal::ProofWrong { left })
    }

    /// An analyst lets money go that is on hold.
    pub(super) fn release(
        &self,
        at: Timestamp,
        order: &Order,
        (id, by, note): (DecisionId, KeyId, &str),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_be_pending(id)?;
        if decision.standing != Standing::InReview {
            return Err(Refusal::DecisionNotPending);
        }
        let roles = [
            Role::Wallet(decision.wallet_no),
            Role::Merchant(decision.merchant_no),
        ];
        let new = payment(decision, order);
        let capture = Step::Capture {
            memo: memo(&new),
            hold: id.into(),
            amounts: None,
            effective: None,
        };
        let standings = self.transact(at, &[capture], events)?;
        let resolved = decision.resolved(Standing::Settled, Resolver::Analyst(by), at, note);
        let order = paid_with(at, order, &resolved);
        events.push(Event::DecisionChanged(Box::new(resolved)));
        events.push(Event::OrderPaid(order.clone()));
        let currency = order.amount.currency;
        let [wallet_balance, merchant_balance] =
            roles.map(|role| self.net(role, currency, &standings));
        Ok(Outcome::Paid {
            order,
            wallet_balance,
            merchant_balance,
        })
    }

    /// An analyst refuses what is pending; money on hold goes back to the payer.
    pub(super) fn deny(
        &self,
        at: Timestamp,
        order: &Order,
        (id, by, note): (DecisionId, KeyId, &str),
        events: &mut Vec<Event>,
    ) -> Decided {
        let decision = self.must_be_pending(id)?;
        if decision.standing == Standing::InReview {
            self.give_back(at, &[decision], events)?;
        }
        let resolved = decision.resolved(Standing::Denied, Resolver::Analyst(by), at, note);
        events.push(Event::DecisionChanged(Box::new(resolved.clone())));
        if decision.standing == Standing::InReview {
            events.push(after_review(at, order));
        }
        Ok(Outcome::Decision(Box::new(resolved)))
    }

    /// The merchant closes an order whose payment is in review.
    pub(super) fn withdraw(
        &self,
        at: Timestamp,
        order: &Order,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let Some(decision) = self.pending.of_order(order.id) else {
            return Ok(());
        };
        self.give_back(at, &[decision], events)?;
        let resolved = decision.resolved(Standing::Withdrawn, Resolver::Merchant, at, "");
        events.push(Event::DecisionChanged(Box::new(resolved)));
        Ok(())
    }

    /// Lets lapse what nobody confirmed or looked at in time, at most `limit` of them.
    pub(super) fn lapse(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let due: Vec<&Decision> = self.pending.due(at).take(limit).collect();
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
            let order = self.order_in_memory(decision.order);
            let held = decision.standing == Standing::InReview;
            // A confirmation that lapses leaves alone what is in review for somebody else.
            if let Some(order) = order.filter(|order| held && order.state == OrderState::InReview) {
                events.push(after_review(at, order));
            }
        }
    }

    /// What an account of these roles holds after a command.
    fn net(
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
        let release = |decision: &&Decision| Step::Release {
            hold: decision.id.into(),
        };
        let steps: Vec<Step> = decisions.iter().map(release).collect();
        self.transact(at, &steps, events).map(|_| ())
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

fn pending(order: &Order, decision: &Decision) -> Outcome {
    Outcome::Pending {
        order: order.clone(),
        decision: Box::new(decision.clone()),
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
