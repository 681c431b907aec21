//! A journal that was written once and must be readable for ever.
//!
//! `tests/golden/journal-1.txt` holds its rows, one on a line: number, epoch, hash of the row before, hash, payload. A
//! later version must find the same chain, the same state at each checkpoint, and answer who asks again as it did then.
//! A format that has been released never changes; before that, `UPDATE_GOLDEN=1` writes the file anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fx::Currency;
use ledger::core::{
    AccountName, Amounts, BookSettings, Changes, Class, Description, Direction, Memo, NamedAccount,
    Step, VelocityLimit, VelocityOf, Window,
};
use ledger::shell::chain::hex;
use ledger::shell::checkpoint::{sums_of, text_of_sums};
use ledger::shell::journal::MemoryJournal;
use ledger::shell::{Handle, Head, LedgerView, ManualClock, Row, Settings, Store};
use ledger::{
    AccountKind, AccountState, Book, Command, Fingerprint, Ledger, Limits, NewPosting, OnceKey,
    Outcome, Remember, Sequence, Submission, Timestamp, TransactionId, TransactionNo, Unique,
};

use crate::shell_fixture::{PATIENCE, START, fold};

const BOOK: Book = Book(1);
/// What all accounts had in the end.
const SUMS: &str = "1 CNY 1725 1725\n1 TEAS 70 70\n";
/// The key of the transaction that is asked for again.
const AGAIN: u128 = 7;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/journal-1.txt")
}

fn name(text: &str) -> AccountName {
    AccountName::new(text).expect("a name")
}

fn memo(id: u128) -> Memo {
    let pair = ("table".into(), "4".into());
    Memo {
        id: TransactionId(id),
        kind: 3,
        reference: Some("Pot of tea \u{8336}".into()),
        metadata: BTreeMap::from([pair]),
    }
}

fn posting(debit: &str, credit: &str, amount: i64) -> NewPosting {
    NewPosting {
        debit: name(debit).id(),
        credit: name(credit).id(),
        amount,
    }
}

fn post(id: u128, postings: Vec<NewPosting>) -> Step {
    Step::Post {
        memo: memo(id),
        postings,
        amounts: Amounts::Exact,
        effective: None,
        corrects: None,
    }
}

fn transact(steps: Vec<Step>) -> Command {
    Command::Transact { book: BOOK, steps }
}

fn once(id: u128, command: Command) -> Submission<Ledger> {
    Submission::new(command).once(Unique {
        key: OnceKey { scope: 9, key: id },
        fingerprint: Fingerprint(id),
        remember: Remember::Always,
    })
}

fn again() -> Submission<Ledger> {
    let one = post(AGAIN, vec![posting("bank", "alice", 1_000)]);
    once(AGAIN, transact(vec![one]))
}

/// Everything that can happen, at least once.
fn commands() -> Result<Vec<Submission<Ledger>>> {
    let mut commands = beginning()?;
    let first = commands.len();
    commands.extend(moving());
    commands.extend(ending());
    let numbered = (100..).zip(commands);
    let mut given: Vec<_> = numbered.map(|(id, command)| once(id, command)).collect();
    given.insert(first + 1, again());
    Ok(given)
}

fn velocity(direction: Direction, window: Window) -> Vec<VelocityLimit> {
    vec![VelocityLimit {
        direction,
        window,
        count_max: Some(90),
        amount_max: Some(9_000),
    }]
}

/// An asset, the book, its accounts and a class.
fn beginning() -> Result<Vec<Command>> {
    let cny = Currency::iso("CNY")?;
    let teas = Currency::own("TEAS", 0)?;
    let account = |text: &str, kind, currency, limits| NamedAccount {
        name: name(text),
        currency,
        kind,
        limits,
        description: Description::default(),
    };
    let settings = BookSettings {
        name: "Tea House".into(),
        offset_minutes: 480,
    };
    Ok(vec![
        Command::RegisterAsset(teas),
        Command::SetBook {
            book: BOOK,
            settings,
        },
        Command::OpenNamed {
            book: BOOK,
            accounts: vec![
                account("bank", AccountKind::Asset, cny, Limits::NONE),
                account("alice", AccountKind::Liability, cny, Limits::NO_OVERDRAFT),
                account("fees", AccountKind::Income, cny, Limits::NONE),
                account("leaves", AccountKind::Asset, teas, Limits::NONE),
                account("points", AccountKind::Equity, teas, Limits::NONE),
            ],
        },
        Command::SetVelocity {
            book: BOOK,
            of: VelocityOf::Class(Class(0)),
            limits: velocity(Direction::Both, Window::Month),
        },
    ])
}

/// Transactions, a refusal, holds and what becomes of them, a correction and reversals.
fn moving() -> Vec<Command> {
    let hold = |id, amount, timeout_secs| Step::Hold {
        memo: memo(id),
        postings: vec![posting("alice", "fees", amount)],
        amounts: Amounts::Exact,
        timeout_secs,
    };
    let reverse = |id, amounts| Step::Reverse {
        memo: memo(id),
        transaction: TransactionNo(3),
        amounts,
        effective: None,
    };
    let too_much = post(AGAIN + 1, vec![posting("alice", "fees", 1_000_000)]);
    let holds = vec![
        hold(20, 300, None),
        hold(21, 50, NonZeroU32::new(60)),
        hold(22, 40, None),
    ];
    vec![
        transact(vec![post(1, vec![posting("leaves", "points", 70)])]),
        transact(vec![too_much]),
        transact(holds),
        transact(vec![Step::Capture {
            memo: memo(30),
            hold: TransactionId(20),
            amounts: Some(vec![100]),
            effective: None,
        }]),
        transact(vec![Step::Release {
            hold: TransactionId(22),
        }]),
        transact(vec![Step::Post {
            memo: memo(40),
            postings: vec![posting("bank", "alice", 500), posting("alice", "fees", 25)],
            amounts: Amounts::AtMost,
            effective: Some(Timestamp::from_millis(1_700_000_000_000)),
            corrects: Some(TransactionNo(2)),
        }]),
        transact(vec![reverse(50, Some(vec![30]))]),
        transact(vec![reverse(51, None)]),
    ]
}

/// An account is changed in every way, and a period closed.
fn ending() -> Vec<Command> {
    let changes = Changes {
        limits: Some(Limits {
            minimum: Some(-5),
            maximum: None,
        }),
        class: Some(Class(2)),
        velocity: Some(velocity(Direction::Out, Window::Day)),
        description: Some(Description {
            kind: 4,
            ..Description::default()
        }),
        state: Some(AccountState::FrozenIn),
    };
    vec![
        Command::Change {
            book: BOOK,
            account: name("alice").id(),
            changes,
        },
        Command::ClosePeriod {
            book: BOOK,
            before: Timestamp::from_millis(1_600_000_000_000),
        },
    ]
}

/// Gives a command, with what it lacks brought along.
async fn give(handle: &Handle<Ledger>, submission: Submission<Ledger>) -> Result<Outcome> {
    Ok(handle.submit(submission).await?.outcome)
}

/// Writes the journal anew.
async fn write() -> Result<()> {
    let (directory, clock) = (tempfile::tempdir()?, ManualClock::new(START));
    let journal = MemoryJournal::default();
    let settings = Settings {
        checkpoint_events: 6,
        evict_events: 8,
        clock: Arc::new(clock.clone()),
        ..Settings::default()
    };
    let view = LedgerView::default();
    let store = Store::open_with(journal.clone(), directory.path(), view, settings).await?;
    let handle = store.handle();
    for submission in commands()? {
        clock.advance(Duration::from_millis(250));
        give(&handle, submission).await?;
    }
    clock.advance(Duration::from_secs(120));
    handle.tick();
    give(&handle, again()).await?;
    store.shutdown().await;
    let mut text = String::new();
    for row in journal.rows().iter() {
        let Row {
            sequence,
            epoch,
            prev_hash,
            hash,
            payload,
        } = row;
        let (prev_hash, hash, payload) = (hex(prev_hash), hex(hash), hex(payload));
        writeln!(text, "{} {epoch} {prev_hash} {hash} {payload}", sequence.0)?;
    }
    std::fs::create_dir_all(file().parent().context("it is in a folder")?)?;
    Ok(std::fs::write(file(), text)?)
}

fn bytes(digits: &str) -> Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}

fn read() -> Result<MemoryJournal> {
    let journal = MemoryJournal::default();
    for line in std::fs::read_to_string(file())?.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [sequence, epoch, prev_hash, hash, payload] = words[..] else {
            anyhow::bail!("{line} is no row");
        };
        let fixed = |digits| -> Result<[u8; 32]> {
            bytes(digits)?
                .try_into()
                .ok()
                .context("a hash has 32 bytes")
        };
        journal.rows().push(Row {
            sequence: Sequence(sequence.parse()?),
            epoch: epoch.parse()?,
            prev_hash: fixed(prev_hash)?,
            hash: fixed(hash)?,
            payload: bytes(payload)?,
        });
    }
    Ok(journal)
}

#[tokio::test]
async fn the_first_journal_is_readable_for_ever() -> Result<()> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write().await?;
    }
    let mut journal = read()?;
    let mut head = Head::GENESIS;
    for row in journal.rows().iter() {
        row.check(head)?;
        head = row.head();
    }
    ensure!(
        head.sequence > Sequence(12),
        "it has a little of everything: {head:?}"
    );
    let engine = fold::<Ledger>(&mut journal).await?;
    let sums = text_of_sums(&sums_of(engine.machine().trial_balance()));
    ensure!(sums == SUMS, "{sums}");
    let alice = engine.machine().account(BOOK, name("alice").id());
    let alice = alice.context("she has an account")?;
    ensure!(
        (alice.net(), alice.state) == (1_475, AccountState::FrozenIn),
        "{alice:?}"
    );

    // It goes on from there, and who asks again is told what was answered then.
    let directory = tempfile::tempdir()?;
    let (view, settings) = (LedgerView::default(), Settings::default());
    let store = Store::open_with(journal.clone(), directory.path(), view, settings).await?;
    let handle = store.handle();
    ensure!(
        handle.projected_at_least(head.sequence, PATIENCE).await,
        "the views follow"
    );
    let told = handle.submit(again()).await?;
    ensure!(told.again && told.sequence < head.sequence, "{told:?}");
    ensure!(matches!(told.outcome, Outcome::Transacted(_)), "{told:?}");
    let fresh = transact(vec![post(999, vec![posting("bank", "fees", 1)])]);
    let outcome = give(&handle, once(999, fresh)).await?;
    ensure!(matches!(outcome, Outcome::Transacted(_)), "{outcome:?}");
    store.shutdown().await;
    Ok(())
}
