//! The text of a checkpoint, and its signature.
//!
//! ```text
//! jiaozi-5f0c2b1a                                  the log's name, which is the key's
//! 1042                                             how many rows
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     the root of the tree over them
//! head 4f5c…                                       the hash of the last row
//! sums 9b1e…                                       the digest of the trial balance
//!
//! — jiaozi-5f0c2b1a Wt5…                           the signature of all above the empty line
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::Sequence;
use ledger::shell::chain::hex;
use ledger::shell::merkle::Hash;
use ledger::shell::{Head, Statement};

use super::key::{CheckpointKey, PublicKey};

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    #[error("it is not the text of a checkpoint: {0}")]
    Malformed(&'static str),
    #[error("it is not signed by {0}")]
    Unsigned(String),
    #[error("the signature of {0} does not fit it: it was changed, or signed by another")]
    Forged(String),
}

/// A signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With its signature.
    pub text: String,
    pub statement: Statement,
}

impl Note {
    pub fn sign(statement: Statement, key: &CheckpointKey) -> Self {
        let public = key.public();
        let name = public.name();
        let Statement { head, root, sums } = &statement;
        let body = format!(
            "{name}\n{}\n{}\nhead {}\nsums {}\n",
            head.sequence.0,
            STANDARD.encode(root),
            hex(&head.hash),
            hex(sums)
        );
        let mut signature = public.id().to_vec();
        signature.extend(key.sign(&body));
        let text = format!("{body}\n\u{2014} {name} {}\n", STANDARD.encode(signature));
        Self { text, statement }
    }

    /// Reads a checkpoint that this key must have signed.
    pub fn read(text: &str, key: &PublicKey) -> Result<Self, NoteError> {
        let (body, signatures) = text.split_once("\n\n").ok_or(NoteError::Malformed(
            "it has no empty line before a signature",
        ))?;
        let body = format!("{body}\n");
        let begin = format!("\u{2014} {} ", key.name());
        let ours = signatures
            .lines()
            .find_map(|line| line.strip_prefix(&begin));
        let ours = ours.and_then(|signature| STANDARD.decode(signature).ok());
        let ours = ours.filter(|signature| signature.starts_with(&key.id()));
        let ours = ours.ok_or_else(|| NoteError::Unsigned(key.name().to_owned()))?;
        if !key.verify(&body, &ours[key.id().len()..]) {
            return Err(NoteError::Forged(key.name().to_owned()));
        }
        let statement = statement(&body, key.name())?;
        let text = text.to_owned();
        Ok(Self { text, statement })
    }
}

fn statement(body: &str, name: &str) -> Result<Statement, NoteError> {
    let mut lines = body.lines();
    let mut next = |what| lines.next().ok_or(NoteError::Malformed(what));
    if next("the log's name is missing")? != name {
        return Err(NoteError::Malformed("it is of another log"));
    }
    let size = next("the number of rows is missing")?;
    let size = size
        .parse()
        .map_err(|_| NoteError::Malformed("the number of rows is none"))?;
    let root = STANDARD
        .decode(next("the root is missing")?)
        .unwrap_or_default();
    let root = root
        .try_into()
        .map_err(|_| NoteError::Malformed("the root is no hash"))?;
    let mut hash = |word: &str, what| -> Result<Hash, NoteError> {
        let line = next(what)?;
        let digits = line.strip_prefix(word);
        digits.and_then(from_hex).ok_or(NoteError::Malformed(what))
    };
    Ok(Statement {
        head: Head {
            sequence: Sequence(size),
            hash: hash("head ", "the hash of the last row is missing")?,
        },
        root,
        sums: hash("sums ", "the digest of the sums is missing")?,
    })
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let digits = text.as_bytes();
    if digits.len() != hash.len() * 2 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_what_was_signed_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let load = |name| CheckpointKey::load_or_make(&folder.path().join(name)).unwrap();
        let (key, other) = (load("a"), load("b"));
        let statement = Statement {
            head: Head {
                sequence: Sequence(1_042),
                hash: [7; 32],
            },
            root: [8; 32],
            sums: [9; 32],
        };
        let note = Note::sign(statement, &key);
        assert_eq!(Note::read(&note.text, &key.public()), Ok(note.clone()));
        let name = other.public().name().to_owned();
        let unsigned = Note::read(&note.text, &other.public());
        assert_eq!(unsigned, Err(NoteError::Unsigned(name)));
        for (at, _) in note.text.char_indices() {
            let mut changed = note.text.clone();
            let letter = if changed[at..].starts_with('0') {
                "1"
            } else {
                "0"
            };
            let end = at + changed[at..].chars().next().unwrap().len_utf8();
            changed.replace_range(at..end, letter);
            let read = Note::read(&changed, &key.public());
            assert!(read.is_err(), "{changed}");
        }
        assert!(Note::read("", &key.public()).is_err());
    }
}
