//! The caller's side: makes the headers that prove a request.

use std::fmt::Write;

use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    SignatureError, SigningKey,
    base::{Component, Values, signature_base},
    content_digest,
};

/// A request to sign: `path` and `query` exactly as they are sent, percent-encoding included.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub body: &'a [u8],
    pub idempotency_key: Option<&'a str>,
}

/// Signs requests with one key.
#[derive(Debug, Clone)]
pub struct Signer {
    key_id: String,
    key: SigningKey,
}

/// The headers to send with a signed request, and the signature base they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    pub idempotency_key: Option<String>,
    pub content_digest: Option<String>,
    pub signature_input: String,
    pub signature: String,
    /// What was signed; it is not sent, but shows a developer where two sides differ.
    pub base: String,
}

impl Signer {
    pub fn new(key_id: impl Into<String>, secret: &[u8]) -> Self {
        Self {
            key_id: key_id.into(),
            key: SigningKey::new(secret),
        }
    }

    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs at the time `created` (Unix seconds) with a nonce that this key has not used before.
    pub fn sign(
        &self,
        request: &ToSign<'_>,
        created: i64,
        nonce: &str,
    ) -> Result<SignedHeaders, SignatureError> {
        let digest = (!request.body.is_empty()).then(|| content_digest(request.body));
        let values = Values {
            method: request.method,
            path: request.path,
            query: request.query,
            content_digest: digest.as_deref(),
            idempotency_key: request.idempotency_key,
        };
        let covered = Component::ALL
            .into_iter()
            .filter(|component| match component {
                Component::ContentDigest => values.content_digest.is_some(),
                Component::IdempotencyKey => values.idempotency_key.is_some(),
                Component::Method | Component::Path | Component::Query => true,
            });
        let mut params = String::with_capacity(192);
        for component in covered.clone() {
            params.push_str(if params.is_empty() { "(\"" } else { " \"" });
            params.push_str(component.name());
            params.push('"');
        }
        let key_id = &self.key_id;
        write!(
            params,
            ");created={created};nonce=\"{nonce}\";keyid=\"{key_id}\""
        )
        .map_err(|_| SignatureError::Malformed("the parameters cannot be written"))?;
        let base = signature_base(&values, covered, &params)?;
        let signature = format!("sig1=:{}:", STANDARD.encode(self.key.sign(&base)));
        Ok(SignedHeaders {
            idempotency_key: request.idempotency_key.map(ToOwned::to_owned),
            content_digest: digest,
            signature_input: format!("sig1={params}"),
            signature,
            base,
        })
    }
}

impl SignedHeaders {
    /// Names and values, in the order in which documents show them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("idempotency-key", self.idempotency_key.as_deref()),
            ("content-digest", self.content_digest.as_deref()),
            ("signature-input", Some(self.signature_input.as_str())),
            ("signature", Some(self.signature.as_str())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Puts the headers into a map. It fails when the key id, nonce or idempotency key has a character that no header
    /// can carry.
    pub fn insert_into(&self, headers: &mut HeaderMap) -> Result<(), SignatureError> {
        for (name, value) in self.iter() {
            let value = HeaderValue::from_str(value).map_err(|_| {
                SignatureError::Malformed("a header value has a character that no header can carry")
            })?;
            headers.insert(name, value);
        }
        Ok(())
    }
}
