//! Accounts as they stand, in the order of their names.

use fx::Currency;

use super::column::{json, number, number_or_none, sql, wrong};
use crate::core::{
    AccountId, AccountKind, AccountNo, AccountState, Balance, Book, Description, Limits, Metadata,
};
use crate::shell::packed::Balances;
use crate::shell::sql::{Query, Row};
use crate::shell::table::Value;
use crate::shell::views::Reading;

/// An account with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub no: AccountNo,
    pub name: String,
    /// The code of its currency or asset.
    pub currency: String,
    pub kind: AccountKind,
    pub state: AccountState,
    pub limits: Limits,
    /// All that was posted.
    pub balance: Balance,
    pub description: Description,
}

const SELECT: &str =
    "select a.account_no, n.name, a.currency, a.kind, a.state, a.minimum, a.maximum,
        d.kind as described, d.reference, d.metadata
    from account_names n
    join accounts a on a.account_no = n.account_no
    left join account_descriptions d on d.account_no = n.account_no ";

/// The accounts of a book after a name, in order; of one branch of the tree, if one is named.
pub async fn page(
    reading: &mut Reading,
    book: Book,
    branch: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    // A branch is the account of its name and those whose names go on with a colon, which is the
    // character before the semicolon.
    let (first, end) = match branch {
        Some(branch) => (format!("{branch}:"), format!("{branch};")),
        None => (String::new(), "\u{7f}".to_owned()),
    };
    let rows = reading
        .connection()
        .all(
            Query::of_declared(format!(
                "{SELECT} where n.book = $1 and n.name > $2
            and ((n.name >= $3 and n.name < $4) or n.name = $5)
            order by n.name limit $6"
            ))
            .bind(i64::from(book.0))
            .bind(after)
            .bind(first)
            .bind(end)
            .bind(branch.unwrap_or_default())
            .bind(i64::from(limit)),
        )
        .await?;
    with_balances(reading, &rows).await
}

/// One account, if there is one of this name.
pub async fn find(
    reading: &mut Reading,
    book: Book,
    name: &str,
) -> Result<Option<AccountRow>, sqlx::Error> {
    let row = reading
        .connection()
        .first(
            Query::of_declared(format!("{SELECT} where n.book = $1 and n.name = $2"))
                .bind(i64::from(book.0))
                .bind(name),
        )
        .await?;
    let found = with_balances(reading, row.as_slice()).await?;
    Ok(found.into_iter().next())
}

/// One account by its id.
pub async fn by_id(
    reading: &mut Reading,
    book: Book,
    id: AccountId,
) -> Result<Option<AccountRow>, sqlx::Error> {
    let query = Query::of_declared(format!("{SELECT} where a.book = $1 and a.id = $2"))
        .bind(book.0)
        .bind(Value::id(id.0));
    let row = reading.connection().first(query).await?;
    let found = with_balances(reading, row.as_slice()).await?;
    Ok(found.into_iter().next())
}

/// The accounts of these numbers, in no particular order.
pub async fn by_number(
    reading: &mut Reading,
    numbers: &[AccountNo],
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let mut rows = Vec::with_capacity(numbers.len());
    for no in numbers {
        let row = reading
            .connection()
            .first(
                Query::of_declared(format!("{SELECT} where n.account_no = $1"))
                    .bind(sql(no.0.into())),
            )
            .await?;
        rows.extend(row);
    }
    with_balances(reading, &rows).await
}

/// The accounts of rows, with their balances.
async fn with_balances(
    reading: &mut Reading,
    rows: &[Row],
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let mut balances = Balances::default();
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        let no = AccountNo(number(row, "account_no")?);
        let balance = balances.of(&mut reading.connection(), no).await?;
        accounts.push(account(row, balance)?);
    }
    Ok(accounts)
}

fn account(row: &Row, balance: Balance) -> Result<AccountRow, sqlx::Error> {
    let metadata: Option<String> = row.get("metadata")?;
    let metadata = metadata.as_deref().map(|text| json(text, "metadata"));
    Ok(AccountRow {
        no: AccountNo(number(row, "account_no")?),
        name: row.get("name")?,
        currency: row.get("currency")?,
        kind: kind(&row.get::<String>("kind")?)?,
        state: state(&row.get::<String>("state")?)?,
        limits: Limits {
            minimum: row.get("minimum")?,
            maximum: row.get("maximum")?,
        },
        balance,
        description: Description {
            kind: number_or_none(row, "described")?.unwrap_or_default(),
            reference: row.get::<Option<String>>("reference")?.map(Into::into),
            metadata: metadata.transpose()?.unwrap_or_else(Metadata::new),
        },
    })
}

fn kind(name: &str) -> Result<AccountKind, sqlx::Error> {
    match name {
        "asset" => Ok(AccountKind::Asset),
        "liability" => Ok(AccountKind::Liability),
        "equity" => Ok(AccountKind::Equity),
        "income" => Ok(AccountKind::Income),
        "expense" => Ok(AccountKind::Expense),
        _ => Err(wrong("kind")),
    }
}

fn state(name: &str) -> Result<AccountState, sqlx::Error> {
    match name {
        "open" => Ok(AccountState::Open),
        "frozen_in" => Ok(AccountState::FrozenIn),
        "frozen_out" => Ok(AccountState::FrozenOut),
        "frozen" => Ok(AccountState::Frozen),
        "closed" => Ok(AccountState::Closed),
        _ => Err(wrong("state")),
    }
}

impl AccountRow {
    /// The balance on the account's normal side.
    pub fn net(&self) -> i128 {
        self.balance.net(self.kind)
    }

    /// The currency, if it is one of ISO 4217.
    pub fn iso(&self) -> Option<Currency> {
        Currency::historic(&self.currency).ok()
    }
}
