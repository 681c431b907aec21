//! What analysts may do, and when.

use std::sync::Arc;

use ledger::{AccountState, Timestamp};

use super::decision::About;
use super::desk::{
    Command, DRAFTS_MAX, Desk, Draft, ENTRIES_MAX, Entry, Event, List, MODELS_MAX, Model, Outcome,
    Part, Party, Published, Said, Subject,
};
use super::id::{DraftId, KeyId, MerchantId, WalletId};
use super::message;
use super::recipe::{PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

impl Payments {
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(super) fn at_desk(
        &self,
        at: Timestamp,
        command: &Command,
        events: &mut Vec<message::Event>,
    ) -> Result<message::Outcome, Refusal> {
        let mut made = Vec::new();
        let outcome = self.decide_at_desk(at, command, &mut made, events);
        let happened = made.into_iter().map(Box::new).map(message::Event::Desk);
        events.extend(happened);
        outcome.map(|outcome| message::Outcome::Desk(Box::new(outcome)))
    }

    fn decide_at_desk(
        &self,
        at: Timestamp,
        command: &Command,
        made: &mut Vec<Event>,
        events: &mut Vec<message::Event>,
    ) -> Decided {
        let desk = &self.desk;
        match command {
            Command::Draft {
                id,
                by,
                note,
                rules,
            } => {
                let draft = Draft {
                    id: *id,
                    author: *by,
                    at,
                    note: note.clone(),
                    base: desk.running_version(),
                    rules: rules.clone(),
                };
                desk.draft(draft, made)
            }
            Command::Approve { id, by } => desk.approve(at, *id, *by, made),
            Command::Discard { id } => desk.discard(*id, made),
            Command::GoBack { to, by, note } => desk.go_back(at, *to, *by, note, made),
            Command::Enter {
                list,
                subject,
                until,
                by,
                note,
            } => {
                let entry = Entry {
                    list: *list,
                    subject: subject.clone(),
                    until: *until,
                    by: *by,
                    at,
                    note: note.clone(),
                };
                self.must_be_known(subject)?;
                desk.enter(entry, made)
            }
            Command::Strike { list, subject, by } => desk.strike(at, *list, subject, *by, made),
            Command::AddModel(model) => desk.add_model(at, model, made),
            Command::UseModel { version, part, by } => {
                desk.use_model(at, *version, *part, *by, made)
            }
            Command::Say(said) => {
                made.push(said.event(at));
                Ok(Outcome::Done)
            }
            Command::Freeze {
                who,
                frozen,
                by,
                note,
            } => {
                self.freeze(*who, *frozen, events)?;
                made.push(frozen_event(*who, *frozen, (*by, at, note)));
                Ok(Outcome::Done)
            }
            Command::Look => Ok(Outcome::Desk(Arc::clone(desk))),
        }
    }

    /// Nobody is put on a list by a mistyped id. Devices are known by their payments alone.
    fn must_be_known(&self, subject: &Subject) -> Result<(), Refusal> {
        match subject {
            Subject::Wallet(id) if !self.wallets.contains_key(id) => Err(Refusal::WalletNotFound),
            Subject::Merchant(id) if !self.merchants.contains_key(id) => {
                Err(Refusal::MerchantNotFound)
            }
            _ => Ok(()),
        }
    }

    fn freeze(
        &self,
        who: Party,
        frozen: bool,
        events: &mut Vec<message::Event>,
    ) -> Result<(), Refusal> {
        match who {
            Party::Wallet(wallet) => self.freeze_wallet(wallet, frozen, events),
            Party::Merchant(merchant) if self.merchants.contains_key(&merchant) => Ok(()),
            Party::Merchant(_) => Err(Refusal::MerchantNotFound),
        }
    }

    /// Money still comes in to a frozen wallet, so that refunds reach it.
    fn freeze_wallet(
        &self,
        wallet: WalletId,
        frozen: bool,
        events: &mut Vec<message::Event>,
    ) -> Result<(), Refusal> {
        let wallet = self.wallets.get(&wallet).ok_or(Refusal::WalletNotFound)?;
        let state = if frozen {
            AccountState::FrozenOut
        } else {
            AccountState::Open
        };
        let mut made = Vec::new();
        for currency in &wallet.currencies {
            let account = Role::Wallet(wallet.no).account(*currency);
            self.ledger
                .set_state(PAYMENTS_BOOK, account, state, &mut made)?;
        }
        events.extend(made.into_iter().map(message::Event::Ledger));
        Ok(())
    }

    /// Nobody pays a frozen merchant. It is a rule of payments and not a state of its accounts, because a refund gives a
    /// merchant its part of the fee back, and refunds go on.
    pub(super) fn must_take_payments(&self, merchant: MerchantId) -> Result<(), Refusal> {
        if self.desk.frozen.contains(&merchant) {
            return Err(Refusal::MerchantFrozen);
        }
        Ok(())
    }

    /// Whether money may move for what it is asked for, besides what its own rules say.
    pub(super) fn may_move(&self, about: About) -> Result<(), Refusal> {
        match about {
            About::Order { merchant, .. } => self.must_take_payments(merchant),
            About::Combined(id) => {
                let parts = self.combined.get(id).map(|combined| &combined.parts);
                let mut parts = parts.into_iter().flatten();
                parts.try_for_each(|part| self.must_take_payments(part.merchant))
            }
            About::Transfer { .. } | About::RedPacket(_) => Ok(()),
        }
    }
}

impl Desk {
    fn discard(&self, id: DraftId, events: &mut Vec<Event>) -> Decided {
        self.drafts.get(&id).ok_or(Refusal::DraftNotFound)?;
        events.push(Event::Discarded(id));
        Ok(Outcome::Done)
    }

    fn draft(&self, draft: Draft, events: &mut Vec<Event>) -> Decided {
        if self.drafts.len() >= DRAFTS_MAX {
            return Err(Refusal::DraftsTooMany);
        }
        events.push(Event::Drafted(draft.clone()));
        Ok(Outcome::Draft(draft))
    }

    /// Four eyes: who wrote rules cannot let them run, and nobody lets rules run that were written against others than
    /// those that run now.
    fn approve(&self, at: Timestamp, id: DraftId, by: KeyId, events: &mut Vec<Event>) -> Decided {
        let draft = self.drafts.get(&id).ok_or(Refusal::DraftNotFound)?;
        if draft.author == by {
            return Err(Refusal::SamePerson);
        }
        let running = self.running_version();
        if draft.base != running {
            return Err(Refusal::DraftOutdated { running });
        }
        let published = Published {
            version: running + 1,
            author: draft.author,
            approver: by,
            at,
            note: draft.note.clone(),
            restores: None,
            rules: draft.rules.clone(),
        };
        events.push(Event::Published {
            draft: Some(id),
            published: published.clone(),
        });
        Ok(Outcome::Published(published))
    }

    fn go_back(
        &self,
        at: Timestamp,
        to: u32,
        by: KeyId,
        note: &str,
        events: &mut Vec<Event>,
    ) -> Decided {
        let mut kept = self.published.iter();
        let earlier = kept.find(|published| published.version == to);
        let earlier = earlier.ok_or(Refusal::VersionNotFound)?;
        let published = Published {
            version: self.running_version() + 1,
            author: earlier.author,
            approver: by,
            at,
            note: note.to_owned(),
            restores: Some(to),
            rules: earlier.rules.clone(),
        };
        events.push(Event::Published {
            draft: None,
            published: published.clone(),
        });
        Ok(Outcome::Published(published))
    }

    fn enter(&self, entry: Entry, events: &mut Vec<Event>) -> Decided {
        if entry.until.is_some_and(|until| until < entry.at) {
            return Err(Refusal::EntryEnded);
        }
        let known = self
            .entries
            .contains_key(&(entry.list, entry.subject.clone()));
        if !known && self.entries.len() >= ENTRIES_MAX {
            return Err(Refusal::EntriesTooMany);
        }
        events.push(Event::Entered(entry.clone()));
        Ok(Outcome::Entry(entry))
    }

    fn strike(
        &self,
        at: Timestamp,
        list: List,
        subject: &Subject,
        by: KeyId,
        events: &mut Vec<Event>,
    ) -> Decided {
        let subject = subject.clone();
        let entry = self.entries.get(&(list, subject.clone()));
        let entry = entry.ok_or(Refusal::EntryNotFound)?.clone();
        events.push(Event::Struck {
            list,
            subject,
            by,
            at,
        });
        Ok(Outcome::Entry(entry))
    }

    /// The same file is the same model.
    fn add_model(&self, at: Timestamp, new: &Model, events: &mut Vec<Event>) -> Decided {
        let mut known = self.models.values();
        if let Some(known) = known.find(|known| known.digest == new.digest) {
            return Ok(Outcome::Model(known.clone()));
        }
        if self.models.len() >= MODELS_MAX {
            return Err(Refusal::ModelsTooMany);
        }
        let newest = self.models.last_key_value();
        let model = Model {
            version: newest.map_or(0, |(version, _)| *version) + 1,
            at,
            ..new.clone()
        };
        events.push(Event::ModelAdded(model.clone()));
        Ok(Outcome::Model(model))
    }

    fn use_model(
        &self,
        at: Timestamp,
        version: u32,
        part: Part,
        by: KeyId,
        events: &mut Vec<Event>,
    ) -> Decided {
        if version != 0 {
            let model = self.models.get(&version).ok_or(Refusal::ModelNotFound)?;
            if part == Part::Champion && model.by == by {
                return Err(Refusal::SamePerson);
            }
        }
        events.push(Event::ModelUsed {
            version,
            part,
            by,
            at,
        });
        Ok(Outcome::Done)
    }
}

impl Said {
    /// What is said about a decision is only an event.
    fn event(&self, at: Timestamp) -> Event {
        match self {
            Self::Label {
                decision,
                label,
                by,
                note,
            } => Event::Labelled {
                decision: *decision,
                label: *label,
                by: *by,
                at,
                note: note.clone(),
            },
            Self::Note { decision, by, text } => Event::Noted {
                decision: *decision,
                by: *by,
                at,
                text: text.clone(),
            },
        }
    }
}

fn frozen_event(who: Party, frozen: bool, (by, at, note): (KeyId, Timestamp, &str)) -> Event {
    let note = note.to_owned();
    match who {
        Party::Wallet(wallet) => Event::WalletFrozen {
            wallet,
            frozen,
            by,
            at,
            note,
        },
        Party::Merchant(merchant) => Event::MerchantFrozen {
            merchant,
            frozen,
            by,
            at,
            note,
        },
    }
}
