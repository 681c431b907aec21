//! The scorer's memory, made from the journal.
//!
//! What became of decisions stands in the views, in the order of the journal. Folding it gives the memory. So that a start
//! need not fold years, the fold is kept in a file with the place up to which it goes; it is always made from the file
//! before and the log behind it, never from the scorer that is running, so that payments do not wait for it and nothing
//! is in it that is not in the journal. A file that is lost or damaged costs time and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use fraud::{Limits, Outcome, Profiles};
use ledger::shell::Handle;
use sha2::{Digest, Sha256};

use crate::pay::{Label, Payments};
use crate::store::risk_log::{self, Became, Entry, Place};

const FILE: &str = "profiles.saved";
/// The form of the file; another form is as good as no file.
const FORMAT: u8 = 4;
const DIGEST_BYTES: usize = 32;
/// Entries read from the log at a time.
pub(super) const PAGE: u32 = 2_000;
/// After how many entries somebody may want to know how far it is.
const TELL_EVERY: u64 = 200_000;

/// A memory and how far it goes.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) profiles: Profiles,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Memory {
    file: PathBuf,
    limits: Limits,
}

impl Memory {
    pub(super) fn new(directory: &Path, limits: Limits) -> Self {
        Self {
            file: directory.join(FILE),
            limits,
        }
    }

    /// The memory as of the newest row in the views.
    pub(super) async fn recall(&self, handle: &Handle<Payments>) -> Remembered {
        let mut remembered = self.load().unwrap_or_else(|| Remembered {
            profiles: Profiles::new(self.limits),
            place: Place::START,
        });
        let mut folded = 0;
        loop {
            match page(handle, remembered.place).await {
                Ok(entries) if entries.is_empty() => return remembered,
                Ok(entries) => {
                    for entry in &entries {
                        fold(&mut remembered.profiles, entry);
                        remembered.place = entry.place;
                    }
                    let before = folded / TELL_EVERY;
                    folded += entries.len() as u64;
                    if folded / TELL_EVERY > before {
                        tracing::info!(folded, "remembering what became of payments");
                    }
                }
                // What is missing is learned later, by whoever follows from this place.
                Err(error) => {
                    tracing::error!(%error, "what became of payments could not be read");
                    return remembered;
                }
            }
        }
    }

    /// Brings the file up to the newest row in the views.
    pub(super) async fn keep(&self, handle: &Handle<Payments>) {
        let remembered = self.recall(handle).await;
        if let Err(error) = self.save(&remembered) {
            let file = self.file.display();
            tracing::warn!(%error, %file, "the scorer's memory could not be kept; the next start takes longer");
        }
    }

    fn save(&self, remembered: &Remembered) -> anyhow::Result<()> {
        let mut bytes = vec![FORMAT];
        bytes.extend(postcard::to_stdvec(&(
            remembered.place,
            &remembered.profiles,
        ))?);
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        let draft = self.file.with_extension("new");
        fs::write(&draft, bytes)?;
        fs::rename(draft, &self.file)?;
        Ok(())
    }

    fn load(&self) -> Option<Remembered> {
        let bytes = fs::read(&self.file).ok()?;
        let remembered = read(&bytes);
        if remembered.is_none() {
            let file = self.file.display();
            tracing::warn!(%file, "the scorer's memory is not readable and is made anew from the journal");
        }
        remembered
    }
}

fn read(bytes: &[u8]) -> Option<Remembered> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
    if Sha256::digest(body).as_slice() != digest {
        return None;
    }
    let (format, body) = body.split_first()?;
    if *format != FORMAT {
        return None;
    }
    let (place, profiles) = postcard::from_bytes(body).ok()?;
    Some(Remembered { profiles, place })
}

/// The next entries of the log.
pub(super) async fn page(handle: &Handle<Payments>, place: Place) -> anyhow::Result<Vec<Entry>> {
    let mut reading = handle.views().read().await?;
    Ok(risk_log::after(&mut reading, place, PAGE).await?)
}

/// Folds an entry as it was lived through: an attempt is reserved when it is scored, then it ends.
pub(super) fn fold(profiles: &mut Profiles, entry: &Entry) {
    let Some(decision) = &entry.decision else {
        return;
    };
    let attempt = &decision.scored.attempt;
    if matches!(
        entry.became,
        Became::Settled | Became::Ended | Became::Pending
    ) {
        profiles.reserve(attempt);
    }
    if let Some(outcome) = outcome(entry) {
        profiles.observe(attempt, outcome);
    }
}

/// What the scorer is told of an entry.
pub(super) fn outcome(entry: &Entry) -> Option<Outcome> {
    let meant = |label| match label {
        Label::Fraud => fraud::Label::Fraud,
        Label::Genuine => fraud::Label::Genuine,
    };
    match entry.became {
        Became::Settled | Became::ThenSettled => Some(Outcome::Settled),
        Became::Ended | Became::ThenEnded => Some(Outcome::Cancelled),
        Became::Labelled(now) => Some(Outcome::Labelled {
            was: entry.was.map(meant),
            now: meant(now),
        }),
        Became::Pending | Became::Desk => None,
    }
}
