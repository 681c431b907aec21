//! Pages and cursors.
//!
//! A cursor is where the last page ended, as opaque text: which list it belongs to, and the key of the last row. It
//! holds no secret and grants nothing; a list only continues behind it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Rows on a page when nothing is said, and at most.
pub const ROWS_DEFAULT: u32 = 20;
pub const ROWS_MAX: u32 = 100;

/// Which list a cursor is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum List {
    Orders = 1,
    Statement = 2,
    Deliveries = 3,
    Accounts = 4,
    Cases = 5,
    Changes = 6,
    LedgerStatement = 7,
    LedgerSearch = 8,
    LedgerHolds = 9,
    Transfers = 10,
    RedPackets = 11,
    Bills = 12,
    PrintedCodes = 13,
    Coupons = 14,
    Combined = 15,
    ProfitShares = 16,
    Mandates = 17,
    Billers = 18,
    Acts = 19,
}

/// A place in a list: two numbers that order its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub list: List,
    pub first: u64,
    pub second: u128,
}

const BYTES: usize = 1 + 8 + 16;

impl Cursor {
    pub fn write(self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(self.list as u8);
        bytes.extend(self.first.to_be_bytes());
        bytes.extend(self.second.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor, if it is one of this list.
    pub fn read(text: &str, list: List) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (kind, rest) = bytes.split_first()?;
        let (first, second) = rest.split_at_checked(8)?;
        Some(Self {
            list: (*kind == list as u8).then_some(list)?,
            first: u64::from_be_bytes(first.try_into().ok()?),
            second: u128::from_be_bytes(second.try_into().ok()?),
        })
    }
}

/// What to show of a list.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pub after: Option<Cursor>,
    pub rows: u32,
}

impl Slice {
    /// One row more than is shown, to know whether there is a next page.
    pub(crate) fn limit(self) -> i64 {
        i64::from(self.rows) + 1
    }

    /// Cuts what was read to what is shown, and says where the next page begins.
    pub(crate) fn cut<T>(
        self,
        mut rows: Vec<T>,
        place: impl FnOnce(&T) -> Cursor,
    ) -> (Vec<T>, Option<Cursor>) {
        let shown = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let more = rows.len() > shown;
        rows.truncate(shown);
        let next = more.then(|| rows.last().map(place)).flatten();
        (rows, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_list_only() {
        let cursor = Cursor {
            list: List::Orders,
            first: u64::MAX,
            second: 7,
        };
        let text = cursor.write();
        assert_eq!(Cursor::read(&text, List::Orders), Some(cursor));
        assert_eq!(Cursor::read(&text, List::Statement), None);
        for text in ["", "AA", "not a cursor", &text[1..], &format!("{text}A")] {
            assert_eq!(Cursor::read(text, List::Orders), None, "{text}");
        }
    }
}
