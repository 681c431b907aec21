//! A machine on disk: journal, recovery, writer and projector, opened in one call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::machine::{Machine, Sequence};
use crate::shell::cold::ColdOf;
use crate::shell::journal::{self, Journal, JournalError, SqliteJournal};
use crate::shell::past::Past;
use crate::shell::projector::Projector;
use crate::shell::recovery::{self, RecoveryError};
use crate::shell::sequencer::{
    Committer, Feed, Handle, Inbox, Settings, Shared, StopReason, Writer,
};
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

/// Drops the views of a data directory that nobody has open, so that the next start makes them anew
/// from the journal.
pub fn rebuild_views(directory: &Path) -> Result<(), JournalError> {
    let _lock = journal::lock(directory)?;
    views::delete(directory).map_err(|error| JournalError::File {
        path: directory.to_owned(),
        error,
    })
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
    /// Opens a data directory, which is created when it is not there. Returns when the state is
    /// recovered and sealed, so that commands are taken; or without the seal when that takes too
    /// long, and then callers are told `busy` until the disk is well again.
    pub async fn open<V: View<M>>(
        directory: &Path,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let journal = SqliteJournal::open(directory).await?;
        Self::open_with(journal, directory, view, settings).await
    }

    /// The same with any journal; only the views are in the directory.
    pub async fn open_with<V: View<M>, J: Journal>(
        mut journal: J,
        directory: &Path,
        view: V,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let mut views = ViewsWriter::open(directory, view.tables()).await?;
        let snapshots = views.snapshots().await?;
        let filters = views.filters();
        let recovered = recovery::recover(&mut journal, snapshots, None).await?;
        let reader = journal.reader().await?;
        let past = Arc::new(Past::new(journal.reader().await?));
        let watermark = views.watermark().await?.sequence;

        let shared = Arc::new(Shared::new(
            Inbox::new(&settings),
            Sequence(0),
            watermark.min(recovered.head.sequence),
        ));
        let (jobs, job) = mpsc::channel();
        let (durable_rows, feed) = mpsc::channel();
        let fed_events = Arc::new(AtomicUsize::new(0));
        let committer = Committer {
            shared: shared.clone(),
            journal,
            snapshots: SnapshotSource::new(directory),
            head: recovered.head,
            feed: Feed {
                sender: durable_rows,
                events: fed_events.clone(),
                events_max: settings.feed_events_max,
            },
            healthy: true,
        };
        let projector = Projector {
            shared: shared.clone(),
            settings: settings.clone(),
            view,
            views,
            journal: reader,
            feed,
            fed_events,
        };
        let writer = Writer::new(shared.clone(), jobs, settings, recovered.engine);

        let cold = Arc::new(ColdOf::<V>::default());
        let handle = Handle::new(shared.clone(), Views::open(directory), cold, past, filters);
        let mut store = Self {
            handle,
            shared,
            threads: Vec::new(),
        };
        store.start("committer", move |runtime| committer.run(runtime, &job))?;
        store.start("projector", move |runtime| projector.run(runtime))?;
        store.start("writer", move |_| writer.run())?;
        if !store.handle.ready(SEAL_WAIT_MAX).await {
            tracing::warn!("the journal could not be sealed yet; commands are refused until it is");
        }
        Ok(store)
    }

    /// Starts a thread. A panic in one of them is a defect, or an event that does not fit: it stops
    /// everything.
    fn start(
        &mut self,
        name: &str,
        work: impl FnOnce(&Runtime) + Send + 'static,
    ) -> Result<(), OpenError> {
        let shared = self.shared.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(OpenError::Thread)?;
        let body = move || {
            if catch_unwind(AssertUnwindSafe(|| work(&runtime))).is_err() {
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

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has told so before it ended.
        let _ = thread.join();
    }
}
