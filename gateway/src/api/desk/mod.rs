//! What analysts ask for: cases, rules, lists, models.
//!
//! Everything that changes something is a command at the desk ([`crate::pay::desk`]) or ends a pending decision, and is
//! journalled with the key of who did it. What is only looked at comes from the views.

mod case;
mod export;
mod freeze;
mod history;
mod list;
mod model;
mod report;
mod rules;
pub(super) mod table;

use crate::problem::{Code, Problem};

/// A remark fits on a screen.
const NOTE_CHARS_MAX: usize = 1_000;

/// A note that may be left out: text for people, not too long, in one or more lines.
fn note(pointer: &str, note: Option<String>) -> Result<String, Problem> {
    let note = note.unwrap_or_default();
    let wrong = |letter: char| letter.is_control() && letter != '\n';
    if note.chars().count() > NOTE_CHARS_MAX || note.chars().any(wrong) {
        return Err(Problem::field(
            Code::FieldInvalid,
            pointer,
            format!(
                "is at most {NOTE_CHARS_MAX} characters, none of them a control character but line ends"
            ),
        ));
    }
    Ok(note)
}
