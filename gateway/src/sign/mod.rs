//! Signed requests: RFC 9421 HTTP Message Signatures with `hmac-sha256`, bodies bound by RFC 9530 `Content-Digest`.
//!
//! A caller proves that it holds a key's secret, and that nobody changed the request on its way. A signature covers
//! exactly these components, in any order, and carries these parameters:
//!
//! | component | covered | parameter | meaning |
//! |---|---|---|---|
//! | `@method` | always | `created` | Unix seconds; at most [`AGE_MAX_S`] old and [`AHEAD_MAX_S`] ahead |
//! | `@path` | always | `nonce` | 1 to [`NONCE_BYTES_MAX`] characters, new for each request of a key |
//! | `@query` | always (`?` when empty) | `keyid` | names the key |
//! | `content-digest` | with a body | `alg` | optional; `hmac-sha256` if given |
//! | `idempotency-key` | when sent | `expires`, `tag` | optional; `expires` is honoured, `tag` is only covered |
//!
//! Anything else that is covered is refused rather than ignored: one form, so that what was signed is never a question.
//! `@path` and `@query` are the bytes of the request line, never decoded.
//!
//! Verification is pure; it takes the time and the keys from its caller. Replays are stopped by [`NonceWindow`], which
//! is asked last, so that only a request with a good signature takes room in it.

mod base;
mod digest;
mod error;
mod fields;
mod key;
mod nonce;
mod signer;
mod verifier;

pub use digest::content_digest;
pub use error::SignatureError;
pub use key::SigningKey;
pub use nonce::{NONCES_MAX, NonceWindow};
pub use signer::{SignedHeaders, Signer, ToSign};
pub use verifier::{Presented, SignedHead};

/// The oldest signature that is accepted. It covers a slow network and a retry or two, and bounds the nonces kept.
pub const AGE_MAX_S: i64 = 300;

/// How far a caller's clock may run ahead of ours.
pub const AHEAD_MAX_S: i64 = 30;

/// The longest nonce. A UUID has 36 characters, 32 random bytes in base64 have 44.
pub const NONCE_BYTES_MAX: usize = 128;

/// The longest key id.
pub const KEY_ID_BYTES_MAX: usize = 128;
