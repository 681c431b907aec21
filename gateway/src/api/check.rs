//! Checks of what a decoder lets pass: every field at fault is named, not only the first.

use crate::problem::{Code, FieldError, Problem};

#[derive(Debug, Default)]
pub(super) struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    /// Text for people: something, not too long, without control characters.
    pub(super) fn text(&mut self, pointer: &str, text: &str, chars_max: usize) {
        let fits = text.chars().count() <= chars_max && !text.chars().any(char::is_control);
        self.that(pointer, fits && !text.trim().is_empty(), || {
            format!("is 1 to {chars_max} characters, none of them a control character")
        });
    }

    /// Text for people that may be left out.
    pub(super) fn optional_text(&mut self, pointer: &str, text: &str, chars_max: usize) {
        if !text.is_empty() {
            self.text(pointer, text, chars_max);
        }
    }

    pub(super) fn that(&mut self, pointer: &str, holds: bool, wanted: impl FnOnce() -> String) {
        if !holds {
            self.errors.push(FieldError {
                pointer: pointer.to_owned(),
                detail: wanted(),
            });
        }
    }

    /// A value that could not be read.
    pub(super) fn read<T, E: ToString>(&mut self, pointer: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.that(pointer, false, || error.to_string()))
            .ok()
    }

    /// The value that was read, if nothing else is at fault either.
    pub(super) fn done_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.done()?;
        value.ok_or_else(|| Problem::internal(&"a value is missing though no field is at fault"))
    }

    pub(super) fn done(self) -> Result<(), Problem> {
        let Some(first) = self.errors.first() else {
            return Ok(());
        };
        let detail = format!("{} {}.", first.pointer, first.detail);
        let problem = Problem::new(Code::FieldInvalid, detail);
        Err(Problem {
            errors: self.errors,
            ..problem
        })
    }
}
