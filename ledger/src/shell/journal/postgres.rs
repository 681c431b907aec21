//! The journal in `PostgreSQL`: a schema of its own, which only the sequencer writes.
//!
//! An append is one statement, which is its own transaction, so that a commit is one round trip.
//! That the server's settings make commits durable is checked with every connection.
//!
//! A writer holds a *lease*: an advisory lock of the server, which goes with the session that holds
//! it, however that ends. It keeps a second writer away and tells it who is there. Nothing that
//! matters rests on it: whoever has lost the lease without knowing appends a row that is there
//! already, and the primary key refuses it.
//!
//! A connection that failed is not used again. The next one waits until the lease is free, which
//! the server grants only when the session before is over, its append done or undone. So whoever
//! then reads the row of an append whose answer got lost reads what will stand.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::{Journal, JournalError, ReadJournal, SHARD, fitting, signed, unsigned};
use crate::shell::sql::postgres;

const SCHEMA: &str = "journal";
/// An append that has no answer by then has an unknown outcome. Longer than a server's checkpoint
/// holds up a commit, and short enough for callers who wait.
const APPEND_WAIT_MAX: Duration = Duration::from_secs(10);
/// The same for a new connection, until it is known to be good.
const READY_WAIT_MAX: Duration = Duration::from_secs(15);
/// The same for reading a stretch of the journal.
const READ_WAIT_MAX: Duration = Duration::from_secs(60);
/// Rows in one answer to a reader, besides its limit in bytes.
const READ_ROWS_MAX: i64 = 4_096;
/// The lease is the lock of these two numbers: "jiao" in ASCII, and the shard.
const LEASE: i32 = 0x6a69_616f;
/// How long a new connection waits for the session before it to be over, and how often it looks.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(2);
const LEASE_PAUSE: Duration = Duration::from_millis(10);

/// What durability rests on, and what it may be set to. Every value of `synchronous_commit` that is
/// listed here waits for the disk, and for a standby if there is one to wait for.
const DURABLE: [(&str, &[&str]); 3] = [
    ("fsync", &["on"]),
    ("full_page_writes", &["on"]),
    ("synchronous_commit", &["on", "remote_apply"]),
];

const CREATE: &str = "create table if not exists journal.journal (
    shard bigint not null,
    seq bigint not null,
    epoch bigint not null,
    prev_hash bytea not null,
    hash bytea not null,
    payload bytea not null,
    primary key (shard, seq)
);
alter table journal.journal alter payload set storage external";
const EXISTS: &str = "select to_regclass('journal.journal') is not null";
const EXAMINE: &str = "select current_setting('server_version'),
        to_regclass('journal.journal') is not null,
        has_database_privilege(current_database(), 'create')";
const APPEND: &str = "insert into journal.journal (shard, seq, epoch, prev_hash, hash, payload)
    values ($1, $2, $3, $4, $5, $6)";
const SIZES: &str = "select seq, octet_length(payload)::bigint from journal.journal
    where shard = $1 and seq > $2 order by seq limit $3";
const READ: &str = "select seq, epoch, prev_hash, hash, payload from journal.journal
    where shard = $1 and seq > $2 and seq <= $3 order by seq";
const OUTSIDE: &str = "select count(*) from journal.journal where shard <> $1 or seq < 1";
const LAST: &str = "select coalesce(max(seq), 0) from journal.journal where shard = $1";
const SESSION: &str = "select pid, backend_start::text from pg_stat_activity
    where pid = pg_backend_pid()";
const TAKE_LEASE: &str = "select pg_try_advisory_lock($1, $2)";
const LEASE_HOLDER: &str = "select a.pid, a.backend_start::text, a.state is distinct from 'active',
        concat_ws(', ', nullif(a.application_name, ''), 'user ' || a.usename,
            'from ' || coalesce(host(a.client_addr), 'the same machine'),
            'since ' || to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), 'session ' || a.pid)
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
        and l.database = (select oid from pg_database where datname = current_database())
        and l.classid::bigint = $1 and l.objid::bigint = $2";
const END_SESSION: &str = "select pg_terminate_backend($1)";

/// One session of the server, so that it is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SessionId {
    pid: i32,
    begun: String,
}

/// A server, as a writer would find it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The server's version, as it tells it.
    pub version: String,
    /// Whether the database has a journal.
    pub has_journal: bool,
    /// Whether schemas can be made, which the first start does.
    pub may_create: bool,
    /// Who holds the lease.
    pub holder: Option<String>,
}

/// Looks at a server without taking or changing anything. One whose commits are not durable is an
/// error, as it is for a writer.
pub async fn examine(options: &PgConnectOptions) -> Result<Examined, JournalError> {
    let mut connection = postgres::connect(&postgres::quiet(options)).await?;
    check_durable(&mut connection).await?;
    let (version, has_journal, may_create) =
        sqlx::query_as(EXAMINE).fetch_one(&mut connection).await?;
    let holder = holder(&mut connection).await?.map(|holder| holder.who);
    connection.close().await?;
    Ok(Examined {
        version,
        has_journal,
        may_create,
        holder,
    })
}

/// Who holds the lease.
struct Holder {
    session: SessionId,
    /// Nothing of its is under way.
    idle: bool,
    who: String,
}

/// A connection that is made when it is needed, and made anew after a failure.
#[derive(Debug)]
struct Link {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// The session that took the lease last, of a writer.
    lease: Option<SessionId>,
    writes: bool,
}

impl Link {
    fn new(options: &PgConnectOptions, writes: bool) -> Self {
        Self {
            options: postgres::quiet(options),
            connection: None,
            lease: None,
            writes,
        }
    }

    async fn connection(&mut self) -> Result<&mut PgConnection, JournalError> {
        if self.connection.is_none() {
            self.connection = Some(in_time(READY_WAIT_MAX, self.connect()).await?);
        }
        Ok(self.connection.as_mut().expect("it was made just now"))
    }

    async fn connect(&mut self) -> Result<PgConnection, JournalError> {
        let mut connection = postgres::connect(&self.options).await?;
        if self.writes {
            check_durable(&mut connection).await?;
            self.take_lease(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Takes the lease. Whoever holds it may be ending just now, so a moment is waited. A session of
    /// our own whose connection got lost is ended; but a commit that is under way in it is waited
    /// for, never cancelled.
    async fn take_lease(&mut self, connection: &mut PgConnection) -> Result<(), JournalError> {
        let before = self.lease.clone();
        let started = tokio::time::Instant::now();
        loop {
            let take = sqlx::query_scalar(TAKE_LEASE)
                .bind(LEASE)
                .bind(lease_of_shard());
            if take.fetch_one(&mut *connection).await? {
                self.lease = Some(session(connection).await?);
                return Ok(());
            }
            if let Some(holder) = holder(connection).await? {
                let ours = before.as_ref() == Some(&holder.session);
                if ours && holder.idle {
                    let end = sqlx::query_scalar(END_SESSION).bind(holder.session.pid);
                    let _: bool = end.fetch_one(&mut *connection).await?;
                }
                if started.elapsed() > LEASE_WAIT_MAX {
                    return Err(if ours {
                        JournalError::StillAtWork
                    } else {
                        JournalError::Held(holder.who)
                    });
                }
            }
            tokio::time::sleep(LEASE_PAUSE).await;
        }
    }

    /// What a query gave; a connection on which it failed is let go.
    fn keep<T>(&mut self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        match &done {
            Ok(_) => {}
            Err(JournalError::Database(error)) if is_of_query(error) => {}
            // What the server makes of an append is seen when the lease is free again.
            Err(_) => self.connection = None,
        }
        done
    }

    async fn between(&mut self, after: i64, to: i64) -> Result<Vec<Row>, JournalError> {
        let query = sqlx::query(READ).bind(SHARD).bind(after).bind(to);
        let read = in_time(READ_WAIT_MAX, query.fetch_all(self.connection().await?)).await;
        self.keep(read)?.iter().map(row_of).collect()
    }

    async fn number(&mut self, query: &'static str) -> Result<u64, JournalError> {
        let query = sqlx::query_scalar(query).bind(SHARD);
        let read = in_time(READ_WAIT_MAX, query.fetch_one(self.connection().await?)).await;
        Ok(unsigned(self.keep(read)?)?)
    }

    async fn close(&mut self) -> Result<(), JournalError> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

/// What was asked of a server, unless it takes too long to answer. A server that is gone without a
/// word never does.
async fn in_time<T, E: Into<JournalError>>(
    wait: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, JournalError> {
    match tokio::time::timeout(wait, asked).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(JournalError::NoAnswer(wait.as_secs())),
    }
}

/// Whether the server answered, so that the connection is as good as before.
fn is_of_query(error: &sqlx::Error) -> bool {
    match error {
        // Class 57 is the server being shut down, or the session being ended.
        sqlx::Error::Database(error) => !error.code().is_some_and(|code| code.starts_with("57")),
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

fn lease_of_shard() -> i32 {
    i32::try_from(SHARD).expect("shards are few")
}

async fn session(connection: &mut PgConnection) -> Result<SessionId, sqlx::Error> {
    let (pid, begun) = sqlx::query_as(SESSION).fetch_one(connection).await?;
    Ok(SessionId { pid, begun })
}

async fn holder(connection: &mut PgConnection) -> Result<Option<Holder>, sqlx::Error> {
    let query = sqlx::query_as(LEASE_HOLDER)
        .bind(i64::from(LEASE))
        .bind(SHARD);
    let found: Option<(i32, Option<String>, bool, String)> =
        query.fetch_optional(connection).await?;
    Ok(found.map(|(pid, begun, idle, who)| Holder {
        session: SessionId {
            pid,
            begun: begun.unwrap_or_default(),
        },
        idle,
        who,
    }))
}

async fn check_durable(connection: &mut PgConnection) -> Result<(), JournalError> {
    for (setting, wanted) in DURABLE {
        let query = sqlx::query_scalar("select current_setting($1)").bind(setting);
        let found: String = query.fetch_one(&mut *connection).await?;
        if !wanted.contains(&found.as_str()) {
            return Err(JournalError::NotDurable {
                setting,
                found,
                wanted: wanted[0],
            });
        }
    }
    Ok(())
}

fn row_of(row: &PgRow) -> Result<Row, JournalError> {
    let hash = |column| -> Result<[u8; 32], sqlx::Error> {
        let bytes: &[u8] = row.try_get(column)?;
        bytes
            .try_into()
            .map_err(|_| sqlx::Error::Decode(format!("column {column} is not 32 bytes").into()))
    };
    Ok(Row {
        sequence: Sequence(unsigned(row.try_get(0)?)?),
        epoch: unsigned(row.try_get(1)?)?,
        prev_hash: hash(2)?,
        hash: hash(3)?,
        payload: row.try_get(4)?,
    })
}

/// Reads the journal, beside whoever writes it.
#[derive(Debug)]
pub struct PostgresReader {
    link: Link,
}

impl PostgresReader {
    /// Opens the journal of a database for reading only. It must be there.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, JournalError> {
        let mut link = Link::new(options, false);
        let exists = sqlx::query_scalar(EXISTS).fetch_one(link.connection().await?);
        if exists.await? {
            Ok(Self { link })
        } else {
            Err(JournalError::Missing)
        }
    }

    pub(crate) async fn close(mut self) -> Result<(), JournalError> {
        self.link.close().await
    }

    pub(crate) async fn outside(&mut self) -> Result<u64, JournalError> {
        self.link.number(OUTSIDE).await
    }
}

impl ReadJournal for Link {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        let after = signed(after.0)?;
        let query = sqlx::query_as(SIZES)
            .bind(SHARD)
            .bind(after)
            .bind(READ_ROWS_MAX);
        let sizes = in_time(READ_WAIT_MAX, query.fetch_all(self.connection().await?)).await;
        match fitting(&self.keep(sizes)?, bytes_max) {
            Some(to) => self.between(after, to).await,
            None => Ok(Vec::new()),
        }
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        let sequence = signed(sequence.0)?;
        let mut rows = self.between(sequence.saturating_sub(1), sequence).await?;
        Ok(rows.pop())
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        Ok(Sequence(self.number(LAST).await?))
    }
}

impl ReadJournal for PostgresReader {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        self.link.read(after, bytes_max).await
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.link.row(sequence).await
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        self.link.last().await
    }
}

/// The journal of a database, leased by this process alone.
#[derive(Debug)]
pub struct PostgresJournal {
    link: Link,
}

impl PostgresJournal {
    /// Opens the journal of a database, which is made when it is not there.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, JournalError> {
        let mut journal = Self::lease(options).await?;
        let connection = journal.link.connection().await?;
        postgres::make_schema(connection, SCHEMA).await?;
        sqlx::raw_sql(CREATE).execute(connection).await?;
        Ok(journal)
    }

    /// Takes the lease alone, for as long as the value is kept.
    pub(crate) async fn lease(options: &PgConnectOptions) -> Result<Self, JournalError> {
        let mut link = Link::new(options, true);
        link.connection().await?;
        Ok(Self { link })
    }
}

impl ReadJournal for PostgresJournal {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        self.link.read(after, bytes_max).await
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.link.row(sequence).await
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        self.link.last().await
    }
}

impl Journal for PostgresJournal {
    type Reader = PostgresReader;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        let insert = sqlx::query(APPEND)
            .bind(SHARD)
            .bind(signed(row.sequence.0)?)
            .bind(signed(row.epoch)?)
            .bind(row.prev_hash.as_slice())
            .bind(row.hash.as_slice())
            .bind(row.payload.as_slice());
        let append = insert.execute(self.link.connection().await?);
        let done = in_time(APPEND_WAIT_MAX, append).await;
        match self.link.keep(done.map(drop)) {
            Err(JournalError::Database(sqlx::Error::Database(error)))
                if error.is_unique_violation() =>
            {
                Err(JournalError::Taken(row.sequence.0))
            }
            done => done,
        }
    }

    async fn close(mut self) -> Result<(), JournalError> {
        self.link.close().await
    }

    /// It connects when it is used, by the runtime that uses it.
    async fn reader(&self) -> Result<PostgresReader, JournalError> {
        let link = Link::new(&self.link.options, false);
        Ok(PostgresReader { link })
    }
}
