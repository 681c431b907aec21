//! What a view consists of: tables that are declared, and rows that are collected and written in
//! bulk.
//!
//! A view never writes SQL for writing. It says which tables there are and puts rows; how they get
//! into the database fastest (sorted by key, by as few statements as each database likes best) is
//! known in one place ([`sql`](crate::shell::sql)). The tables are plain, so that any SQL tool reads them: ids are 16-byte blobs (`hex(id)`
//! shows them as text), times are nanoseconds since 1970, amounts are minor units.

use std::collections::BTreeMap;
use std::fmt;

use crate::shell::chain::hex;

use crate::shell::packed;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Text,
    Blob,
    /// Sums that may be wider than 64 bits: an integer as long as it fits, else its digits as text.
    Wide,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub nullable: bool,
    /// Whether it stays as it was first put, however often its row is put again.
    pub fixed: bool,
}

impl Column {
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Kind::Integer)
    }

    pub const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    pub const fn blob(name: &'static str) -> Self {
        Self::new(name, Kind::Blob)
    }

    pub const fn wide(name: &'static str) -> Self {
        Self::new(name, Kind::Wide)
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            fixed: false,
        }
    }

    /// A column that never changes, which spares its indexes work.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    #[must_use]
    pub const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// How the rows of a table come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Each key is put once: histories.
    Append,
    /// A key may be put again and the last row counts: things as they stand.
    Replace,
}

/// A table, as a `static`. Names are written into SQL as they are.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// How many of the columns, from the first, are the primary key. Rows are stored in its order.
    pub key: usize,
    pub growth: Growth,
    /// Further indexes: for each the names of its columns, comma-separated.
    pub indexes: &'static [&'static str],
}

impl Table {
    pub(crate) fn key_names(&self) -> Vec<&'static str> {
        self.columns[..self.key]
            .iter()
            .map(|column| column.name)
            .collect()
    }

    pub(crate) fn index_names(&self) -> impl Iterator<Item = String> {
        (1..=self.indexes.len()).map(|number| format!("{}_{number}", self.name))
    }

    /// The statements that make the further indexes.
    pub(crate) fn index_definitions(&self) -> impl Iterator<Item = String> {
        let on = self.name;
        self.index_names()
            .zip(self.indexes)
            .map(move |(name, columns)| {
                format!("create index if not exists {name} on {on} ({columns})")
            })
    }

    /// What to do with a row whose key is there already.
    pub(crate) fn on_conflict(&self) -> String {
        let changing = self.columns[self.key..].iter();
        let changes: Vec<String> = changing
            .filter(|column| !column.fixed)
            .map(|column| format!("{0} = excluded.{0}", column.name))
            .collect();
        let key = self.key_names().join(", ");
        if changes.is_empty() {
            format!("on conflict ({key}) do nothing")
        } else {
            format!("on conflict ({key}) do update set {}", changes.join(", "))
        }
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Integer(i64),
    Text(Box<str>),
    Blob(Box<[u8]>),
}

impl Value {
    /// An id as its 16 bytes, most significant first.
    pub fn id(id: u128) -> Self {
        Self::Blob(Box::new(id.to_be_bytes()))
    }
}

/// As it is written in SQL.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Blob(bytes) => write!(f, "x'{}'", hex(bytes)),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Integer(truth.into())
    }
}

impl From<i128> for Value {
    fn from(number: i128) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Text(number.to_string().into()), Self::Integer)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i128::from(number).into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The rows collected for one table.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) table: &'static Table,
    /// For [`Growth::Append`]: row after row.
    appended: Vec<Value>,
    /// For [`Growth::Replace`]: by key.
    replaced: BTreeMap<Vec<Value>, Vec<Value>>,
}

impl Collected {
    fn new(table: &'static Table) -> Self {
        Self {
            table,
            appended: Vec::new(),
            replaced: BTreeMap::new(),
        }
    }

    /// Takes the rows, in order of key.
    pub(crate) fn take(&mut self) -> Vec<Vec<Value>> {
        let width = self.table.columns.len();
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(self.appended.len() / width);
        let mut values = std::mem::take(&mut self.appended).into_iter();
        loop {
            let row: Vec<Value> = values.by_ref().take(width).collect();
            if row.is_empty() {
                break;
            }
            rows.push(row);
        }
        let key = self.table.key;
        rows.sort_by(|one, other| one[..key].cmp(&other[..key]));
        rows.extend(std::mem::take(&mut self.replaced).into_values());
        rows
    }
}

/// What a chunk of events adds to the tables, collected to be written at once.
#[derive(Debug)]
pub struct Rows {
    tables: Vec<Collected>,
    packed: packed::Collected,
    len: usize,
}

impl Rows {
    pub(crate) fn new(tables: &[&'static Table]) -> Self {
        Self {
            tables: tables.iter().map(|table| Collected::new(table)).collect(),
            packed: packed::Collected::default(),
            len: 0,
        }
    }

    /// Puts a row, its values in the order of the table's columns.
    ///
    /// # Panics
    /// When the view has not declared the table: a defect of the view, which its first test shows.
    pub fn put<const N: usize>(&mut self, table: &'static Table, row: [Value; N]) {
        assert_eq!(
            N,
            table.columns.len(),
            "a row of {} is complete",
            table.name
        );
        let collected = self
            .tables
            .iter_mut()
            .find(|collected| collected.table.name == table.name)
            .unwrap_or_else(|| panic!("the view declares the table {}", table.name));
        match table.growth {
            Growth::Append => collected.appended.extend(row),
            Growth::Replace => {
                let key = row[..table.key].to_vec();
                collected.replaced.insert(key, row.into());
            }
        }
        self.len += 1;
    }

    /// What goes into the packed histories.
    pub(crate) fn packed(&mut self) -> &mut packed::Collected {
        self.len += 1;
        &mut self.packed
    }

    /// How many rows have been put.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn tables(&mut self) -> impl Iterator<Item = &mut Collected> {
        self.len = 0;
        self.tables.iter_mut()
    }
}
