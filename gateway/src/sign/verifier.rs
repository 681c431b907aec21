//! The server's side: is this request signed by whom it says, and unchanged?

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    AGE_MAX_S, AHEAD_MAX_S, SignatureError, SigningKey,
    base::{Component, Values, signature_base},
    digest,
    fields::{self, Input},
};

// Names that are made once: to look a header up by text costs as much again as the look-up.
static SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
static SIGNATURE: HeaderName = HeaderName::from_static("signature");
static CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request as it arrives, before its body: `path` and `query` as in the request line.
#[derive(Debug, Clone, Copy)]
pub struct SignedHead<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
}

/// A signature that is well formed and of the right time. In this order: [`verify`](Self::verify) it when the key is
/// found, [`verify_body`](Self::verify_body) when the body is here, and ask
/// [`NonceWindow::admit`](super::NonceWindow::admit) last. So nobody's body is waited for, kept or hashed who has not
/// signed.
#[derive(Debug)]
pub struct Presented<'a> {
    pub key_id: &'a str,
    pub nonce: &'a str,
    pub created: i64,
    base: String,
    signature: Vec<u8>,
    content_digest: Option<&'a str>,
}

impl<'a> Presented<'a> {
    /// Reads the signature and makes every check that needs no key.
    pub fn read(request: &SignedHead<'a>, now: i64) -> Result<Self, SignatureError> {
        let required = |name: &'static HeaderName| {
            header(request.headers, name)?.ok_or(SignatureError::Missing(name.as_str()))
        };
        let input = Input::read(required(&SIGNATURE_INPUT)?)?;
        let signature = fields::byte_sequence(required(&SIGNATURE)?, input.label).ok_or(
            SignatureError::Malformed(
                "Signature has no byte sequence for the label in Signature-Input",
            ),
        )?;
        let values = Values {
            method: request.method,
            path: request.path,
            query: request.query,
            content_digest: header(request.headers, &CONTENT_DIGEST)?,
            idempotency_key: header(request.headers, &IDEMPOTENCY_KEY)?,
        };
        check_covered(&input, &values)?;
        let base = signature_base(&values, input.covered(), &input.params)?;
        let Input {
            created: Some(created),
            nonce: Some(nonce),
            key_id: Some(key_id),
            expires,
            ..
        } = input
        else {
            return Err(SignatureError::Malformed(
                "Signature-Input must have the parameters created, nonce and keyid",
            ));
        };
        check_time(created, expires, now)?;
        Ok(Self {
            key_id,
            nonce,
            created,
            base,
            signature,
            content_digest: values.content_digest,
        })
    }

    pub fn verify(&self, key: &SigningKey) -> Result<(), SignatureError> {
        if key.accepts(&self.base, &self.signature) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }

    /// Checks that the body is the one that was signed.
    pub fn verify_body(&self, body: &[u8]) -> Result<(), SignatureError> {
        match self.content_digest {
            Some(stated) => digest::check(stated, body),
            None if body.is_empty() => Ok(()),
            None => Err(SignatureError::ComponentNotCovered(
                Component::ContentDigest.name(),
            )),
        }
    }
}

fn check_covered(input: &Input<'_>, values: &Values<'_>) -> Result<(), SignatureError> {
    for component in Component::ALL {
        let needed = match component {
            Component::Method | Component::Path | Component::Query => true,
            Component::ContentDigest => values.content_digest.is_some(),
            Component::IdempotencyKey => values.idempotency_key.is_some(),
        };
        if needed && !input.covers(component) {
            return Err(SignatureError::ComponentNotCovered(component.name()));
        }
    }
    Ok(())
}

fn check_time(created: i64, expires: Option<i64>, now: i64) -> Result<(), SignatureError> {
    // A structured field's integer has at most 15 digits, so these sums stay far from the limits of i64.
    if created < now.saturating_sub(AGE_MAX_S) {
        return Err(SignatureError::Stale { created, now });
    }
    if created > now.saturating_add(AHEAD_MAX_S) {
        return Err(SignatureError::InFuture { created, now });
    }
    match expires {
        Some(expires) if expires < now => Err(SignatureError::Expired { expires, now }),
        _ => Ok(()),
    }
}

/// The value of a header that may stand only once, since of two the signer and the handler could each mean another.
fn header<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(SignatureError::Malformed(
            "a signed header, Signature or Signature-Input stands twice",
        ));
    }
    value
        .map(HeaderValue::to_str)
        .transpose()
        .map_err(|_| SignatureError::Malformed("a signed header is not ASCII"))
        .map(|value| value.map(str::trim_ascii))
}
