//! From the words of the rules and of the journal into those of the catalogue.

use ledger::shell::SubmitError;

use crate::pay::Refusal;
use crate::problem::{Code, Problem};

use super::once;

/// Why a command has no outcome.
pub(crate) fn submit_problem(error: SubmitError) -> Problem {
    match error {
        SubmitError::Busy { retry_after } => {
            let seconds = u32::try_from(retry_after.as_secs())
                .unwrap_or(u32::MAX)
                .max(1);
            Problem::new(Code::Busy, "The queue is full; nothing was done.")
                .with_retry_after_s(seconds)
        }
        SubmitError::OutcomeUnknown => Problem::new(
            Code::OutcomeUnknown,
            "The journal did not confirm in time whether the request took effect.",
        ),
        SubmitError::KeyReused(key) => once::reused(key),
        SubmitError::KeyFromFuture(_) => Problem::new(
            Code::IdempotencyKeyInFuture,
            "The time inside the Idempotency-Key is more than a minute ahead of the server's.",
        ),
        SubmitError::Internal => Problem::internal(&"the machine panicked while deciding"),
        SubmitError::Stopped { why } => {
            Problem::new(Code::NotReady, "The server takes no commands.").with_cause(&why)
        }
    }
}

/// The catalogue's code of a refusal: the one of the same name. A reason of the ledger that the catalogue does not have
/// is one that payments never bring about; to meet it is a defect.
pub fn code_of(refusal: &Refusal) -> Code {
    Code::named(refusal.code()).unwrap_or(Code::Internal)
}

/// What a caller is told of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> Problem {
    let code = code_of(refusal);
    match refusal {
        Refusal::CurrencyUnknown { code: currency } => Problem::new(
            code,
            format!("{currency} is not the code of a currency that is known here."),
        ),
        Refusal::CurrencyNotHeld { code: currency } => {
            Problem::new(code, format!("There is no account in {currency}."))
        }
        Refusal::TermsInvalid { what } => {
            Problem::new(code, format!("These terms are not possible: {what}."))
        }
        Refusal::CurrencyNotTaken { code: currency } => Problem::new(
            code,
            format!("The one it is sent to has no account in {currency}."),
        ),
        Refusal::PositionReached { code: currency } => Problem::new(
            code,
            format!(
                "The house takes no more of this exchange: its position in {currency} is at its limit."
            ),
        ),
        Refusal::BillInvalid { what } | Refusal::SharingInvalid { what } => {
            Problem::new(code, format!("It cannot be shared like this: {what}."))
        }
        Refusal::CombinationInvalid { what } => Problem::new(
            code,
            format!("These orders cannot be paid together: {what}."),
        ),
        Refusal::SharesTooLarge { left } => Problem::new(
            code,
            format!("At most {left} minor units more of this order can be passed on."),
        ),
        Refusal::ShareReturnTooLarge { left } => Problem::new(
            code,
            format!("At most {left} minor units of this share can come back."),
        ),
        Refusal::MandateExceeded { what } => Problem::new(
            code,
            format!("The debit is beyond what the payer allowed: {what}."),
        ),
        Refusal::ReferenceInvalid { what } | Refusal::BillerAmount { what } => {
            Problem::new(code, sentence(what))
        }
        Refusal::CouponMinimum { minimum } => Problem::new(
            code,
            format!("The coupon is for orders of {minimum} minor units or more."),
        ),
        Refusal::PointsInvalid { what } => Problem::new(
            code,
            format!("So many points cannot be spent here: {what}."),
        ),
        Refusal::SharesInvalid { what } => {
            Problem::new(code, format!("It cannot be cut like this: {what}."))
        }
        Refusal::RefundTooLarge { refundable } => Problem::new(
            code,
            format!("At most {refundable} minor units of this order can still be refunded."),
        ),
        Refusal::ProofWrong { left: 0 } => Problem::new(
            code,
            "The proof was wrong once too often; the payment is denied.",
        ),
        Refusal::ProofWrong { left } => Problem::new(
            code,
            format!("The proof was wrong; {left} more may be tried."),
        ),
        Refusal::DraftOutdated { running } => Problem::new(
            code,
            format!("Version {running} of the rules runs now, which is newer than the draft."),
        ),
        Refusal::Ledger(rejection) => Problem::new(code, sentence(rejection.reason.text())),
        _ => Problem::new(code, sentence(code.title())),
    }
}

pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
