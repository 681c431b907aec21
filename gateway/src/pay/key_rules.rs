//! Making keys, replacing them, saying whence and how often they may be used, and revoking them.

use ledger::Timestamp;

use super::id::KeyId;
use super::key::{Key, KeyTerms, Keys, Owner, RotateKey, SealedSecret, TermsChange};
use super::message::{Event, Outcome};
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

impl Payments {
    pub(super) fn add_key(
        &self,
        id: KeyId,
        owner: Owner,
        secret: &SealedSecret,
        events: &mut Vec<Event>,
    ) -> Decided {
        match owner {
            Owner::Merchant(id) if !self.merchants.contains_key(&id) => {
                return Err(Refusal::MerchantNotFound);
            }
            Owner::Book(tenant)
                if self.books.get(&tenant.id).map(|book| book.tenant) != Some(tenant) =>
            {
                return Err(Refusal::BookNotFound);
            }
            Owner::Wallet(id) if !self.wallets.contains_key(&id) => {
                return Err(Refusal::WalletNotFound);
            }
            _ => {}
        }
        if self.keys.get(id).is_some() {
            return Err(Refusal::IdTaken);
        }
        if self.keys.standing(owner) >= Keys::PER_OWNER_MAX {
            return Err(Refusal::KeysTooMany);
        }
        let key = Key {
            no: self.keys.next_no(),
            id,
            owner,
            secret: secret.clone(),
            revoked: false,
        };
        events.push(Event::KeyAdded(key.clone()));
        Ok(Outcome::Key(key))
    }

    /// Revoking a revoked key is no event.
    pub(super) fn revoke_key(&self, id: KeyId, events: &mut Vec<Event>) -> Decided {
        let key = self.keys.get(id).ok_or(Refusal::KeyNotFound)?;
        if !key.revoked {
            events.push(Event::KeyRevoked(id));
        }
        Ok(Outcome::Key(Key {
            revoked: true,
            ..key.clone()
        }))
    }

    /// A key that stands, if it is this owner's.
    fn standing_key(&self, id: KeyId, owner: Option<Owner>) -> Result<&Key, Refusal> {
        let key = self.keys.get(id).filter(|key| !key.revoked);
        key.filter(|key| owner.is_none_or(|owner| owner == key.owner))
            .ok_or(Refusal::KeyNotFound)
    }

    /// The successor has the terms of the key before it, and no end of its own. A key that already ends sooner than the overlap
    /// keeps its end.
    pub(super) fn rotate_key(
        &self,
        at: Timestamp,
        rotate: &RotateKey,
        events: &mut Vec<Event>,
    ) -> Decided {
        let key = self.standing_key(rotate.key, rotate.owner)?;
        let terms = self.keys.terms(key.id);
        let added = self.add_key(rotate.successor, key.owner, &rotate.secret, events)?;
        let Outcome::Key(successor) = added else {
            return Ok(added);
        };
        let inherited = KeyTerms {
            expires_at: None,
            ..terms.clone()
        };
        if inherited != KeyTerms::default() {
            events.push(terms_set(successor.id, inherited.clone()));
        }
        let until = at.plus_secs(rotate.overlap_secs.min(KeyTerms::OVERLAP_SECS_MAX));
        let until = terms.expires_at.map_or(until, |sooner| sooner.min(until));
        if until > at {
            let expires_at = Some(until);
            events.push(terms_set(
                key.id,
                KeyTerms {
                    expires_at,
                    ..terms
                },
            ));
        } else {
            events.push(Event::KeyRevoked(key.id));
        }
        Ok(Outcome::KeyRotated {
            successor,
            terms: inherited,
            replaced_until: until,
        })
    }

    /// Saying what holds already is no event.
    pub(super) fn change_key_terms(
        &self,
        id: KeyId,
        owner: Option<Owner>,
        change: &TermsChange,
        events: &mut Vec<Event>,
    ) -> Decided {
        let key = self.standing_key(id, owner)?;
        let before = self.keys.terms(id);
        let terms = match change {
            TermsChange::Networks(networks) if networks.len() > KeyTerms::NETWORKS_MAX => {
                let what = format!("a key has at most {} networks", KeyTerms::NETWORKS_MAX);
                return Err(Refusal::TermsInvalid { what });
            }
            TermsChange::Networks(networks) => KeyTerms {
                networks: networks.clone(),
                ..before.clone()
            },
            TermsChange::RequestsPerS(Some(0)) => {
                let what = "a key that may ask nothing is to be revoked".to_owned();
                return Err(Refusal::TermsInvalid { what });
            }
            TermsChange::RequestsPerS(requests_per_s) => KeyTerms {
                requests_per_s: *requests_per_s,
                ..before.clone()
            },
        };
        if terms != before {
            events.push(terms_set(id, terms.clone()));
        }
        Ok(Outcome::KeyOnTerms(key.clone(), terms))
    }

    pub(super) fn find_key(&self, id: KeyId) -> Decided {
        let key = self.keys.get(id).ok_or(Refusal::KeyNotFound)?;
        Ok(Outcome::KeyOnTerms(key.clone(), self.keys.terms(id)))
    }

    /// The keys of one owner that are known, the first first.
    pub(super) fn keys_of(&self, owner: Owner) -> Outcome {
        let ids = self.keys.ids_of(owner);
        let known = ids.filter_map(|id| Some((self.keys.get(id)?.clone(), self.keys.terms(id))));
        Outcome::Keys(known.collect())
    }

    /// What is over is revoked.
    pub(super) fn expire_keys(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        events.extend(self.keys.expired(at).take(limit).map(Event::KeyRevoked));
    }
}

fn terms_set(id: KeyId, terms: KeyTerms) -> Event {
    Event::KeyTermsSet {
        id,
        terms: Box::new(terms),
    }
}
