//! Reads a JSON body and says precisely what is wrong with a bad one.

use std::fmt::Write;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::{Code, Problem};

/// Reads a body, which must be a JSON object. What is not JSON is `malformed_json`; JSON of another shape is
/// `field_invalid` with a pointer to the field. The pointer is found by reading a second time, so that a good body pays
/// nothing for it.
pub fn json_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
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
    Problem::field(Code::FieldInvalid, pointer, error.to_string())
}

/// Writes a path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
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
