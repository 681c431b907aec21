//! Names of accounts: paths such as `assets:bank:cny`, which make a book's accounts a tree.
//!
//! An account may be opened under a name instead of a number of the caller's own; its id is then a
//! digest of the name. The name is kept, so that whoever reads of the account can be told it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::core::rejection::Foremost;
use crate::core::{
    AccountId, AccountKind, AccountNo, Book, Description, Event, Ledger, Limits, NewAccount,
    Reason, Rejection,
};
use fx::Currency;

/// Long enough for six or seven levels of words.
pub const ACCOUNT_NAME_BYTES_MAX: usize = 120;
/// Between the levels of a name.
const SEPARATOR: char = ':';
/// Says what is hashed, so that a name's digest is never that of something else.
const DOMAIN: &[u8] = b"jiaozi account name 1\0";

/// One or more words between colons, of letters, digits, `-`, `_` and `.` in ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct AccountName(Box<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account's name is one or more words of letters, digits, '-', '_' and '.' with ':' between \
     them, at most {ACCOUNT_NAME_BYTES_MAX} characters in all, as in assets:bank:cny"
)]
pub struct AccountNameError;

impl AccountName {
    pub fn new(text: &str) -> Result<Self, AccountNameError> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let word = |word: &str| !word.is_empty() && word.bytes().all(letter);
        if text.len() <= ACCOUNT_NAME_BYTES_MAX && text.split(SEPARATOR).all(word) {
            Ok(Self(text.into()))
        } else {
            Err(AccountNameError)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words from the root downwards.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR)
    }

    /// The id of the account of this name in any book.
    pub fn id(&self) -> AccountId {
        let digest = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(self.0.as_bytes())
            .finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        AccountId(u128::from_be_bytes(first))
    }
}

impl TryFrom<Box<str>> for AccountName {
    type Error = AccountNameError;

    fn try_from(text: Box<str>) -> Result<Self, AccountNameError> {
        Self::new(&text)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account to be opened under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAccount {
    pub name: AccountName,
    pub currency: Currency,
    pub kind: AccountKind,
    pub limits: Limits,
    pub description: Description,
}

impl NamedAccount {
    fn terms(&self, book: Book) -> NewAccount {
        NewAccount {
            book,
            id: self.name.id(),
            currency: self.currency,
            kind: self.kind,
            limits: self.limits,
        }
    }

    pub(super) fn weight(&self) -> usize {
        size_of_val(self) + self.name.0.len() + self.description.weight()
    }
}

impl Ledger {
    /// The name of an account, if it was opened under one.
    pub fn name(&self, account: AccountNo) -> Option<&AccountName> {
        self.names.get(&account)
    }

    /// Decides to open accounts under names, all or none. An account that is open on the same terms
    /// is no event, and keeps its description.
    pub fn open_named(
        &self,
        book: Book,
        accounts: &[NamedAccount],
        events: &mut Vec<Event>,
    ) -> Result<Vec<AccountNo>, Rejection> {
        let mut foremost = Foremost::default();
        for (position, account) in (0..).zip(accounts) {
            let id = account.name.id();
            let known = self.account(book, id);
            if known.is_some_and(|known| self.name(known.no) != Some(&account.name)) {
                let rejection = Rejection::new(Reason::AccountExists).at(0, position);
                foremost.note(rejection.of_account(id));
            }
            if let Some(reason) = account.description.fault() {
                foremost.note(Rejection::new(reason).at(0, position).of_account(id));
            }
        }
        let terms: Vec<NewAccount> = accounts.iter().map(|new| new.terms(book)).collect();
        let start = events.len();
        let opened = self.open(&terms, events);
        let opened = foremost
            .join(opened)
            .inspect_err(|_| events.truncate(start))?;
        let mut next = self.number_after(0);
        for (no, account) in opened.iter().zip(accounts) {
            // The first mention of a new account opens it; numbers are given in that order.
            if *no == next {
                next = AccountNo(next.0 + 1);
                let name = account.name.clone();
                events.push(Event::Named { account: *no, name });
                if account.description != Description::default() {
                    let description = account.description.clone();
                    events.push(Event::Described {
                        account: *no,
                        description,
                    });
                }
            }
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_of_words() {
        for text in ["a", "assets:bank:cny", "Liabilities:wallet-7:v1.2_x"] {
            assert_eq!(
                AccountName::new(text).map(|name| name.to_string()),
                Ok(text.to_owned())
            );
        }
        let long = "a".repeat(ACCOUNT_NAME_BYTES_MAX + 1);
        for text in ["", ":", "a:", ":a", "a::b", "a b", "é", "a/b", &long] {
            assert_eq!(AccountName::new(text), Err(AccountNameError), "{text:?}");
        }
        let name = AccountName::new("assets:bank").unwrap();
        assert_eq!(name.words().collect::<Vec<_>>(), ["assets", "bank"]);
    }

    #[test]
    fn names_have_ids_of_their_own_that_never_change() {
        let id = |text| AccountName::new(text).unwrap().id();
        assert_ne!(id("a"), id("b"));
        assert_eq!(
            id("assets:bank").to_string(),
            "2816b010f0b7d9cf97674c851615017f"
        );
    }
}
