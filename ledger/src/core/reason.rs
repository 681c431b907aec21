//! Why the ledger says no: a closed list in the order of the checks.
//!
//! When several reasons apply, the one that stands first here is given. A reason has three names
//! that never change once released: its number (in the journal), its code (in clients' programs)
//! and its place (in precedence). The number is written out beside each reason, so a new reason
//! goes where its check belongs and takes the next free number.

use serde::{Deserialize, Serialize};

/// One row a reason: number, name, code, text.
macro_rules! reasons {
    ($($number:literal $name:ident $code:literal $text:literal;)+) => {
        /// Ordered by precedence, journalled by number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "u16", try_from = "u16")]
        pub enum Reason {
            $($name,)+
        }

        impl Reason {
            /// All reasons, in order of precedence.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$name),+];

            /// The reason's number in the journal.
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)+
                }
            }

            /// The reason's name for programs.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// The reason in words.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }

        impl From<Reason> for u16 {
            fn from(reason: Reason) -> Self {
                reason.number()
            }
        }

        impl TryFrom<u16> for Reason {
            type Error = UnknownReason;

            fn try_from(number: u16) -> Result<Self, UnknownReason> {
                match number {
                    $($number => Ok(Self::$name),)+
                    unknown => Err(UnknownReason(unknown)),
                }
            }
        }
    };
}

reasons! {
    1 AssetExists "asset_exists" "an asset of this code is registered with another exponent";
    2 AssetsTooMany "assets_too_many" "no more assets can be registered";
    3 AccountsTooMany "accounts_too_many" "there are more accounts than one command may have";
    4 AccountExists "account_exists" "an account of this id is open in this book with other terms";
    5 AssetNotRegistered "asset_not_registered" "the account's asset is not registered";
    6 LimitsInvalid "limits_invalid" "the minimum balance is above the maximum";
    7 VelocityInvalid "velocity_invalid" "a velocity limit bounds nothing, or there are too many";
    8 SettingsInvalid "settings_invalid" "the book's name is too long, or no clock has such an offset";
    9 PeriodInvalid "period_invalid" "only a past period that is still open can be closed";
    10 TransactionsMissing "transactions_missing" "the command has no transaction";
    11 PostingsMissing "postings_missing" "the transaction has no posting";
    12 PostingsTooMany "postings_too_many" "there are more postings than one command may have";
    13 ReferenceTooLong "reference_too_long" "the reference is too long";
    14 MetadataTooLarge "metadata_too_large" "the metadata have too many pairs, or too long ones";
    15 EffectiveInFuture "effective_in_future" "the effective date lies in the future";
    16 PeriodClosed "period_closed" "the effective date lies in a period that is closed";
    17 AmountNotPositive "amount_not_positive" "a posting's amount must be above zero";
    18 SameAccount "same_account" "a posting's two accounts must differ";
    19 AccountNotFound "account_not_found" "no such account in this book";
    20 AssetsDiffer "assets_differ" "a posting's two accounts hold different assets";
    21 AccountClosed "account_closed" "the account is closed";
    22 AccountFrozen "account_frozen" "the account is frozen for this direction";
    23 HoldExists "hold_exists" "a hold of this id is there already";
    24 HoldNotFound "hold_not_found" "no such hold in this book";
    25 HoldCaptured "hold_captured" "the hold is used up";
    26 HoldReleased "hold_released" "the hold was released";
    27 HoldExpired "hold_expired" "the hold has expired";
    28 TransactionNotFound "transaction_not_found" "no such earlier transaction in this book";
    29 AmountsMismatch "amounts_mismatch" "there must be one amount for each posting";
    30 AmountExceedsRest "amount_exceeds_rest" "the amount is above what remains of the posting";
    31 NothingToMove "nothing_to_move" "nothing is there to be moved";
    32 BalanceNotZero "balance_not_zero" "only an account at zero can be closed";
    33 HoldsOpen "holds_open" "only an account without open holds can be closed";
    34 BelowMinimum "below_minimum" "the balance would fall below the account's minimum";
    35 AboveMaximum "above_maximum" "the balance would rise above the account's maximum";
    36 VelocityCountExceeded "velocity_count_exceeded" "the account may not move this often within the period";
    37 VelocityAmountExceeded "velocity_amount_exceeded" "the account may not move this much within the period";
}

/// A number that no reason has, from a journal that is newer than this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no reason has the number {0}; the journal was written by a newer release, so use that one"
)]
pub struct UnknownReason(pub u16);
