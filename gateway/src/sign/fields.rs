//! Reads the structured fields (RFC 9651) `Signature-Input`, `Signature` and `Content-Digest`.
//!
//! The visitor of `Signature-Input` writes the member back in canonical form while it reads, since RFC 9421 signs the
//! canonical form and not the sender's spacing. It keeps the first fault it sees instead of returning it, because the
//! parser would turn it into text.

use std::{borrow::Cow, convert::Infallible, fmt::Write};

use sfv::{
    BareItemFromInput, KeyRef, Parser,
    visitor::{
        DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
    },
};

use super::{KEY_ID_BYTES_MAX, NONCE_BYTES_MAX, SignatureError, base::Component};

/// A `Signature-Input` field with its one member.
#[derive(Debug, Default)]
pub(super) struct Input<'a> {
    members: usize,
    fault: Option<SignatureError>,
    pub(super) label: &'a str,
    covered: [Option<Component>; Component::ALL.len()],
    /// The canonical form: the inner list and its parameters.
    pub(super) params: String,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) nonce: Option<&'a str>,
    pub(super) key_id: Option<&'a str>,
    algorithm: Option<&'a str>,
    tag: Option<&'a str>,
}

impl<'a> Input<'a> {
    pub(super) fn read(field: &'a str) -> Result<Self, SignatureError> {
        let input = Parser::new(field)
            .parse_dictionary_with_visitor(Self::default())
            .map_err(|_| {
                SignatureError::Malformed("Signature-Input is not a valid structured field")
            })?;
        if let Some(fault) = input.fault {
            return Err(fault);
        }
        if input.members != 1 {
            return Err(SignatureError::Malformed(
                "Signature-Input must describe exactly one signature",
            ));
        }
        match input.algorithm {
            None | Some("hmac-sha256") => Ok(input),
            Some(other) => Err(SignatureError::AlgorithmUnsupported(other.to_owned())),
        }
    }

    pub(super) fn covered(&self) -> impl Iterator<Item = Component> {
        self.covered.iter().flatten().copied()
    }

    pub(super) fn covers(&self, component: Component) -> bool {
        self.covered.contains(&Some(component))
    }

    fn fail(&mut self, fault: SignatureError) {
        self.fault.get_or_insert(fault);
    }

    fn cover(&mut self, name: &str) {
        let Some(component) = Component::named(name) else {
            return self.fail(SignatureError::ComponentUnexpected(format!("{name:?}")));
        };
        if self.covers(component) {
            return self.fail(SignatureError::Malformed(
                "the signature covers a component twice",
            ));
        }
        let free = self.covered.iter_mut().find(|slot| slot.is_none());
        let first = self.params.len() == 1;
        if let Some(slot) = free {
            *slot = Some(component);
        }
        for piece in [if first { "\"" } else { " \"" }, component.name(), "\""] {
            self.params.push_str(piece);
        }
    }
}

impl<'de> DictionaryVisitor<'de> for Input<'de> {
    type Out = Self;
    type Error = Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        self.members += 1;
        self.label = key.as_str();
        // With a second member the field is refused as a whole, so what the first one left does not matter.
        Ok(self)
    }

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<'de> EntryVisitor<'de> for &mut Input<'de> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        self.fail(SignatureError::Malformed(
            "Signature-Input must list the covered components in parentheses",
        ));
        Ok(Ignored)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        self.params.reserve(192);
        self.params.push('(');
        Ok(Components(self))
    }
}

/// Reads the covered components between the parentheses.
struct Components<'v, 'de>(&'v mut Input<'de>);

impl<'de> InnerListVisitor<'de> for Components<'_, 'de> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(Components(self.0))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Infallible> {
        self.0.params.push(')');
        Ok(Parameters(self.0))
    }
}

impl<'de> ItemVisitor<'de> for Components<'_, 'de> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        match item {
            BareItemFromInput::String(name) => self.0.cover(name.as_str()),
            _ => self.0.fail(SignatureError::Malformed(
                "a covered component must be a quoted string",
            )),
        }
        Ok(self)
    }
}

impl<'de> ParameterVisitor<'de> for Components<'_, 'de> {
    type Out = ();
    type Error = Infallible;

    fn parameter(&mut self, key: &'de KeyRef, _: BareItemFromInput<'de>) -> Result<(), Infallible> {
        self.0.fail(SignatureError::ComponentUnexpected(format!(
            "a component with the parameter {:?}",
            key.as_str()
        )));
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Reads the parameters after the parentheses.
struct Parameters<'v, 'de>(&'v mut Input<'de>);

impl<'de> ParameterVisitor<'de> for Parameters<'_, 'de> {
    type Out = ();
    type Error = Infallible;

    fn parameter(
        &mut self,
        key: &'de KeyRef,
        value: BareItemFromInput<'de>,
    ) -> Result<(), Infallible> {
        let input = &mut *self.0;
        let params = &mut input.params;
        let kept = match key.as_str() {
            "created" => keep_integer(params, "created", &mut input.created, &value),
            "expires" => keep_integer(params, "expires", &mut input.expires, &value),
            "nonce" => keep_text(params, "nonce", &mut input.nonce, &value, NONCE_BYTES_MAX),
            "keyid" => keep_text(params, "keyid", &mut input.key_id, &value, KEY_ID_BYTES_MAX),
            "alg" => keep_text(
                params,
                "alg",
                &mut input.algorithm,
                &value,
                KEY_ID_BYTES_MAX,
            ),
            "tag" => keep_text(params, "tag", &mut input.tag, &value, KEY_ID_BYTES_MAX),
            _ => Err(SignatureError::Malformed(
                "Signature-Input has a parameter other than created, expires, nonce, keyid, alg and tag",
            )),
        };
        if let Err(fault) = kept {
            input.fail(fault);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A parameter that stands twice is refused, since readers disagree on which of the two counts.
const TWICE: SignatureError = SignatureError::Malformed("Signature-Input has a parameter twice");

fn keep_integer(
    params: &mut String,
    name: &str,
    slot: &mut Option<i64>,
    value: &BareItemFromInput<'_>,
) -> Result<(), SignatureError> {
    let BareItemFromInput::Integer(value) = value else {
        return Err(SignatureError::Malformed(
            "created and expires must be integers, in Unix seconds",
        ));
    };
    let value = i64::from(*value);
    if slot.replace(value).is_some() {
        return Err(TWICE);
    }
    write!(params, ";{name}={value}")
        .map_err(|_| SignatureError::Malformed("Signature-Input cannot be written back"))
}

fn keep_text<'a>(
    params: &mut String,
    name: &str,
    slot: &mut Option<&'a str>,
    value: &BareItemFromInput<'a>,
    bytes_max: usize,
) -> Result<(), SignatureError> {
    // The parser owns a string only when it had escapes to undo.
    let BareItemFromInput::String(Cow::Borrowed(value)) = value else {
        return Err(SignatureError::Malformed(
            "nonce, keyid, alg and tag must be quoted strings without quotes or backslashes inside",
        ));
    };
    let value = value.as_str();
    if value.is_empty() || value.len() > bytes_max {
        return Err(SignatureError::Malformed(
            "nonce, keyid, alg and tag must have 1 to 128 characters",
        ));
    }
    if slot.replace(value).is_some() {
        return Err(TWICE);
    }
    for piece in [";", name, "=\"", value, "\""] {
        params.push_str(piece);
    }
    Ok(())
}

/// The byte sequence that a dictionary field holds under `key`.
pub(super) fn byte_sequence(field: &str, key: &str) -> Option<Vec<u8>> {
    Parser::new(field)
        .parse_dictionary_with_visitor(Bytes { key, found: None })
        .ok()
        .flatten()
}

struct Bytes<'k> {
    key: &'k str,
    found: Option<Vec<u8>>,
}

impl<'de> DictionaryVisitor<'de> for Bytes<'_> {
    type Out = Option<Vec<u8>>;
    type Error = Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        Ok((key.as_str() == self.key).then(|| {
            // Of a repeated key the last one counts (RFC 9651, section 4.2.2), also when it is of another type.
            self.found = None;
            self
        }))
    }

    fn finish(self) -> Result<Self::Out, Infallible> {
        Ok(self.found)
    }
}

impl<'de> EntryVisitor<'de> for &mut Bytes<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        Ok(Ignored)
    }
}

impl<'de> ItemVisitor<'de> for &mut Bytes<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        if let BareItemFromInput::ByteSequence(bytes) = item {
            self.found = Some(bytes);
        }
        Ok(Ignored)
    }
}
