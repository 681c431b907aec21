//! Keys: whose request is this, and what may it ask?

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::id::{BookId, KeyId, MerchantId, WalletId};
use crate::network::Network;
use ledger::{Book, OnceKey, Timestamp};

/// Whom a key speaks for. What each may do is listed beside the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// Who runs the house: opens merchants and wallets, sees the books.
    Operator,
    /// A bank, which says what money came in.
    Bank,
    Merchant(MerchantId),
    Wallet(WalletId),
    /// Somebody who looks for fraud. Each analyst has a key of their own: what one proposes another approves.
    Analyst,
    /// A tenant, who keeps a book of its own here.
    Book(Tenant),
}

impl Owner {
    /// Whether the key is the house's own, and what it does privileged.
    pub const fn is_house(self) -> bool {
        matches!(self, Self::Operator | Self::Bank | Self::Analyst)
    }
}

/// Whose book it is: the book's name outside, and its number in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tenant {
    pub id: BookId,
    pub book: Book,
}

/// A secret encrypted under the house's master key. The pure rules carry it and cannot read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret(pub Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// A short number, for the scope of this key's idempotency keys.
    pub no: u32,
    pub id: KeyId,
    pub owner: Owner,
    pub secret: SealedSecret,
    pub revoked: bool,
}

/// Within what a key may be used, beyond its role. A key of which nothing was said may be used always, from anywhere, and as
/// often as the house lets anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTerms {
    /// It is revoked then.
    pub expires_at: Option<Timestamp>,
    /// Whence it may be used; from anywhere if there are none.
    pub networks: Vec<Network>,
    pub requests_per_s: Option<u32>,
}

impl KeyTerms {
    /// Networks of one key: the offices and data centres of a large company.
    pub const NETWORKS_MAX: usize = 32;
    /// How long a key may go on beside its successor: until every till in the country has the new one.
    pub const OVERLAP_SECS_MAX: u64 = 30 * 24 * 3_600;
}

/// Scopes of the *once* index for the keys of requests: a kind, and the number of whoever signed.
pub const REQUESTS: u64 = 1 << 32;

/// The number of the key that signed the request with this idempotency key.
pub fn asked_by(key: OnceKey) -> Option<u32> {
    let no = u32::try_from(key.scope & u64::from(u32::MAX)).ok()?;
    (key.scope - u64::from(no) == REQUESTS).then_some(no)
}

/// All keys that are known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Keys {
    all: BTreeMap<KeyId, Key>,
    /// Of those of which something was said.
    terms: BTreeMap<KeyId, KeyTerms>,
    expiring: BTreeSet<(Timestamp, KeyId)>,
    /// Keys of the house itself, also those that are forgotten, by their short numbers: so it can be told who did what.
    of_house: BTreeMap<u32, KeyId>,
    of_owner: BTreeMap<Owner, Owned>,
    /// How many were ever made.
    made: u32,
}

/// The keys of one owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Owned {
    /// The oldest first, here and there.
    standing: Vec<KeyId>,
    revoked: VecDeque<KeyId>,
}

impl Keys {
    /// Keys of one owner that stand: one for each till of a large merchant, or each analyst of a large house. A key takes
    /// some 250 bytes, so that nobody who makes as many as they may fills more than 64 KB.
    pub const PER_OWNER_MAX: usize = 256;
    /// Revoked keys of one owner that are still known, so that whoever goes on signing with one hears that it was
    /// revoked. Of older ones they hear that there is no such key.
    pub const REVOKED_PER_OWNER_MAX: usize = 16;

    pub fn get(&self, id: KeyId) -> Option<&Key> {
        self.all.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.all.values()
    }

    pub fn terms(&self, id: KeyId) -> KeyTerms {
        self.terms.get(&id).cloned().unwrap_or_default()
    }

    /// The key of the house itself that has this short number.
    pub fn of_house(&self, no: u32) -> Option<KeyId> {
        self.of_house.get(&no).copied()
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// Keys whose time is over, the first first.
    pub(super) fn expired(&self, at: Timestamp) -> impl Iterator<Item = KeyId> {
        let expired = self
            .expiring
            .iter()
            .take_while(move |(until, _)| *until <= at);
        expired.map(|(_, id)| *id)
    }

    pub fn standing(&self, owner: Owner) -> usize {
        let owned = self.of_owner.get(&owner);
        owned.map_or(0, |owned| owned.standing.len())
    }

    /// Those that stand, and then those that are revoked and still known.
    pub(super) fn ids_of(&self, owner: Owner) -> impl Iterator<Item = KeyId> {
        let owned = self.of_owner.get(&owner).into_iter();
        owned.flat_map(|owned| owned.standing.iter().chain(&owned.revoked).copied())
    }

    /// The short number of the next key.
    pub const fn next_no(&self) -> u32 {
        self.made
    }

    pub(super) fn add(&mut self, key: &Key) {
        self.made = self.made.max(key.no).saturating_add(1);
        self.of_owner
            .entry(key.owner)
            .or_default()
            .standing
            .push(key.id);
        if key.owner.is_house() {
            self.of_house.insert(key.no, key.id);
        }
        self.all.insert(key.id, key.clone());
    }

    pub(super) fn set_terms(&mut self, id: KeyId, terms: &KeyTerms) {
        let before = self.terms.insert(id, terms.clone());
        if let Some(until) = before.and_then(|before| before.expires_at) {
            self.expiring.remove(&(until, id));
        }
        if let Some(until) = terms.expires_at {
            self.expiring.insert((until, id));
        }
    }

    pub(super) fn revoke(&mut self, id: KeyId) {
        let Some(key) = self.all.get_mut(&id).filter(|key| !key.revoked) else {
            return;
        };
        key.revoked = true;
        let terms = self.terms.remove(&id);
        if let Some(until) = terms.and_then(|terms| terms.expires_at) {
            self.expiring.remove(&(until, id));
        }
        let owned = self.of_owner.entry(key.owner).or_default();
        owned.standing.retain(|standing| *standing != id);
        owned.revoked.push_back(id);
        if owned.revoked.len() > Self::REVOKED_PER_OWNER_MAX
            && let Some(oldest) = owned.revoked.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

/// A key in place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateKey {
    pub key: KeyId,
    /// Whose key it must be; an operator's hand reaches all.
    pub owner: Option<Owner>,
    pub successor: KeyId,
    pub secret: SealedSecret,
    /// How long the old key goes on beside the new one.
    pub overlap_secs: u64,
}

/// What changes about a key's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermsChange {
    Networks(Vec<Network>),
    RequestsPerS(Option<u32>),
}
