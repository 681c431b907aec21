//! Doing things once: the keys of the journal's *once* index that this API makes.
//!
//! | scope | key | fingerprint | remembered |
//! |---|---|---|---|
//! | a signing key's number | `Idempotency-Key` | method, path, query and body | always: a retry gets the first answer, a refusal too |
//! | order numbers | merchant and number | what the order is for | on success: a number that was refused stays free |
//! | refund numbers | merchant and number | what is refunded | on success |
//! | mandate numbers | merchant and number | what is proposed | on success |
//! | sharing numbers | merchant and number | what is shared | on success |
//! | a book's ids | a transaction's or hold's id | what is asked | always |
//! | imports into a book | a line of an export | the same | on success |
//! | starting | what is made on the first start | its name | on success |
//! | forms | the analyst's key and the form's own | what the form asks for | always |
//! | the demonstration | a step of the simulated customer | its name | on success |

use axum::http::{HeaderMap, Uri};
use ledger::{Book, Fingerprint, OnceKey, Remember, TransactionId, Unique};
use uuid::Uuid;

use crate::auth::Caller;
use crate::pay::{KeyId, MerchantId, OrderNumber};
use crate::problem::{Code, Problem};

/// The longest key: UUIDs have 36 characters, and longer texts are somebody's data rather than a key.
pub const KEY_BYTES_MAX: usize = 128;
pub const HEADER: &str = "idempotency-key";

/// Scopes are a kind and a number beside each other.
const KIND_SHIFT: u32 = 32;
const REQUEST: u64 = crate::pay::key::REQUESTS;
const ORDER_NUMBER: u64 = 2 << KIND_SHIFT;
const REFUND_NUMBER: u64 = 3 << KIND_SHIFT;
const START: u64 = 4 << KIND_SHIFT;
const DEMONSTRATION: u64 = 5 << KIND_SHIFT;
const FORM: u64 = 7 << KIND_SHIFT;
const LEDGER_ID: u64 = 6 << KIND_SHIFT;
const IMPORT: u64 = 8 << KIND_SHIFT;
const SHARING_NUMBER: u64 = 9 << KIND_SHIFT;
const MANDATE_NUMBER: u64 = 10 << KIND_SHIFT;

/// The key of a request that has an effect.
pub(super) fn of_request(
    caller: &Caller,
    method: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Unique, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let (first, more) = (values.next(), values.next());
    let value = first.ok_or_else(|| {
        Problem::new(
            Code::IdempotencyKeyMissing,
            "The request has no Idempotency-Key header.",
        )
    })?;
    let text = value.to_str().unwrap_or_default();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if more.is_some() || text.is_empty() || text.len() > KEY_BYTES_MAX || !visible {
        return Err(Problem::new(
            Code::IdempotencyKeyMalformed,
            format!(
                "The Idempotency-Key is not one text of 1 to {KEY_BYTES_MAX} visible ASCII characters."
            ),
        ));
    }
    let mut content = Vec::with_capacity(body.len() + 128);
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    for part in [method.as_bytes(), b" ", target.as_bytes(), b"\n", body] {
        content.extend_from_slice(part);
    }
    Ok(Unique {
        key: key_of_text(REQUEST | u64::from(caller.no), text),
        fingerprint: Fingerprint::of(&content),
        remember: Remember::Always,
    })
}

/// A UUIDv7 is taken as the number it is, because its time makes the look-up cheap; any other text by its digest.
fn key_of_text(scope: u64, text: &str) -> OnceKey {
    let canonical = text.len() == uuid::fmt::Hyphenated::LENGTH;
    let uuid = canonical.then(|| Uuid::try_parse(text).ok()).flatten();
    match uuid.filter(|uuid| uuid.get_version_num() == 7) {
        Some(uuid) => OnceKey {
            scope,
            key: uuid.as_u128(),
        },
        None => OnceKey::of_text(scope, text),
    }
}

/// What an order number is for under which nothing was charged and nothing ever will be.
pub const FORESTALLED: &str = "forestalled";

pub fn of_order_number(merchant: MerchantId, number: &OrderNumber, content: &str) -> Unique {
    of_number(ORDER_NUMBER, merchant, number, content)
}

pub fn of_refund_number(merchant: MerchantId, number: &OrderNumber, content: &str) -> Unique {
    of_number(REFUND_NUMBER, merchant, number, content)
}

pub fn of_sharing_number(merchant: MerchantId, number: &OrderNumber, content: &str) -> Unique {
    of_number(SHARING_NUMBER, merchant, number, content)
}

pub fn of_mandate_number(merchant: MerchantId, number: &OrderNumber, content: &str) -> Unique {
    of_number(MANDATE_NUMBER, merchant, number, content)
}

fn of_number(scope: u64, merchant: MerchantId, number: &OrderNumber, content: &str) -> Unique {
    Unique {
        key: OnceKey::of_text(scope, &format!("{merchant}/{number}")),
        fingerprint: Fingerprint::of(content.as_bytes()),
        remember: Remember::Successes,
    }
}

/// The key of a form that an analyst sends from a page.
pub fn of_form(by: KeyId, form: &str, content: &str) -> Unique {
    Unique {
        key: OnceKey::of_text(FORM, &format!("{by}/{form}")),
        fingerprint: Fingerprint::of(content.as_bytes()),
        remember: Remember::Always,
    }
}

/// The key of a transaction or hold that its caller named.
pub(super) fn of_ledger_id(
    book: Book,
    id: TransactionId,
    content: &[u8],
    remember: Remember,
) -> Unique {
    Unique {
        key: OnceKey {
            scope: LEDGER_ID | u64::from(book.0),
            key: id.0,
        },
        fingerprint: Fingerprint::of(content),
        remember,
    }
}

/// The key of a line of an export that has no id of its own.
pub(super) fn of_import(book: Book, line: &str) -> Unique {
    of_step(IMPORT | u64::from(book.0), line)
}

/// The key of one of the things that a request asks for at once.
pub(super) fn of_part(request: Unique, index: usize) -> Unique {
    let text = format!("{:032x}/part {index}", request.key.key);
    Unique {
        key: derived(request.key, &text),
        ..request
    }
}

/// An id for something that its caller did not name: a retry finds the same one.
pub(super) fn made_id(request: Unique, position: u32) -> u128 {
    let text = format!(
        "{:016x}/{:032x}/{position}",
        request.key.scope, request.key.key
    );
    derived(request.key, &text).key
}

/// A key made from another one and a text. If the other has a time in it, this one has it too, because that makes
/// looking it up cheap.
fn derived(from: OnceKey, text: &str) -> OnceKey {
    /// A UUIDv7's time and version, and its variant.
    const TIME: u128 = u128::MAX << 76;
    const VARIANT: u128 = 0b11 << 62;
    let digest = OnceKey::of_text(from.scope, text);
    match from.uuid_v7_time() {
        Some(_) => OnceKey {
            key: (from.key & (TIME | VARIANT)) | (digest.key & !(TIME | VARIANT)),
            ..from
        },
        None => digest,
    }
}

/// The key of what is made on the first start of all.
pub fn of_start(what: &str) -> Unique {
    of_step(START, what)
}

/// The key of a step of the simulated customer that test mode offers.
pub fn of_demonstration(what: &str) -> Unique {
    of_step(DEMONSTRATION, what)
}

fn of_step(scope: u64, what: &str) -> Unique {
    Unique {
        key: OnceKey::of_text(scope, what),
        fingerprint: Fingerprint::of(what.as_bytes()),
        remember: Remember::Successes,
    }
}

/// What a caller is told who used a key twice.
pub(super) fn reused(key: OnceKey) -> Problem {
    match key.scope & !u64::from(u32::MAX) {
        ORDER_NUMBER => Problem::field(
            Code::OrderNumberUsed,
            "/number",
            "There is an order with this number, and it is for something else.",
        ),
        REFUND_NUMBER => Problem::field(
            Code::RefundNumberUsed,
            "/number",
            "There is a refund with this number, and it is for something else.",
        ),
        SHARING_NUMBER => Problem::field(
            Code::SharingNumberUsed,
            "/number",
            "There is a sharing with this number, and it is for something else.",
        ),
        MANDATE_NUMBER => Problem::field(
            Code::MandateNumberUsed,
            "/number",
            "There is a mandate with this number, and it is for something else.",
        ),
        LEDGER_ID => Problem::field(
            Code::TransactionIdReused,
            "/id",
            "There is a transaction or hold with this id, and it is something else.",
        ),
        _ => Problem::new(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key was used before, for a request that differs from this one.",
        ),
    }
}
