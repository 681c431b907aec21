//! Keys: whose request is this, and what may it ask?

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::id::{BookId, KeyId, MerchantId, WalletId};
use ledger::Book;

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

/// All keys that are known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Keys {
    all: BTreeMap<KeyId, Key>,
    of_owner: BTreeMap<Owner, Owned>,
    /// How many were ever made.
    made: u32,
}

/// The keys of one owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Owned {
    standing: u32,
    /// The oldest first.
    revoked: VecDeque<KeyId>,
}

impl Keys {
    /// Keys of one owner that stand: one for each till of a large merchant, or each analyst of a large house. A key takes
    /// some 250 bytes, so that nobody who makes as many as they may fills more than 64 KB.
    pub const PER_OWNER_MAX: u32 = 256;
    /// Revoked keys of one owner that are still known, so that whoever goes on signing with one hears that it was
    /// revoked. Of older ones they hear that there is no such key.
    pub const REVOKED_PER_OWNER_MAX: usize = 16;

    pub fn get(&self, id: KeyId) -> Option<&Key> {
        self.all.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.all.values()
    }

    pub fn standing(&self, owner: Owner) -> u32 {
        self.of_owner.get(&owner).map_or(0, |owned| owned.standing)
    }

    /// The short number of the next key.
    pub const fn next_no(&self) -> u32 {
        self.made
    }

    pub(super) fn add(&mut self, key: &Key) {
        self.made = self.made.max(key.no).saturating_add(1);
        self.of_owner.entry(key.owner).or_default().standing += 1;
        self.all.insert(key.id, key.clone());
    }

    pub(super) fn revoke(&mut self, id: KeyId) {
        let Some(key) = self.all.get_mut(&id).filter(|key| !key.revoked) else {
            return;
        };
        key.revoked = true;
        let owned = self.of_owner.entry(key.owner).or_default();
        owned.standing = owned.standing.saturating_sub(1);
        owned.revoked.push_back(id);
        if owned.revoked.len() > Self::REVOKED_PER_OWNER_MAX
            && let Some(oldest) = owned.revoked.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}
