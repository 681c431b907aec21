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
    7 TransactionsMissing "transactions_missing" "the command has no transaction";
    8 PostingsMissing "postings_missing" "the transaction has no posting";
    9 PostingsTooMany "postings_too_many" "there are more postings than one command may have";
    10 ReferenceTooLong "reference_too_long" "the reference is too long";
    11 AmountNotPositive "amount_not_positive" "a posting's amount must be above zero";
    12 SameAccount "same_account" "a posting's two accounts must differ";
    13 AccountNotFound "account_not_found" "no such account in this book";
    14 AssetsDiffer "assets_differ" "a posting's two accounts hold different assets";
    15 AccountClosed "account_closed" "the account is closed";
    16 AccountFrozen "account_frozen" "the account is frozen for this direction";
    17 BalanceNotZero "balance_not_zero" "only an account at zero can be closed";
    18 BelowMinimum "below_minimum" "the balance would fall below the account's minimum";
    19 AboveMaximum "above_maximum" "the balance would rise above the account's maximum";
}

/// A number that no reason has, from a journal that is newer than this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no reason has the number {0}; the journal was written by a newer release, so use that one"
)]
pub struct UnknownReason(pub u16);
