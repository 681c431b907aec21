//! The oracle's steps: what moves money, and how it is counted.

use ledger::core::{Amounts, Day, Done, Hold, HoldState, Memo, Standing, Step, Transacted};
use ledger::{
    AccountId, AccountNo, AccountState, Balance, Book, NewPosting, NewTransaction, Outcome,
    Posting, Reason, Rejection, Timestamp, TransactionId, TransactionNo,
};

use crate::core_oracle::{
    Fault, Name, Oracle, Past, Pending, foremost, reach, text_faults, worsened,
};

/// What a step does to each account.
#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Post,
    Hold,
    Capture,
    Release,
}

impl Oracle {
    pub(crate) fn post(
        &mut self,
        at: Timestamp,
        book: Book,
        transactions: &[NewTransaction],
    ) -> Result<Outcome, Rejection> {
        let first = TransactionNo(self.transactions.len() as u64 + 1);
        let steps: Vec<Step> = transactions
            .iter()
            .map(|new| Step::Post {
                memo: Memo {
                    id: new.id,
                    kind: new.kind,
                    reference: new.reference.clone(),
                    metadata: std::collections::BTreeMap::new(),
                },
                postings: new.postings.to_vec(),
                amounts: Amounts::Exact,
                effective: None,
                corrects: None,
            })
            .collect();
        let Outcome::Transacted(Transacted { standings, .. }) = self.transact(at, book, &steps)?
        else {
            unreachable!("steps that are taken transact");
        };
        let balances = standings
            .into_iter()
            .map(|(no, standing)| (no, standing.balance));
        let balances = balances.collect();
        Ok(Outcome::Posted { first, balances })
    }

    pub(crate) fn transact(
        &mut self,
        at: Timestamp,
        book: Book,
        steps: &[Step],
    ) -> Result<Outcome, Rejection> {
        if steps.is_empty() {
            return Err(Rejection::new(Reason::TransactionsMissing));
        }
        let earlier = self.transactions.len();
        let mut faults = Vec::new();
        let mut total = 0;
        for (number, step) in (0..).zip(steps) {
            let size = self.size(book, step, &steps[..number as usize]);
            total += size;
            for (reason, posting, account) in self.faults_of_step(at, book, step, size, total) {
                faults.push((reason, number, posting, account));
            }
        }
        foremost(&faults)?;
        let mut done = Vec::new();
        let mut touched = Vec::new();
        for (number, step) in (0..).zip(steps) {
            let did = self.step(at, book, step, earlier, &mut touched);
            done.push(did.map_err(|rejection| Rejection {
                transaction: number,
                ..rejection
            })?);
        }
        let standings = touched.iter().map(|id| {
            let account = &self.accounts[&(book, *id)];
            let (balance, held) = (account.balance, account.held);
            (account.no, Standing { balance, held })
        });
        let standings = standings.collect();
        Ok(Outcome::Transacted(Transacted { done, standings }))
    }

    /// How many postings a step is about.
    fn size(&self, book: Book, step: &Step, before: &[Step]) -> usize {
        match step {
            Step::Post { postings, .. } | Step::Hold { postings, .. } => postings.len(),
            Step::Capture { hold: id, .. } | Step::Release { hold: id } => {
                let known = self.holds.get(&(book, *id)).filter(|pending| !pending.gone);
                let made = before.iter().rev().find_map(|step| match step {
                    Step::Hold { memo, postings, .. } if memo.id == *id => Some(postings.len()),
                    _ => None,
                });
                known
                    .map(|pending| pending.postings.len())
                    .or(made)
                    .unwrap_or(1)
                    .max(1)
            }
            Step::Reverse { transaction, .. } => self
                .past(*transaction)
                .map_or(1, |past| past.postings.len()),
        }
    }

    fn past(&self, no: TransactionNo) -> Option<&Past> {
        self.transactions
            .get(usize::try_from(no.0).unwrap().checked_sub(1)?)
    }

    /// Everything that is wrong with a step before it is looked at what it does.
    fn faults_of_step(
        &self,
        at: Timestamp,
        book: Book,
        step: &Step,
        size: usize,
        total: usize,
    ) -> Vec<(Reason, u32, Option<AccountId>)> {
        let mut faults = Vec::new();
        let mut fault = |reason| faults.push((reason, 0, None));
        if size == 0 {
            fault(Reason::PostingsMissing);
        }
        if size > 256 || total > 8_190 {
            fault(Reason::PostingsTooMany);
        }
        let (memo, effective, amounts) = match step {
            Step::Post {
                memo, effective, ..
            } => (Some(memo), *effective, None),
            Step::Hold { memo, .. } => (Some(memo), None, None),
            Step::Capture {
                memo,
                effective,
                amounts,
                ..
            }
            | Step::Reverse {
                memo,
                effective,
                amounts,
                ..
            } => (Some(memo), *effective, amounts.as_ref()),
            Step::Release { .. } => (None, None, None),
        };
        if let Some(memo) = memo {
            let found = text_faults(memo.reference.as_deref(), &memo.metadata);
            found.into_iter().for_each(&mut fault);
        }
        if let Some(effective) = effective {
            if effective > at {
                fault(Reason::EffectiveInFuture);
            }
            if effective < self.closed_before(book) {
                fault(Reason::PeriodClosed);
            }
        }
        for (position, amount) in (0..).zip(amounts.into_iter().flatten()) {
            if *amount < 0 {
                faults.push((Reason::AmountNotPositive, position, None));
            }
        }
        if let Step::Post { postings, .. } | Step::Hold { postings, .. } = step {
            for (position, posting) in (0..).zip(postings) {
                for (reason, account) in self.faults_of_posting(book, posting) {
                    faults.push((reason, position, account));
                }
            }
        }
        faults
    }

    fn faults_of_posting(
        &self,
        book: Book,
        posting: &NewPosting,
    ) -> Vec<(Reason, Option<AccountId>)> {
        let mut faults = Vec::new();
        if posting.amount < 1 {
            faults.push((Reason::AmountNotPositive, None));
        }
        if posting.debit == posting.credit {
            faults.push((Reason::SameAccount, Some(posting.debit)));
        }
        let mut currencies = Vec::new();
        for id in [posting.debit, posting.credit] {
            match self.accounts.get(&(book, id)) {
                None => faults.push((Reason::AccountNotFound, Some(id))),
                Some(account) => currencies.push(account.currency),
            }
        }
        if currencies.len() == 2 && currencies[0] != currencies[1] {
            faults.push((Reason::AssetsDiffer, Some(posting.credit)));
        }
        faults.extend(self.faults_of_states(book, posting));
        faults
    }

    fn faults_of_states(
        &self,
        book: Book,
        posting: &NewPosting,
    ) -> Vec<(Reason, Option<AccountId>)> {
        let mut faults = Vec::new();
        for (id, is_debit) in [(posting.debit, true), (posting.credit, false)] {
            let Some(account) = self.accounts.get(&(book, id)) else {
                continue;
            };
            if account.state == AccountState::Closed {
                faults.push((Reason::AccountClosed, Some(id)));
            }
            let raises = is_debit == account.kind.is_debit_normal();
            let frozen = match account.state {
                AccountState::Open => false,
                AccountState::FrozenIn => raises,
                AccountState::FrozenOut => !raises,
                AccountState::Frozen | AccountState::Closed => true,
            };
            if frozen {
                faults.push((Reason::AccountFrozen, Some(id)));
            }
        }
        faults
    }

    fn step(
        &mut self,
        at: Timestamp,
        book: Book,
        step: &Step,
        earlier: usize,
        touched: &mut Vec<AccountId>,
    ) -> Result<Done, Rejection> {
        match step {
            Step::Post {
                postings,
                amounts,
                corrects,
                ..
            } => {
                if let Some(no) = corrects {
                    self.earlier(book, *no, earlier)?;
                }
                let moved = self.movement(book, Effect::Post, *amounts, postings, touched)?;
                self.count(at, book, None, &moved)?;
                Ok(self.posted(book, &moved))
            }
            Step::Hold {
                memo,
                postings,
                amounts,
                timeout_secs,
            } => {
                if self
                    .holds
                    .get(&(book, memo.id))
                    .is_some_and(|pending| !pending.gone)
                {
                    return Err(Rejection::new(Reason::HoldExists));
                }
                let held = self.movement(book, Effect::Hold, *amounts, postings, touched)?;
                // What was counted for an earlier hold of this id is no longer this one's.
                for movement in &mut self.movements {
                    if movement.account.0 == book && movement.hold == Some(memo.id) {
                        movement.hold = None;
                    }
                }
                let counted = self.count(at, book, Some(memo.id), &held)?;
                let due = timeout_secs.map(|secs| at.plus_secs(u64::from(secs.get())));
                Ok(self.made(book, memo, held, counted, due))
            }
            Step::Capture { hold, amounts, .. } => {
                self.capture(at, book, *hold, amounts.as_ref(), touched)
            }
            Step::Release { hold } => {
                let mut pending = self.open_hold(book, *hold)?;
                if pending.hold.due.is_some_and(|due| due <= at) {
                    return Err(Rejection::new(Reason::HoldExpired));
                }
                let amounts = pending
                    .postings
                    .iter()
                    .map(|posting| posting.amount)
                    .collect();
                let postings = pending.postings.clone();
                self.movement(book, Effect::Release, Amounts::Exact, &postings, touched)?;
                self.uncount(&pending);
                end(&mut pending, HoldState::Released);
                self.put(pending);
                Ok(Done {
                    transaction: None,
                    amounts,
                })
            }
            Step::Reverse {
                transaction,
                amounts,
                ..
            } => {
                self.earlier(book, *transaction, earlier)?;
                self.reverse(book, *transaction, amounts.as_ref(), touched)
            }
        }
    }

    fn earlier(&self, book: Book, no: TransactionNo, earlier: usize) -> Result<(), Rejection> {
        let known = self
            .past(no)
            .filter(|past| past.book == book && no.0 <= earlier as u64);
        known
            .map(|_| ())
            .ok_or(Rejection::new(Reason::TransactionNotFound))
    }

    fn open_hold(&self, book: Book, id: TransactionId) -> Result<Pending, Rejection> {
        let known = self.holds.get(&(book, id));
        let pending = known.ok_or(Rejection::new(Reason::HoldNotFound))?;
        match pending.hold.state {
            HoldState::Open => Ok(pending.clone()),
            HoldState::Captured => Err(Rejection::new(Reason::HoldCaptured)),
            HoldState::Released => Err(Rejection::new(Reason::HoldReleased)),
            HoldState::Expired => Err(Rejection::new(Reason::HoldExpired)),
        }
    }

    fn put(&mut self, mut pending: Pending) {
        pending.changed = self.sequence;
        pending.gone = false;
        self.holds
            .insert((pending.hold.book, pending.hold.id), pending);
    }

    fn made(
        &mut self,
        book: Book,
        memo: &Memo,
        postings: Vec<NewPosting>,
        counted: Vec<(AccountNo, Day)>,
        due: Option<Timestamp>,
    ) -> Done {
        let amounts = postings.iter().map(|posting| posting.amount).collect();
        let numbered = postings.iter().map(|posting| Posting {
            debit: self.accounts[&(book, posting.debit)].no,
            credit: self.accounts[&(book, posting.credit)].no,
            amount: posting.amount,
        });
        let hold = Hold {
            book,
            id: memo.id,
            kind: memo.kind,
            postings: numbered.collect(),
            due,
            counted,
            captured: false,
            state: HoldState::Open,
        };
        let (changed, gone) = (self.sequence, false);
        self.put(Pending {
            hold,
            postings,
            changed,
            gone,
        });
        Done {
            transaction: None,
            amounts,
        }
    }

    fn capture(
        &mut self,
        at: Timestamp,
        book: Book,
        id: TransactionId,
        amounts: Option<&Vec<i64>>,
        touched: &mut Vec<AccountId>,
    ) -> Result<Done, Rejection> {
        let mut pending = self.open_hold(book, id)?;
        let (asked, mut faults) = self.shared_out(book, amounts, &pending.postings);
        if pending.hold.due.is_some_and(|due| due <= at) {
            faults.push((Reason::HoldExpired, 0, 0, None));
        }
        foremost(&faults)?;
        let moved = self.movement(book, Effect::Capture, Amounts::Exact, &asked, touched)?;
        for (position, posting) in moved.iter().enumerate() {
            pending.postings[position].amount -= posting.amount;
            pending.hold.postings[position].amount -= posting.amount;
        }
        pending.hold.captured = true;
        if pending.postings.iter().all(|posting| posting.amount == 0) {
            pending.hold.state = HoldState::Captured;
        }
        self.put(pending);
        Ok(self.posted(book, &moved))
    }

    fn reverse(
        &mut self,
        book: Book,
        no: TransactionNo,
        amounts: Option<&Vec<i64>>,
        touched: &mut Vec<AccountId>,
    ) -> Result<Done, Rejection> {
        let past = self.past(no).unwrap();
        let mut left = Vec::new();
        for (posting, reversed) in past.postings.iter().zip(&past.reversed) {
            left.push(NewPosting {
                debit: posting.credit,
                credit: posting.debit,
                amount: posting.amount - reversed,
            });
        }
        let (asked, faults) = self.shared_out(book, amounts, &left);
        foremost(&faults)?;
        let moved = self.movement(book, Effect::Post, Amounts::Exact, &asked, touched)?;
        let reversed = &mut self.transactions[usize::try_from(no.0).unwrap() - 1].reversed;
        for (total, posting) in reversed.iter_mut().zip(&moved) {
            *total += posting.amount;
        }
        Ok(self.posted(book, &moved))
    }

    /// The postings with the amounts that were asked for, and all that is wrong with them.
    fn shared_out(
        &self,
        book: Book,
        asked: Option<&Vec<i64>>,
        left: &[NewPosting],
    ) -> (Vec<NewPosting>, Vec<Fault>) {
        let all: Vec<i64> = left.iter().map(|posting| posting.amount).collect();
        let amounts = asked.unwrap_or(&all);
        let mut faults = Vec::new();
        for (position, posting) in (0..).zip(left) {
            if posting.amount > 0 {
                for (reason, account) in self.faults_of_states(book, posting) {
                    faults.push((reason, 0, position, account));
                }
            }
        }
        if amounts.len() != left.len() {
            faults.push((Reason::AmountsMismatch, 0, 0, None));
        }
        let mut postings = Vec::new();
        for (position, (posting, amount)) in (0..).zip(left.iter().zip(amounts)) {
            if *amount > posting.amount {
                faults.push((Reason::AmountExceedsRest, 0, position, None));
            }
            postings.push(NewPosting {
                amount: *amount,
                ..*posting
            });
        }
        if amounts.iter().all(|amount| *amount == 0) {
            faults.push((Reason::NothingToMove, 0, 0, None));
        }
        (postings, faults)
    }

    fn posted(&mut self, book: Book, moved: &[NewPosting]) -> Done {
        let amounts = moved.iter().map(|posting| posting.amount).collect();
        let postings: Vec<NewPosting> = moved
            .iter()
            .filter(|posting| posting.amount > 0)
            .copied()
            .collect();
        let reversed = vec![0; postings.len()];
        self.transactions.push(Past {
            book,
            postings,
            reversed,
        });
        let transaction = Some(TransactionNo(self.transactions.len() as u64));
        Done {
            transaction,
            amounts,
        }
    }

    /// Moves what is asked for, or at most that, and checks the limits.
    fn movement(
        &mut self,
        book: Book,
        effect: Effect,
        amounts: Amounts,
        postings: &[NewPosting],
        touched: &mut Vec<AccountId>,
    ) -> Result<Vec<NewPosting>, Rejection> {
        let before = self.accounts.clone();
        let mut moved = Vec::new();
        for posting in postings {
            let mut posting = *posting;
            if amounts == Amounts::AtMost {
                let room = self.room((book, posting.debit), true);
                let room = room.min(self.room((book, posting.credit), false));
                posting.amount = i64::try_from(room.clamp(0, i128::from(posting.amount))).unwrap();
            }
            let amount = i128::from(posting.amount);
            for (id, is_debit) in [(posting.debit, true), (posting.credit, false)] {
                let account = self.accounts.get_mut(&(book, id)).unwrap();
                let side = |sums: &mut Balance, by: i128| {
                    if is_debit {
                        sums.debits += by;
                    } else {
                        sums.credits += by;
                    }
                };
                if effect == Effect::Post || effect == Effect::Capture {
                    side(&mut account.balance, amount);
                }
                match effect {
                    Effect::Post => {}
                    Effect::Hold => side(&mut account.held, amount),
                    Effect::Capture | Effect::Release => side(&mut account.held, -amount),
                }
                if !touched.contains(&id) {
                    touched.push(id);
                }
            }
            moved.push(posting);
        }
        if amounts == Amounts::AtMost && moved.iter().all(|posting| posting.amount == 0) {
            return Err(Rejection::new(Reason::NothingToMove));
        }
        let mut faults = Vec::new();
        for (position, posting) in (0..).zip(&moved) {
            for id in [posting.debit, posting.credit] {
                let name = (book, id);
                for reason in worsened(&before[&name], &self.accounts[&name]) {
                    faults.push((reason, 0, position, Some(id)));
                }
            }
        }
        foremost(&faults)?;
        Ok(moved)
    }

    fn room(&self, name: Name, is_debit: bool) -> i128 {
        let account = &self.accounts[&name];
        let (lowest, highest) = reach(account);
        if account.kind.is_debit_normal() == is_debit {
            account
                .limits
                .maximum
                .map_or(i128::MAX, |max| i128::from(max) - highest)
        } else {
            lowest - account.limits.minimum.map_or(0, i128::from)
        }
    }

    /// Lets expire what is due, at most so many.
    pub(crate) fn expire(&mut self, at: Timestamp, limit: usize) {
        for _ in 0..limit {
            let open = self
                .holds
                .values()
                .filter(|pending| pending.hold.state == HoldState::Open);
            let due = open.filter_map(|pending| {
                let due = pending.hold.due.filter(|due| *due <= at)?;
                Some((due, pending.hold.book, pending.hold.id))
            });
            let Some((_, book, id)) = due.min() else {
                return;
            };
            let mut pending = self.holds[&(book, id)].clone();
            let postings = pending.postings.clone();
            self.movement(
                book,
                Effect::Release,
                Amounts::Exact,
                &postings,
                &mut Vec::new(),
            )
            .expect("giving back breaks no limit");
            self.uncount(&pending);
            end(&mut pending, HoldState::Expired);
            self.put(pending);
        }
    }
}

fn end(pending: &mut Pending, state: HoldState) {
    for posting in &mut pending.postings {
        posting.amount = 0;
    }
    for posting in &mut pending.hold.postings {
        posting.amount = 0;
    }
    pending.hold.state = state;
}
