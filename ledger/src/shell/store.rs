//! A machine and its database: journal, recovery, writer and projector, opened in one call.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::machine::{Machine, Sequence};
use crate::shell::cold::ColdOf;
use crate::shell::journal::{self, DatabaseJournal, Journal, JournalError};
use crate::shell::past::{self, Past};
use crate::shell::projector::Projector;
use crate::shell::recovery::{self, RecoveryError};
use crate::shell::sequencer::{
    Committer, Feed, Handle, Inbox, Settings, Shared, StopReason, Writer,
};
use crate::shell::sql::Database;
use crate::shell::view::View;
use crate::shell::views::{self, SnapshotSource, Views, ViewsError, ViewsWriter};

/// How long opening waits for the first row of the new epoch to be durable.
const SEAL_WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Views(#[from] ViewsError),
    #[error("{0}; run verify to see all that differs")]
    Corrupt(RecoveryError),
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl From<RecoveryError> for OpenError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Journal(error) => Self::Journal(error),
            corrupt @ RecoveryError::Corrupt { .. } => Self::Corrupt(corrupt),
        }
    }
}

/// Drops the views of a database that nobody else writes, so that the next start makes them anew
/// from the journal.
pub async fn rebuild_views(database: impl Into<Database>) -> Result<(), OpenError> {
    let database = database.into();
    let held = journal::hold(&database).await?;
    views::delete(&database).await?;
    drop(held);
    Ok(())
}

/// A machine that runs. Dropping it is like a crash: what is not durable is not done, what is
/// durable is found again at the next start. [`shutdown`](Self::shutdown) ends it in good order.
#[derive(Debug)]
pub struct Store<M: Machine> {
    handle: Handle<M>,
    shared: Arc<Shared<M>>,
    threads: Vec<JoinHandle<()>>,
}

impl<M: Machine> Store<M> {
    /// Opens a database, which is made ready when it is new. Returns when the state is recovered
    /// and sealed, so that commands are taken; or without the seal when that takes too long, and
    /// then callers are told `busy` until the disk is well again.
    pub async fn open<V: View<M>>(
        database: impl Into<Database>,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let database = database.into();
        let journal = DatabaseJournal::open(database.clone());
        Self::open_from(journal, database, view, settings).await
    }

    /// The same with any journal; only the views are in the database.
    pub async fn open_with<V: View<M>, J: Journal>(
        journal: J,
        database: impl Into<Database>,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let journal = std::future::ready(Ok(journal));
        Self::open_from(journal, database, view, settings).await
    }

    /// The same with a journal that is opened by the runtime of the thread that will use it, to
    /// which its connections then belong.
    pub async fn open_from<V: View<M>, J: Journal>(
        journal: impl Future<Output = Result<J, JournalError>> + Send + 'static,
        database: impl Into<Database>,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let database = database.into();
        let recover = move || Self::recover(journal, &database, view, settings);
        let recovered = tokio::task::spawn_blocking(recover).await;
        let store = recovered.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()))?;
        if !store.handle.ready(SEAL_WAIT_MAX).await {
            tracing::warn!("the journal could not be sealed yet; commands are refused until it is");
        }
        Ok(store)
    }

    /// Recovers the state and starts the threads.
    fn recover<V: View<M>, J: Journal>(
        journal: impl Future<Output = Result<J, JournalError>>,
        database: &Database,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let (committing, projecting) = (runtime()?, projecting()?);
        let mut journal = committing.block_on(journal)?;
        let (views, snapshots, watermark) = projecting.block_on(async {
            let mut views = ViewsWriter::open(database, view.tables()).await?;
            let snapshots = views.snapshots().await?;
            let watermark = views.watermark().await?.sequence;
            Ok::<_, ViewsError>((views, snapshots, watermark))
        })?;
        let filters = views.filters();
        let recovered = recovery::recover(&mut journal, snapshots, None);
        let recovered = committing.block_on(recovered)?;
        let reader = projecting.block_on(journal.reader())?;
        let mut readers = Vec::with_capacity(past::READERS);
        for _ in 0..past::READERS {
            readers.push(committing.block_on(journal.reader())?);
        }
        let past = Arc::new(Past::new(readers));

        let shared = Arc::new(Shared::new(
            Inbox::new(&settings),
            settings.clock.clone(),
            Sequence(0),
            watermark.min(recovered.head.sequence),
        ));
        shared.replayed.store(recovered.replayed, Ordering::Relaxed);
        let (jobs, job) = mpsc::channel();
        let (durable_rows, feed) = mpsc::channel();
        let fed_bytes = Arc::new(AtomicUsize::new(0));
        let committer = Committer {
            shared: shared.clone(),
            journal,
            snapshots: SnapshotSource::new(database),
            head: recovered.head,
            feed: Feed {
                sender: durable_rows,
                bytes: fed_bytes.clone(),
                bytes_max: settings.feed_bytes_max,
            },
            healthy: true,
            pause: Duration::ZERO,
        };
        let projector = Projector {
            shared: shared.clone(),
            settings: settings.clone(),
            view,
            views: Arc::new(Mutex::new(views)),
            writing: None,
            journal: reader,
            feed,
            fed_bytes,
        };
        let writer = Writer::new(shared.clone(), jobs, settings, recovered.engine);

        let cold = Arc::new(ColdOf::<V>::default());
        let handle = Handle::new(shared.clone(), Views::open(database), cold, past, filters);
        let mut store = Self {
            handle,
            shared,
            threads: Vec::new(),
        };
        store.start("committer", move || committer.run(&committing, &job))?;
        store.start("projector", move || projector.run(&projecting))?;
        store.start("writer", move || writer.run())?;
        Ok(store)
    }

    /// Starts a thread. A panic in one of them is a defect, or an event that does not fit: it stops
    /// everything.
    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let shared = self.shared.clone();
        let body = move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                shared.stop(StopReason::Defect);
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(OpenError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// Takes no more commands, finishes those that wait, writes a last checkpoint and the views up
    /// to it, and ends. Returns why it ended, which is another reason if it had stopped before.
    pub async fn shutdown(mut self) -> StopReason {
        self.shared.inbox.close();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || join(threads)).await;
        self.handle.views().close().await;
        let stopped = self.shared.inbox.gate().stopped();
        match joined {
            Ok(()) => stopped.unwrap_or(StopReason::ShutDown),
            Err(_) => StopReason::Defect,
        }
    }
}

impl<M: Machine> Drop for Store<M> {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Relaxed);
        self.shared.stop(StopReason::ShutDown);
        join(std::mem::take(&mut self.threads));
    }
}

/// What a thread waits with.
fn runtime() -> Result<Runtime, OpenError> {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    built.map_err(OpenError::Thread)
}

/// The same for the projector, with a thread that writes one chunk of the views while the next one is folded.
fn projecting() -> Result<Runtime, OpenError> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("views")
        .enable_all()
        .build();
    built.map_err(OpenError::Thread)
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has told so before it ended.
        let _ = thread.join();
    }
}
