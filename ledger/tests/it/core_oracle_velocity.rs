//! The oracle's velocity limits: every movement that was ever counted is written down, and summed
//! up again for every question.

use ledger::core::{Day, Direction, VelocityLimit, Window};
use ledger::{AccountNo, Book, NewPosting, Reason, Rejection, Timestamp, TransactionId};

use crate::core_oracle::{Movement, Name, Oracle, Pending, foremost};

impl Oracle {
    /// Counts what moved against the velocity limits of everyone touched.
    pub(crate) fn count(
        &mut self,
        at: Timestamp,
        book: Book,
        hold: Option<TransactionId>,
        moved: &[NewPosting],
    ) -> Result<Vec<(AccountNo, Day)>, Rejection> {
        let mut counted = Vec::new();
        let mut faults = Vec::new();
        for (position, posting) in (0..).zip(moved).filter(|(_, posting)| posting.amount > 0) {
            for id in [posting.debit, posting.credit] {
                let name = (book, id);
                let no = self.accounts[&name].no;
                let limits = self.velocity_limits(name);
                if limits.is_empty() || counted.iter().any(|(of, _)| *of == no) {
                    continue;
                }
                let movement = self.movement_of(name, self.day_of(at, name), hold, moved);
                for reason in self.too_fast(&limits, &movement) {
                    faults.push((reason, 0, position, Some(id)));
                }
                counted.push((no, Day(movement.day)));
                self.movements.push(movement);
            }
        }
        foremost(&faults)?;
        Ok(counted)
    }

    /// The account's day: today, but never before a day on which it was counted already.
    fn day_of(&self, at: Timestamp, name: Name) -> i32 {
        let counted = self
            .movements
            .iter()
            .filter(|movement| movement.account == name);
        let latest = counted.map(|movement| movement.day).max().unwrap_or(0);
        self.day(name.0, at).max(latest)
    }

    fn movement_of(
        &self,
        name: Name,
        day: i32,
        hold: Option<TransactionId>,
        moved: &[NewPosting],
    ) -> Movement {
        let is_debit_normal = self.accounts[&name].kind.is_debit_normal();
        let (mut count, mut amount) = ([0, 0], [0, 0]);
        for posting in moved.iter().filter(|posting| posting.amount > 0) {
            for (id, is_debit) in [(posting.debit, true), (posting.credit, false)] {
                if id == name.1 {
                    let direction = usize::from(is_debit != is_debit_normal);
                    count[direction] = 1;
                    amount[direction] += i128::from(posting.amount);
                }
            }
        }
        Movement {
            account: name,
            day,
            hold,
            count,
            amount,
        }
    }

    fn too_fast(&self, limits: &[VelocityLimit], new: &Movement) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for limit in limits {
            let directions: &[usize] = match limit.direction {
                Direction::In => &[0],
                Direction::Out => &[1],
                Direction::Both => &[0, 1],
            };
            let earlier = self.within(new.account, limit.window, new.day);
            let (mut count, mut amount, mut added) = (0, 0, 0);
            for direction in directions {
                count += earlier.0[*direction] + new.count[*direction];
                amount += earlier.1[*direction] + new.amount[*direction];
                added += new.count[*direction];
            }
            if added > 0 && limit.count_max.is_some_and(|max| count > u64::from(max)) {
                reasons.push(Reason::VelocityCountExceeded);
            }
            if added > 0 && limit.amount_max.is_some_and(|max| amount > i128::from(max)) {
                reasons.push(Reason::VelocityAmountExceeded);
            }
        }
        reasons
    }

    /// What has been counted of an account in the window of a day.
    pub(crate) fn within(&self, name: Name, window: Window, day: i32) -> ([u64; 2], [i128; 2]) {
        let (mut count, mut amount) = ([0, 0], [0, 0]);
        for movement in self
            .movements
            .iter()
            .filter(|movement| movement.account == name)
        {
            let same = match window {
                Window::Day => movement.day == day,
                Window::Month => civil(movement.day) == civil(day),
                Window::Year => civil(movement.day).0 == civil(day).0,
            };
            if same {
                for direction in [0, 1] {
                    count[direction] += movement.count[direction];
                    amount[direction] += movement.amount[direction];
                }
            }
        }
        (count, amount)
    }

    /// Gives back what a hold still holds, and the count if nothing was captured.
    pub(crate) fn uncount(&mut self, pending: &Pending) {
        let book = pending.hold.book;
        for position in 0..self.movements.len() {
            let movement = &self.movements[position];
            if movement.hold != Some(pending.hold.id) || movement.account.0 != book {
                continue;
            }
            let back = self.movement_of(movement.account, movement.day, None, &pending.postings);
            let movement = &mut self.movements[position];
            for direction in [0, 1] {
                movement.amount[direction] -= back.amount[direction];
                if !pending.hold.captured {
                    movement.count[direction] -= back.count[direction];
                }
            }
        }
    }
}

/// Year and month of a day, counted off year by year and month by month.
fn civil(day: i32) -> (i32, i32) {
    let (mut year, mut left) = (1970, day);
    if left < 0 {
        return (1969, 12);
    }
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        for (month, length) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            if left < length {
                return (year, month);
            }
            left -= length;
        }
        year += 1;
    }
}
