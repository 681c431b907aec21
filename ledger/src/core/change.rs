//! Changing several things about an account at once, all or none.

use crate::core::{
    Account, AccountId, AccountState, Book, Class, Description, Event, Ledger, Limits, Rejection,
    VelocityLimit, VelocityOf,
};

/// What is to be different from now on; what is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub limits: Option<Limits>,
    pub state: Option<AccountState>,
    pub class: Option<Class>,
    pub velocity: Option<Vec<VelocityLimit>>,
    pub description: Option<Description>,
}

impl Changes {
    pub(super) fn weight(&self) -> usize {
        let velocity = self.velocity.as_deref().map_or(0, size_of_val);
        velocity + self.description.as_ref().map_or(0, Description::weight)
    }
}

impl Ledger {
    /// Decides on changes of an account, and returns it as it then is.
    pub fn change(
        &self,
        book: Book,
        id: AccountId,
        changes: &Changes,
        events: &mut Vec<Event>,
    ) -> Result<Account, Rejection> {
        let start = events.len();
        let decided = self.try_change(book, id, changes, events);
        if decided.is_err() {
            events.truncate(start);
        }
        decided
    }

    fn try_change(
        &self,
        book: Book,
        id: AccountId,
        changes: &Changes,
        events: &mut Vec<Event>,
    ) -> Result<Account, Rejection> {
        let mut account = *self.find(book, id)?;
        if let Some(limits) = changes.limits {
            self.set_limits(book, id, limits, events)?;
            account.limits = limits;
        }
        if let Some(velocity) = &changes.velocity {
            self.set_velocity(book, VelocityOf::Account(id), velocity, events)?;
        }
        if let Some(description) = &changes.description {
            self.describe(book, id, description, events)?;
        }
        if let Some(class) = changes.class {
            self.set_class(book, id, class, events)?;
            account.class = class;
        }
        if let Some(state) = changes.state {
            self.set_state(book, id, state, events)?;
            account.state = state;
        }
        Ok(account)
    }
}
