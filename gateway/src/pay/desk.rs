//! The analysts' desk: rules and who approved them, lists, models, and what was said about decisions.
//!
//! What the scorer runs is kept here, because a start must find it at once; what was said about single decisions (labels,
//! notes) is only an event and stands in the views. The rules of payments do not read any of it: they act on what the
//! scorer said, and the scorer is told of changes by whoever runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fraud::rule::Rule;
use ledger::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::Label;
use super::id::{DecisionId, DraftId, KeyId, MerchantId, WalletId};

/// Proposals that nobody has decided about.
pub const DRAFTS_MAX: usize = 100;
/// Versions of the rules that can be gone back to at once; older ones stand in the views and can be drafted again.
pub const VERSIONS_KEPT: usize = 20;
/// Entries over all lists: a scorer looks one up in well under a microsecond, and they fit into some ten megabytes, with
/// their notes into a hundred at most.
pub const ENTRIES_MAX: usize = 100_000;
/// Models that can be made to speak.
pub const MODELS_MAX: usize = 50;

/// Rules that somebody proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub id: DraftId,
    pub author: KeyId,
    pub at: Timestamp,
    /// Why.
    pub note: String,
    /// The version that ran when it was written, and that it replaces.
    pub base: u32,
    pub rules: Vec<Rule>,
}

/// What a draft would change of what runs, by the rules' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesChange {
    pub adds: Vec<String>,
    pub changes: Vec<String>,
    /// A draft is all that shall run: what it leaves out runs no more.
    pub removes: Vec<String>,
}

/// Rules that ran or run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub version: u32,
    pub author: KeyId,
    pub approver: KeyId,
    pub at: Timestamp,
    pub note: String,
    /// The earlier version whose rules these are, if they were gone back to.
    pub restores: Option<u32>,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum List {
    /// Is refused.
    Block,
    /// Is let through without asking the model.
    Allow,
    /// Is let through as it would be, and shown to analysts.
    Watch,
}

impl List {
    pub const ALL: [Self; 3] = [Self::Block, Self::Allow, Self::Watch];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Watch => "watch",
        }
    }
}

/// Who or what is on a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    Wallet(WalletId),
    Merchant(MerchantId),
    /// By the name that payments bring along.
    Device(String),
}

impl Subject {
    /// Its name in the scorer.
    pub fn key(&self) -> fraud::Key {
        match self {
            Self::Wallet(id) => fraud::Key::from(id.0),
            Self::Merchant(id) => fraud::Key::from(id.0),
            Self::Device(name) => fraud::Key::of(name),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub list: List,
    pub subject: Subject,
    /// The last moment it counts.
    pub until: Option<Timestamp>,
    pub by: KeyId,
    pub at: Timestamp,
    pub note: String,
}

/// A model that was uploaded. The file itself is kept beside the journal, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// From 1; 0 is the scorecard that is built in.
    pub version: u32,
    pub digest: [u8; 32],
    pub bytes: u64,
    pub features: u32,
    pub trees: u32,
    /// Rows it was trained on, and frauds among them.
    pub rows: u64,
    pub frauds: u64,
    pub by: KeyId,
    pub at: Timestamp,
    pub note: String,
}

/// What a model does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// It decides; version 0 lets the scorecard decide again.
    Champion,
    /// It scores alongside, without a say; version 0 ends that.
    Challenger,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Draft {
        id: DraftId,
        by: KeyId,
        note: String,
        rules: Vec<Rule>,
    },
    /// Rules run from now on; approved by somebody else than who wrote them.
    Approve {
        id: DraftId,
        by: KeyId,
    },
    /// A draft comes to nothing.
    Discard {
        id: DraftId,
    },
    /// The rules of an earlier version run again. They were approved once, so nobody need do it again.
    GoBack {
        to: u32,
        by: KeyId,
        note: String,
    },
    Enter {
        list: List,
        subject: Subject,
        until: Option<Timestamp>,
        by: KeyId,
        note: String,
    },
    Strike {
        list: List,
        subject: Subject,
        by: KeyId,
    },
    AddModel(Model),
    /// A model is given a part by somebody else than who uploaded it.
    UseModel {
        version: u32,
        part: Part,
        by: KeyId,
    },
    Say(Said),
    /// Somebody is stopped, or let go again.
    Freeze {
        who: Party,
        frozen: bool,
        by: KeyId,
        note: String,
    },
    /// A question: all that the desk holds.
    Look,
}

/// Something that is said about a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Label {
        decision: DecisionId,
        label: Label,
        by: KeyId,
        note: String,
    },
    Note {
        decision: DecisionId,
        by: KeyId,
        text: String,
    },
}

/// Who can be frozen: a wallet, out of which nothing goes then, or a merchant, whom nobody can pay then. Refunds reach the
/// one and leave the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Wallet(WalletId),
    Merchant(MerchantId),
}

/// Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Drafted(Draft),
    Discarded(DraftId),
    /// The draft that it was, if it was one, is no more.
    Published {
        draft: Option<DraftId>,
        published: Published,
    },
    Entered(Entry),
    Struck {
        list: List,
        subject: Subject,
        by: KeyId,
        at: Timestamp,
    },
    ModelAdded(Model),
    ModelUsed {
        version: u32,
        part: Part,
        by: KeyId,
        at: Timestamp,
    },
    Labelled {
        decision: DecisionId,
        label: Label,
        by: KeyId,
        at: Timestamp,
        note: String,
    },
    Noted {
        decision: DecisionId,
        by: KeyId,
        at: Timestamp,
        text: String,
    },
    WalletFrozen {
        wallet: WalletId,
        frozen: bool,
        by: KeyId,
        at: Timestamp,
        note: String,
    },
    MerchantFrozen {
        merchant: MerchantId,
        frozen: bool,
        by: KeyId,
        at: Timestamp,
        note: String,
    },
}

impl Event {
    /// Whether the scorer must be told.
    pub const fn concerns_the_scorer(&self) -> bool {
        matches!(
            self,
            Self::Published { .. }
                | Self::Entered(_)
                | Self::Struck { .. }
                | Self::ModelUsed { .. }
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Draft(Draft),
    Published(Published),
    Entry(Entry),
    Model(Model),
    Desk(#[serde(with = "shared")] Arc<Desk>),
}

/// A desk that is shared is written as any other.
pub(super) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Desk;

    pub(in super::super) fn serialize<S: Serializer>(
        desk: &Arc<Desk>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        Desk::serialize(desk, out)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<Desk>, D::Error> {
        Desk::deserialize(from).map(Arc::new)
    }
}

/// All that is on the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    pub drafts: BTreeMap<DraftId, Draft>,
    /// The newest last.
    pub published: Vec<Published>,
    pub entries: BTreeMap<(List, Subject), Entry>,
    pub models: BTreeMap<u32, Model>,
    /// The versions of the models that speak; 0 is none.
    pub champion: u32,
    pub challenger: u32,
    /// Merchants whom nobody can pay.
    pub frozen: BTreeSet<MerchantId>,
}

impl Desk {
    /// The rules that run.
    pub fn running(&self) -> Option<&Published> {
        self.published.last()
    }

    pub fn running_version(&self) -> u32 {
        self.running().map_or(0, |published| published.version)
    }

    /// What a draft would change of what runs now.
    pub fn change(&self, draft: &Draft) -> RulesChange {
        let running = self.running().map_or(&[][..], |running| &running.rules);
        let mut change = RulesChange::default();
        for rule in &draft.rules {
            match running.iter().find(|other| other.name == rule.name) {
                None => change.adds.push(rule.name.clone()),
                Some(other) if other != rule => change.changes.push(rule.name.clone()),
                Some(_) => {}
            }
        }
        let is_kept = |rule: &Rule| draft.rules.iter().any(|other| other.name == rule.name);
        let removed = running.iter().filter(|rule| !is_kept(rule));
        change.removes = removed.map(|rule| rule.name.clone()).collect();
        change
    }

    pub(super) fn fold(&mut self, event: &Event) {
        match event {
            Event::Drafted(draft) => {
                self.drafts.insert(draft.id, draft.clone());
            }
            Event::Discarded(id) => {
                self.drafts.remove(id);
            }
            Event::Published { draft, published } => {
                if let Some(id) = draft {
                    self.drafts.remove(id);
                }
                self.published.push(published.clone());
                if self.published.len() > VERSIONS_KEPT {
                    self.published.remove(0);
                }
            }
            Event::Entered(entry) => {
                let counts = |until: Option<Timestamp>| until.is_none_or(|until| entry.at <= until);
                self.entries.retain(|_, kept| counts(kept.until));
                let name = (entry.list, entry.subject.clone());
                self.entries.insert(name, entry.clone());
            }
            Event::Struck { list, subject, .. } => {
                self.entries.remove(&(*list, subject.clone()));
            }
            Event::ModelAdded(model) => {
                self.models.insert(model.version, model.clone());
            }
            Event::ModelUsed { version, part, .. } => match part {
                Part::Champion => {
                    self.champion = *version;
                    // A model is no challenger of itself.
                    if self.challenger == *version {
                        self.challenger = 0;
                    }
                }
                Part::Challenger => self.challenger = *version,
            },
            Event::MerchantFrozen {
                merchant, frozen, ..
            } => {
                if *frozen {
                    self.frozen.insert(*merchant);
                } else {
                    self.frozen.remove(merchant);
                }
            }
            // These are for the views; a wallet's accounts say themselves that they are frozen.
            Event::Labelled { .. } | Event::Noted { .. } | Event::WalletFrozen { .. } => {}
        }
    }
}
