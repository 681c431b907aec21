//! What was ever posted to each account, in blocks of accounts that have neighbouring numbers.
//!
//! Nearly every transfer changes two balances. As columns of the accounts' own rows they made every
//! chunk write a row for each account touched, a million rows when accounts are many; a block is
//! one small row for 128 of them. It is written again whenever one of its balances has changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::core::{Account, AccountNo, Balance};
use crate::shell::packed::varint::{Numbers, put_wide};
use crate::shell::sql::{Connection, Query};
use crate::shell::table::{Column, Growth, Table, Value};

pub(crate) static BALANCES: Table = Table {
    name: "balances",
    columns: &[Column::integer("first_no"), Column::blob("body")],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

/// A block of usual balances has less than a kilobyte.
const BLOCK_ACCOUNTS: u32 = 128;

const READ: &str = "select body from balances where first_no = $1";

/// The block of an account; it begins with the account of this many times its size.
pub(crate) const fn block_of(account: AccountNo) -> u32 {
    account.0 / BLOCK_ACCOUNTS
}

/// A block as a row, its balances taken from all accounts in order of number.
pub(crate) fn row(block: u32, accounts: &[Account]) -> [Value; 2] {
    let first = block * BLOCK_ACCOUNTS;
    let of_block = accounts.iter().skip(first as usize);
    let mut body = Vec::with_capacity(1_024);
    for account in of_block.take(BLOCK_ACCOUNTS as usize) {
        put_wide(&mut body, account.balance.debits);
        put_wide(&mut body, account.balance.credits);
    }
    [first.into(), body.into()]
}

fn decode(body: &[u8]) -> Option<Vec<Balance>> {
    let mut numbers = Numbers(body);
    let mut balances = Vec::with_capacity(BLOCK_ACCOUNTS as usize);
    while !numbers.0.is_empty() {
        balances.push(Balance {
            debits: numbers.next_wide()?,
            credits: numbers.next_wide()?,
        });
    }
    Some(balances)
}

/// Balances that are read as they are asked for; each block once.
#[derive(Debug, Default)]
pub struct Balances {
    blocks: BTreeMap<u32, Vec<Balance>>,
}

impl Balances {
    /// The balance of an account, inside the read transaction that all of them are read in.
    pub async fn of(
        &mut self,
        connection: &mut Connection<'_>,
        account: AccountNo,
    ) -> Result<Balance, sqlx::Error> {
        let wrong = || {
            let no = account.0;
            sqlx::Error::Decode(format!("the balance of account {no} is not readable").into())
        };
        let block = block_of(account);
        let balances = match self.blocks.entry(block) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let query = Query::new(READ).bind(block * BLOCK_ACCOUNTS);
                let found: Option<(Vec<u8>,)> = connection.first_as(query).await?;
                let balances = found.and_then(|(body,)| decode(&body));
                unknown.insert(balances.ok_or_else(wrong)?)
            }
        };
        let place = (account.0 % BLOCK_ACCOUNTS) as usize;
        balances.get(place).copied().ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use fx::Currency;

    use super::*;
    use crate::core::{AccountId, AccountKind, Book, Limits, NewAccount};

    #[test]
    fn each_account_of_a_block_comes_back_from_its_row() {
        let account = |no: u32| {
            let new = NewAccount {
                book: Book(1),
                id: AccountId(no.into()),
                currency: Currency::CNY,
                kind: AccountKind::Asset,
                limits: Limits::NONE,
            };
            let mut account = Account::opened(AccountNo(no), new);
            account.balance.debits = i128::from(no) << 60;
            account.balance.credits = no.into();
            account
        };
        let accounts: Vec<Account> = (0..BLOCK_ACCOUNTS + 2).map(account).collect();
        for block in 0..2 {
            let [first, body] = row(block, &accounts);
            assert_eq!(first, (block * BLOCK_ACCOUNTS).into());
            let Value::Blob(body) = body else {
                panic!("a block is bytes");
            };
            let balances = decode(&body).expect("it decodes");
            let of_block = accounts
                .iter()
                .filter(|account| block_of(account.no) == block);
            let expected: Vec<Balance> = of_block.map(|account| account.balance).collect();
            assert_eq!(balances, expected);
            assert_eq!(decode(&body[..body.len() - 1]), None, "cut off");
        }
    }
}
