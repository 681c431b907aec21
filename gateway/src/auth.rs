//! Who is asking, and is it really they?
//!
//! Every request to `/v1` is signed with a key (RFC 9421, see [`crate::sign`]). A key speaks for an owner, the owner has
//! a [`Role`], and each route lists the roles that may use it. The checks are made in this order, cheapest first: the
//! signature's form and time, the key, the signature itself, whether the key still stands, whence it may be used and how
//! often, the role; then, with the body here, its digest, and whether this very signature was seen before.

mod keys;
mod pace;
mod whence;

use std::fmt;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Uri};

pub use keys::Keys;
use ledger::Book;
pub(crate) use whence::{Peer, Whence};

use crate::app::unix_now;
use crate::pay::{KeyId, MerchantId, Owner, WalletId};
use crate::problem::{Code, Problem};
use crate::sign::{NonceWindow, Presented, SignatureError, SignedHead};

/// What an owner is, whoever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Operator,
    Bank,
    Merchant,
    Wallet,
    Analyst,
    /// A tenant with a book of its own.
    Ledger,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Bank => "bank",
            Self::Merchant => "merchant",
            Self::Wallet => "wallet",
            Self::Analyst => "analyst",
            Self::Ledger => "ledger",
        }
    }

    pub const fn of(owner: Owner) -> Self {
        match owner {
            Owner::Operator => Self::Operator,
            Owner::Bank => Self::Bank,
            Owner::Merchant(_) => Self::Merchant,
            Owner::Wallet(_) => Self::Wallet,
            Owner::Analyst => Self::Analyst,
            Owner::Book(_) => Self::Ledger,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whoever signed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub key: KeyId,
    /// The key's short number: the scope of its idempotency keys.
    pub no: u32,
    pub owner: Owner,
    /// Whence the request came, where that is known.
    pub address: Option<IpAddr>,
}

impl Caller {
    pub const fn role(&self) -> Role {
        Role::of(self.owner)
    }

    pub const fn is_operator(&self) -> bool {
        matches!(self.owner, Owner::Operator)
    }

    /// The merchant that the key speaks for.
    pub fn merchant(&self) -> Result<MerchantId, Problem> {
        match self.owner {
            Owner::Merchant(id) => Ok(id),
            _ => Err(self.forbidden()),
        }
    }

    /// The wallet that the key speaks for.
    pub fn wallet(&self) -> Result<WalletId, Problem> {
        match self.owner {
            Owner::Wallet(id) => Ok(id),
            _ => Err(self.forbidden()),
        }
    }

    /// Whether the caller sees what was said of the risk of payments.
    pub const fn sees_risk(&self) -> bool {
        matches!(self.owner, Owner::Operator | Owner::Analyst)
    }

    /// The book that the key speaks for.
    pub fn book(&self) -> Result<Book, Problem> {
        match self.owner {
            Owner::Book(tenant) => Ok(tenant.book),
            _ => Err(self.forbidden()),
        }
    }

    /// Whether the caller may act for this merchant: the merchant itself, and whoever runs the house.
    pub fn may_act_for(&self, merchant: MerchantId) -> bool {
        self.is_operator() || self.owner == Owner::Merchant(merchant)
    }

    /// What a caller is told that may not do this.
    pub fn forbidden(&self) -> Problem {
        let detail = format!(
            "The key belongs to the role {}, which may not do this.",
            self.role()
        );
        Problem::new(Code::ForbiddenRole, detail)
    }

    pub(crate) fn has_one_of(&self, roles: &[Role]) -> Result<(), Problem> {
        if roles.contains(&self.role()) {
            Ok(())
        } else {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            let hint = format!("Use a key with the role {}.", names.join(" or "));
            Err(self.forbidden().with_hint(hint))
        }
    }
}

/// A request whose signature is good, and whose body has not been looked at.
pub(crate) struct Signed<'a> {
    pub caller: Caller,
    presented: Presented<'a>,
    now: i64,
}

/// Authenticates a request by its head, so that a stranger's body is not even read.
pub(crate) async fn authenticate<'a>(
    keys: &Keys,
    method: &'a str,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    address: Option<IpAddr>,
) -> Result<Signed<'a>, Problem> {
    let head = SignedHead {
        method,
        path: uri.path(),
        query: uri.query(),
        headers,
    };
    let now = unix_seconds();
    let presented = Presented::read(&head, now)?;
    let unknown = || SignatureError::KeyUnknown(presented.key_id.to_owned());
    let id: KeyId = presented.key_id.parse().map_err(|_| unknown())?;
    let key = keys.find(id).await?.ok_or_else(unknown)?;
    presented.verify(&key.signing)?;
    key.admit(unix_now(), address)?;
    Ok(Signed {
        caller: Caller {
            key: key.id,
            no: key.no,
            owner: key.owner,
            address,
        },
        presented,
        now,
    })
}

impl Signed<'_> {
    /// Lets the request in, with its body, if it is the one that was signed and has not been in before.
    pub(crate) fn admit(self, nonces: &NonceWindow, body: &[u8]) -> Result<Caller, Problem> {
        self.presented.verify_body(body)?;
        nonces.admit(self.presented.key_id, self.presented.nonce, self.now)?;
        Ok(self.caller)
    }
}

/// The time by the wall clock: signatures are made by other machines, which know no other.
fn unix_seconds() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
