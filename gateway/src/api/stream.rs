//! Answers that come piece by piece, as they are made.
//!
//! Such an answer has its status before its contents are known. What goes wrong later ends it without the end that
//! HTTP gives a whole answer, so nobody takes a part for all of it.

use std::fmt;
use std::io;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use utoipa::openapi::RefOr;
use utoipa::openapi::content::Content;
use utoipa::openapi::schema::Schema;

use super::ask::{Answer, Schemas};
use crate::problem::Problem;

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// The pieces of an answer.
pub(crate) type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// What an answer consists of.
pub(crate) enum Payload {
    Whole(Bytes),
    Pieces(Pieces),
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes.into())
    }
}

/// One JSON document on each line, as they come.
pub(crate) struct Lines(Pieces);

impl Lines {
    pub(crate) fn new(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl Answer for Lines {
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
        let media = HeaderValue::from_static(NDJSON);
        Ok(Some((media, Payload::Pieces(self.0))))
    }

    fn describe(_: &mut Schemas) -> Vec<(&'static str, Content)> {
        vec![(NDJSON, Content::new(None::<RefOr<Schema>>))]
    }
}

/// How things that follow one another are told apart on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON document on each line; an empty line says that the connection lives.
    Lines,
    /// Server-sent events, as browsers read them.
    Events,
}

impl Form {
    /// The one that a caller accepts; lines, if it does not say.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT);
        let text = accepted.and_then(|value| value.to_str().ok());
        let mut ranges = text.unwrap_or_default().split([',', ';']);
        if ranges.any(|range| range.trim().eq_ignore_ascii_case(EVENTS)) {
            Self::Events
        } else {
            Self::Lines
        }
    }

    /// Appends a JSON document of this id.
    pub(crate) fn put(self, id: &impl fmt::Display, document: &[u8], text: &mut Vec<u8>) {
        match self {
            Self::Lines => text.extend_from_slice(document),
            Self::Events => {
                text.extend_from_slice(format!("id: {id}\ndata: ").as_bytes());
                text.extend_from_slice(document);
                text.push(b'\n');
            }
        }
        text.push(b'\n');
    }

    /// What says that the connection lives, though there is nothing to tell.
    pub(crate) const fn heartbeat(self) -> &'static [u8] {
        match self {
            Self::Lines => b"\n",
            Self::Events => b":\n\n",
        }
    }
}

/// Documents in the form that the caller accepts, as they come.
pub(crate) struct Following {
    form: Form,
    pieces: Pieces,
}

impl Following {
    pub(crate) fn new(
        form: Form,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self {
            form,
            pieces: pieces.boxed(),
        }
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl Answer for Following {
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
        let media = HeaderValue::from_static(match self.form {
            Form::Lines => NDJSON,
            Form::Events => EVENTS,
        });
        Ok(Some((media, Payload::Pieces(self.pieces))))
    }

    fn describe(_: &mut Schemas) -> Vec<(&'static str, Content)> {
        let content = || Content::new(None::<RefOr<Schema>>);
        vec![(NDJSON, content()), (EVENTS, content())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_accepted() {
        for (accept, form) in [
            ("*/*", Form::Lines),
            ("application/x-ndjson", Form::Lines),
            ("text/event-stream", Form::Events),
            ("application/json, Text/Event-Stream;q=0.9", Form::Events),
            ("text/event-streams", Form::Lines),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::accepted(&headers), form, "{accept}");
        }
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Lines);
    }

    #[test]
    fn documents_are_framed_as_each_form_wants_it() {
        for (form, expected) in [
            (Form::Lines, "{}\n\n"),
            (Form::Events, "id: 7\ndata: {}\n\n:\n\n"),
        ] {
            let mut text = Vec::new();
            form.put(&7, b"{}", &mut text);
            text.extend(form.heartbeat());
            assert_eq!(String::from_utf8(text).unwrap(), expected, "{form:?}");
        }
    }
}
