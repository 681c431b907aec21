//! Reads a JSON body and says precisely what is wrong with a bad one.

use std::fmt::Write;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::{Code, Problem};

/// Reads a body, which must be a JSON object. What is not JSON is `malformed_json`; JSON of another shape is
/// `field_invalid` with a pointer to the field. The pointer is found by reading a second time, so that a good body pays
/// nothing for it.
pub(crate) fn json_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Left to itself, the reader would take an array for an object whose fields stand in order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::field(
            Code::FieldInvalid,
            "",
            "the body must be a JSON object",
        ));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => field_problem::<T>(body, &error),
        Category::Syntax | Category::Eof | Category::Io => Problem::new(
            Code::MalformedJson,
            format!("The body is not valid JSON: {error}."),
        ),
    })
}

fn field_problem<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Problem {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let pointer = serde_path_to_error::deserialize::<_, T>(&mut reader)
        .err()
        .map_or_else(String::new, |error| pointer(error.path()));
    field_at_fault(pointer, error)
}

/// What a reader says of a value of another shape, in words for people.
pub(crate) fn field_at_fault(mut pointer: String, error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    // The place in the text is of no use to those who never see the text; the pointer says where.
    let said = said.split(" at line ").next().unwrap_or(&said);
    let detail = match said
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        Some(field) => {
            pointer.push('/');
            pointer.push_str(&escaped(field));
            format!("{pointer} is missing")
        }
        None => plain(said),
    };
    Problem::field(Code::FieldInvalid, pointer, detail)
}

/// The names that types have in this program mean nothing to a caller.
fn plain(said: &str) -> String {
    let Some((found, expected)) = said.split_once(", expected ") else {
        return said.to_owned();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "NonZeroU32" | "a nonzero u32" => {
            "a whole number in its range"
        }
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f64" => "a number",
        expected if expected.starts_with("struct ") => "an object",
        expected if expected.starts_with("a sequence") => "an array",
        expected if expected.starts_with("a map") => "an object",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// Writes a path as a JSON pointer (RFC 6901).
pub(crate) fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        pointer.push('/');
        match segment {
            // Writing to a string cannot fail.
            Segment::Seq { index } => drop(write!(pointer, "{index}")),
            Segment::Map { key } => pointer.push_str(&escaped(key)),
            Segment::Enum { variant } => pointer.push_str(&escaped(variant)),
            Segment::Unknown => pointer.push('?'),
        }
        pointer
    })
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
