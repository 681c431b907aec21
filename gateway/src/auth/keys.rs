//! The keys that callers sign with, ready for use.
//!
//! The machine holds all keys; asking it goes through the queue. So what has been asked for once is kept here, its secret
//! decrypted and hashed into a [`SigningKey`]. A revocation takes the key out again; a look-up that was under way at
//! that moment keeps nothing, so that a key that was revoked is never kept as one that stands.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ledger::Submission;
use ledger::shell::Handle;
use tokio::sync::Semaphore;

use super::Caller;
use crate::api::refused::submit_problem;
use crate::app::secrets::Secrets;
use crate::pay::{Command, Key, KeyId, Outcome, Payments};
use crate::problem::{Code, Problem};

/// Keys kept; a key takes about 400 bytes. When more are in use, some are asked for again.
const KEYS_MAX: usize = 200_000;
/// Look-ups at a time. A stranger can name any key, so this bounds what strangers can put into the queue.
const LOOK_UPS_MAX: usize = 256;

/// A key that is about to be revoked.
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
    pub caller: Caller,
    pub signing: crate::sign::SigningKey,
    pub revoked: bool,
}

#[derive(Debug)]
pub struct Keys {
    handle: Handle<Payments>,
    secrets: Arc<Secrets>,
    known: RwLock<HashMap<KeyId, Arc<KnownKey>>>,
    /// How often keys were revoked.
    revocations: AtomicU64,
    look_ups: Semaphore,
}

impl Keys {
    pub fn new(handle: Handle<Payments>, secrets: Arc<Secrets>) -> Self {
        Self {
            handle,
            secrets,
            known: RwLock::default(),
            revocations: AtomicU64::new(0),
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
        let revocations = self.revocations.load(Ordering::SeqCst);
        let answer = self.handle.submit(Submission::new(Command::FindKey(id)));
        let outcome = answer.await.map_err(submit_problem)?.outcome;
        let Outcome::Key(key) = outcome else {
            return Ok(None);
        };
        let key = Arc::new(self.prepare(&key)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.revocations.load(Ordering::SeqCst) == revocations {
            if known.len() >= KEYS_MAX {
                // Any one will do: which keys are asked for next is not ours to know.
                let some = known.keys().next().copied();
                some.map(|some| known.remove(&some));
            }
            known.insert(id, key.clone());
        }
        Ok(Some(key))
    }

    fn prepare(&self, key: &Key) -> Result<KnownKey, Problem> {
        let secret = self.secrets.open(&key.secret, &key.id.to_string());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        Ok(KnownKey {
            caller: Caller {
                key: key.id,
                no: key.no,
                owner: key.owner,
            },
            signing: crate::sign::SigningKey::new(secret.expose()),
            revoked: key.revoked,
        })
    }

    /// Forgets a key when the guard goes, whatever became of the revocation until then: whoever asked for it may have
    /// stopped waiting while it was becoming durable.
    pub fn forget_after(&self, id: KeyId) -> Forgetting<'_> {
        Forgetting { keys: self, id }
    }

    fn forget(&self, id: KeyId) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.revocations.fetch_add(1, Ordering::SeqCst);
        known.remove(&id);
    }
}
