//! From the views to the webhook engine: every message is delivered, and what became of it is remembered.
//!
//! The views hold each message as it will be sent. A feeder follows them and puts every new message into the outbox
//! (the area `deliveries` of the database), then hands it to the [`Engine`]. The outbox is the one thing about webhooks that is not a view of the
//! journal: attempts are no facts about money. If it is lost, everything younger than the time after which a message
//! is given up is sent again, under the same ids.

mod feeder;
mod outbox;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledger::Sequence;
use ledger::shell::Handle;
use ledger::shell::sql::Database;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use feeder::Feeder;
use outbox::Outbox;
pub use outbox::{Entry, State};

use crate::app::secrets::Secrets;
use crate::pay::{EndpointId, Payments};
use crate::store::Cursor;
use crate::store::notification::Message;
use crate::store::page::Slice;
use crate::telemetry::Metrics;
use crate::webhook::{Reach, Settings};

/// Changes that may wait for the feeder.
const CHANGES_MAX: usize = 1_024;
/// How long attempts under way may go on when the gateway stops. What is cut off is repeated after the next start.
const STOP_WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("the outbox of webhooks failed: {0}")]
    Outbox(#[from] sqlx::Error),
    #[error("webhooks cannot be sent over TLS: {0}")]
    Tls(String),
}

/// What the feeder is told by requests.
#[derive(Debug)]
enum Change {
    Removed(EndpointId),
    Replay(Box<Message>),
}

/// Delivers webhooks in the background.
#[derive(Debug)]
pub struct Notifier {
    outbox: Outbox,
    /// The feeder ends when this is gone.
    changes: Mutex<Option<mpsc::Sender<Change>>>,
    fed: watch::Receiver<Sequence>,
    feeding: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    /// Opens the outbox and starts to deliver.
    pub async fn start(
        database: &Database,
        handle: Handle<Payments>,
        secrets: Arc<Secrets>,
        metrics: Arc<Metrics>,
        reach: Reach,
    ) -> Result<Self, NotifyError> {
        let settings = Settings {
            reach,
            ..Settings::default()
        };
        let outbox = Outbox::open(database, handle.clone(), metrics).await?;
        let (changes, change) = mpsc::channel(CHANGES_MAX);
        let (progress, fed) = watch::channel(Sequence::default());
        let feeder = Feeder::new(handle, secrets, outbox.clone(), settings, change, progress);
        // The first engine is made here, so that a machine without TLS says so at the start.
        let engine = feeder.engine()?;
        let feeding = tokio::spawn(feeder.run(engine));
        Ok(Self {
            outbox,
            changes: Mutex::new(Some(changes)),
            fed,
            feeding: tokio::sync::Mutex::new(Some(feeding)),
        })
    }

    /// Messages that are neither delivered nor given up.
    pub fn waiting(&self) -> u64 {
        self.outbox.waiting()
    }

    /// Nothing more goes to an endpoint.
    pub async fn removed(&self, endpoint: EndpointId) {
        self.tell(Change::Removed(endpoint)).await;
    }

    /// Sends a message once more.
    pub async fn replay(&self, message: Message) {
        self.tell(Change::Replay(Box::new(message))).await;
    }

    async fn tell(&self, change: Change) {
        let changes = self
            .changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(changes) = changes {
            // A feeder that has ended tells nobody anything anyway.
            let _ = changes.send(change).await;
        }
    }

    /// Waits until everything up to a row of the journal is in the outbox, but not longer than the time given.
    pub async fn fed_at_least(&self, sequence: Sequence, within: Duration) -> bool {
        let mut fed = self.fed.clone();
        let reached = fed.wait_for(|fed| *fed >= sequence);
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }

    /// What became of the messages to an endpoint, the newest first.
    pub async fn list(
        &self,
        endpoint: EndpointId,
        slice: Slice,
    ) -> Result<(Vec<Entry>, Option<Cursor>), sqlx::Error> {
        self.outbox.list(endpoint, slice).await
    }

    /// Starts no more attempts and waits a moment for those under way.
    pub async fn stop(&self) {
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut feeding) = self.feeding.lock().await.take()
            && tokio::time::timeout(STOP_WAIT_MAX, &mut feeding)
                .await
                .is_err()
        {
            feeding.abort();
        }
        self.outbox.close().await;
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
