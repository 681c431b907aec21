//! The signature base of RFC 9421, section 2.5: the text that is signed.

use super::SignatureError;

/// A part of a request that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    Method,
    Path,
    Query,
    ContentDigest,
    IdempotencyKey,
}

impl Component {
    pub(super) const ALL: [Self; 5] = [
        Self::Method,
        Self::Path,
        Self::Query,
        Self::ContentDigest,
        Self::IdempotencyKey,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Method => "@method",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::ContentDigest => "content-digest",
            Self::IdempotencyKey => "idempotency-key",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|component| component.name() == name)
    }
}

/// The values of the components of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) content_digest: Option<&'a str>,
    pub(super) idempotency_key: Option<&'a str>,
}

impl<'a> Values<'a> {
    /// The value as it stands in the signature base, in two pieces, because `@query` starts with a `?` of its own.
    fn of(&self, component: Component) -> Result<(&'static str, &'a str), SignatureError> {
        let header =
            |value: Option<&'a str>| value.ok_or(SignatureError::ComponentAbsent(component.name()));
        Ok(match component {
            Component::Method => ("", self.method),
            Component::Path if self.path.is_empty() => ("", "/"),
            Component::Path => ("", self.path),
            Component::Query => ("?", self.query.unwrap_or("")),
            Component::ContentDigest => ("", header(self.content_digest)?),
            Component::IdempotencyKey => ("", header(self.idempotency_key)?),
        })
    }
}

/// Builds the signature base. `params` is the value of `@signature-params`, written canonically.
pub(super) fn signature_base(
    values: &Values<'_>,
    covered: impl Iterator<Item = Component>,
    params: &str,
) -> Result<String, SignatureError> {
    let mut base = String::with_capacity(512);
    for component in covered {
        let (prefix, value) = values.of(component)?;
        // A line break inside a value could pass for another component's line.
        if value.contains('\n') {
            return Err(SignatureError::Malformed(
                "a signed value has a line break in it",
            ));
        }
        for piece in ["\"", component.name(), "\": ", prefix, value, "\n"] {
            base.push_str(piece);
        }
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    Ok(base)
}
