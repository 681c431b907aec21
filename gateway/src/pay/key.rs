//! Keys: whose request is this, and what may it ask?

use serde::{Deserialize, Serialize};

use super::id::{BookId, KeyId, MerchantId, WalletId};
use ledger::Book;

/// Whom a key speaks for. What each may do is listed beside the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// Who runs the house: opens merchants and wallets, sees the books.
    Operator,
    /// A bank, which says what money came in.
    Bank,
    Merchant(MerchantId),
    Wallet(WalletId),
    /// Somebody who looks for fraud. Each analyst has a key of their own: what one proposes another approves.
    Analyst,
    /// A tenant, who keeps a book of its own here.
    Book(Tenant),
}

/// Whose book it is: the book's name outside, and its number in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tenant {
    pub id: BookId,
    pub book: Book,
}

/// A secret encrypted under the house's master key. The pure rules carry it and cannot read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret(pub Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// A short number, for the scope of this key's idempotency keys.
    pub no: u32,
    pub id: KeyId,
    pub owner: Owner,
    pub secret: SealedSecret,
    pub revoked: bool,
}
