//! The keys that callers sign with, ready for use.
//!
//! The machine holds all keys; asking it goes through the queue. So what has been asked for once is kept here, its secret
//! decrypted and hashed into a [`SigningKey`](crate::sign::SigningKey). A change takes the key out again; a look-up that was
//! under way at that moment keeps nothing, so that a key is never kept as it was before its revocation or other terms.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ledger::shell::Handle;
use ledger::{Submission, Timestamp};
use tokio::sync::Semaphore;

use super::pace::Pace;
use crate::api::refused::submit_problem;
use crate::app::secrets::Secrets;
use crate::network::Network;
use crate::pay::{Command, Key, KeyId, KeyTerms, Outcome, Owner, Payments};
use crate::problem::{Code, Problem};

/// Keys kept; a key takes about 400 bytes. When more are in use, some are asked for again.
const KEYS_MAX: usize = 200_000;
/// Look-ups at a time. A stranger can name any key, so this bounds what strangers can put into the queue.
const LOOK_UPS_MAX: usize = 256;

/// A key that is about to be revoked, or to get other terms.
#[derive(Debug)]
pub struct Forgetting<'a> {
    keys: &'a Keys,
    id: KeyId,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.keys.forget(self.id);
    }
}

/// A key as requests are checked with it.
#[derive(Debug)]
pub struct KnownKey {
    pub id: KeyId,
    pub no: u32,
    pub owner: Owner,
    pub signing: crate::sign::SigningKey,
    revoked: bool,
    expires_at: Option<Timestamp>,
    networks: Vec<Network>,
    pace: Option<Pace>,
}

impl KnownKey {
    /// Lets a request in that it has signed, if it stands, may be used from there, and was not used too often just before.
    pub(super) fn admit(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), Problem> {
        self.stands(now, address)?;
        let id = self.id;
        if self.pace.as_ref().is_some_and(|pace| !pace.admit()) {
            let detail = format!("The key {id} sends more requests a second than it may.");
            return Err(Problem::new(Code::RateLimited, detail));
        }
        Ok(())
    }

    /// Whether it stands, and may be used from there.
    pub(crate) fn stands(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), Problem> {
        let id = self.id;
        if self.revoked {
            let detail = format!("The key {id} was revoked.");
            return Err(Problem::new(Code::KeyRevoked, detail));
        }
        if self.expires_at.is_some_and(|until| until <= now) {
            let detail = format!("The key {id} has expired.");
            return Err(Problem::new(Code::KeyRevoked, detail));
        }
        let within = |address| {
            self.networks
                .iter()
                .any(|network| network.contains(address))
        };
        if self.networks.is_empty() || address.is_some_and(within) {
            return Ok(());
        }
        let from = address.map_or_else(
            || "an unknown address".to_owned(),
            |address| address.to_string(),
        );
        let detail = format!("The key {id} may not be used from {from}.");
        Err(Problem::new(Code::AddressNotAllowed, detail))
    }
}

#[derive(Debug)]
pub struct Keys {
    handle: Handle<Payments>,
    secrets: Arc<Secrets>,
    known: RwLock<HashMap<KeyId, Arc<KnownKey>>>,
    /// How often keys were changed.
    changes: AtomicU64,
    /// For keys of which nothing is said.
    requests_per_s: Option<u32>,
    look_ups: Semaphore,
}

impl Keys {
    pub fn new(
        handle: Handle<Payments>,
        secrets: Arc<Secrets>,
        requests_per_s: Option<u32>,
    ) -> Self {
        Self {
            handle,
            secrets,
            known: RwLock::default(),
            changes: AtomicU64::new(0),
            requests_per_s,
            look_ups: Semaphore::new(LOOK_UPS_MAX),
        }
    }

    /// The key of this id, if there is one.
    pub async fn find(&self, id: KeyId) -> Result<Option<Arc<KnownKey>>, Problem> {
        match self.known(id) {
            Some(key) => Ok(Some(key)),
            None => self.look_up(id).await,
        }
    }

    fn known(&self, id: KeyId) -> Option<Arc<KnownKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }

    async fn look_up(&self, id: KeyId) -> Result<Option<Arc<KnownKey>>, Problem> {
        let Ok(_permit) = self.look_ups.try_acquire() else {
            let detail = "Too many keys are being looked up at this moment.";
            return Err(Problem::new(Code::Busy, detail));
        };
        let changes = self.changes.load(Ordering::SeqCst);
        let answer = self.handle.submit(Submission::new(Command::FindKey(id)));
        let outcome = answer.await.map_err(submit_problem)?.outcome;
        let Outcome::KeyOnTerms(key, terms) = outcome else {
            return Ok(None);
        };
        let key = Arc::new(self.prepare(&key, terms)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == changes {
            if known.len() >= KEYS_MAX {
                // Any one will do: which keys are asked for next is not ours to know.
                let some = known.keys().next().copied();
                some.map(|some| known.remove(&some));
            }
            known.insert(id, key.clone());
        }
        Ok(Some(key))
    }

    fn prepare(&self, key: &Key, terms: KeyTerms) -> Result<KnownKey, Problem> {
        let secret = self.secrets.open(&key.secret, &key.id.to_string());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        Ok(KnownKey {
            id: key.id,
            no: key.no,
            owner: key.owner,
            signing: crate::sign::SigningKey::new(secret.expose()),
            revoked: key.revoked,
            expires_at: terms.expires_at,
            networks: terms.networks,
            pace: terms.requests_per_s.or(self.requests_per_s).map(Pace::new),
        })
    }

    /// Forgets a key when the guard goes, whatever became of the change until then: whoever asked for it may have
    /// stopped waiting while it was becoming durable.
    pub fn forget_after(&self, id: KeyId) -> Forgetting<'_> {
        Forgetting { keys: self, id }
    }

    fn forget(&self, id: KeyId) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.remove(&id);
    }
}
