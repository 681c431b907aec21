//! Why a signature was refused: a closed list in the order in which the checks are made.

use super::{AGE_MAX_S, AHEAD_MAX_S};
use crate::problem::Code;

/// Why a request's signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the request has no {0} header")]
    Missing(&'static str),
    #[error("{0}")]
    Malformed(&'static str),
    #[error("the signature's algorithm is {0:?}, but only hmac-sha256 is accepted")]
    AlgorithmUnsupported(String),
    #[error("the signature covers {0}, which is not one of the components that are signed here")]
    ComponentUnexpected(String),
    #[error("the signature does not cover {0:?}")]
    ComponentNotCovered(&'static str),
    #[error("the signature covers {0:?}, but the request has no such header")]
    ComponentAbsent(&'static str),
    #[error("the signature was created at {created}, {} s before the server's time {now}; {AGE_MAX_S} s are allowed",
        now - created)]
    Stale { created: i64, now: i64 },
    #[error("the signature expired at {expires}; the server's time is {now}")]
    Expired { expires: i64, now: i64 },
    #[error("the signature was created at {created}, {} s after the server's time {now}; {AHEAD_MAX_S} s are allowed",
        created - now)]
    InFuture { created: i64, now: i64 },
    #[error("no key has the id {0:?}")]
    KeyUnknown(String),
    #[error("the signature is not what this key makes of this request")]
    Mismatch,
    #[error("the Content-Digest header has no sha-256 digest")]
    DigestMalformed,
    #[error("the body is not the one that Content-Digest describes")]
    DigestMismatch,
    #[error("this key has already used this nonce")]
    Replayed,
    #[error("the record of used nonces is full, so a replay could not be told from a new request")]
    WindowFull,
}

impl SignatureError {
    /// The code under which callers see this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing(_) => Code::SignatureMissing,
            Self::Malformed(_) => Code::SignatureMalformed,
            Self::AlgorithmUnsupported(_) => Code::SignatureAlgorithmUnsupported,
            Self::ComponentUnexpected(_) => Code::SignatureComponentUnexpected,
            Self::ComponentNotCovered(_) | Self::ComponentAbsent(_) => {
                Code::SignatureComponentMissing
            }
            Self::Stale { .. } | Self::Expired { .. } => Code::SignatureStale,
            Self::InFuture { .. } => Code::SignatureInFuture,
            Self::KeyUnknown(_) => Code::KeyUnknown,
            Self::Mismatch => Code::SignatureMismatch,
            Self::DigestMalformed => Code::ContentDigestMalformed,
            Self::DigestMismatch => Code::ContentDigestMismatch,
            Self::Replayed => Code::SignatureReplayed,
            Self::WindowFull => Code::ReplayWindowFull,
        }
    }
}
