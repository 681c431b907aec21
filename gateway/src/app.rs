//! The running gateway: everything that requests share, from start to shutdown.
//!
//! [`App::start`] opens the journal and its views, makes the first operator's key when there is none, and starts what
//! works in the background. The API and the pages are written against [`App`]: they [`ask`](App::ask) questions,
//! give [`command`](App::command)s that are done once, and read history from the views. [`App::shutdown`] ends it all
//! in good order; ending without it is a crash, from which nothing acknowledged is lost.

mod ask;
mod biller;
mod boot;
pub(crate) mod checkpoint;
mod confirm;
mod connections;
mod desk;
mod exchange;
mod ledger;
mod mandate;
mod pay;
mod remembered;
mod request_id;
pub(crate) mod risk;
pub mod secrets;
mod simulated;
mod till;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ::ledger::shell::{Handle, OpenError, Settings, Store, journal};
use ::ledger::{AccountNo, Timestamp};
use axum::Router;
use fx::Currency;
use tokio::sync::{Mutex, Semaphore, watch};

pub(crate) use self::ledger::{KnownFacts, LedgerDone};
pub use ask::{Done, new_id};
pub use boot::{FirstKey, OPERATOR_KEY_FILE};
pub use confirm::{Asked, DeviceSignature, Pin, Proof};
pub(crate) use confirm::{pin_owner, text_to_sign};
pub use connections::serve;
pub use desk::{Act, Known};
pub(crate) use exchange::{ECB, Fed, Rates};
pub(crate) use mandate::text_of_consent;
pub use pay::{Origin, Payer};
use remembered::Remembered;
pub(crate) use request_id::RequestIds;
pub use risk::Past;
use risk::Risk;
use secrets::{Secrets, SecretsError};
pub use simulated::Manner;

use crate::api;
use crate::auth::{Keys, Whence};
use crate::checkpoint::{self as signed, CheckpointKey, KeyError};
use crate::config::{Config, Mode};
use crate::notify::{Notifier, NotifyError};
use crate::pay::{Merchant, MerchantId, Payments};
use crate::problem::Problem;
use crate::sign::NonceWindow;
use crate::store::PaymentsView;
use crate::telemetry::{Gauges, Metrics};
use crate::web::{self, analyst::session::Sessions};
use crate::webhook::Reach;

/// Requests handled at a time. Each holds its body and waits for the journal; at 30,000 a second and 25 ms an answer
/// there are 750.
const REQUESTS_MAX: usize = 8_192;
/// Who follows events at a time: each reads the views whenever they move.
const FOLLOWERS_MAX: usize = 256;
/// Memory for the bodies of requests, in KiB: a thousand large ones, or more small ones than there are places.
const BODY_KIB_MAX: usize = 512 << 10;
/// Books exported at a time: each takes one of the few connections that read the views.
const EXPORTS_MAX: usize = 2;
/// Pictures decoded at a time: each takes a core and up to a hundred megabytes.
const SCANS_MAX: usize = 2;
/// Pictures that wait for their turn.
const SCANS_WAITING_MAX: usize = 32;
/// Merchants and assets remembered, to name them without asking the machine.
const MERCHANTS_MAX: usize = 10_000;
const ASSETS_MAX: usize = 10_000;
/// Accounts of tenants remembered, to name those that answers are about.
const ACCOUNTS_MAX: usize = 200_000;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {} cannot be made: {source}", directory.display())]
    Directory {
        directory: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    CheckpointKey(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Notify(#[from] NotifyError),
    #[error("the first operator's key cannot be made: {0}")]
    FirstKey(String),
    #[error("the file {} of the operator's key cannot be written: {source}", file.display())]
    KeyFile { file: PathBuf, source: io::Error },
}

pub struct App {
    pub(crate) handle: Handle<Payments>,
    pub(crate) keys: Keys,
    pub(crate) whence: Whence,
    pub(crate) nonces: NonceWindow,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) places: Arc<Semaphore>,
    /// For those who follow what happens.
    pub(crate) followers: Arc<Semaphore>,
    pub(crate) exports: Arc<Semaphore>,
    /// Whether the server is about to end, so that answers without an end of their own must.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) body_kib: Semaphore,
    pub(crate) scans: Arc<Semaphore>,
    pub(crate) scans_waiting: Semaphore,
    /// Where webhooks may go.
    pub(crate) reach: Reach,
    pub(crate) request_ids: RequestIds,
    pub metrics: Arc<Metrics>,
    pub(crate) notifier: Notifier,
    pub mode: Mode,
    /// Without a slash at the end.
    pub public_url: String,
    pub(crate) rates: Rates,
    /// In yuan: above it a payer whose code was scanned confirms.
    pub(crate) unconfirmed_max: u64,
    pub(crate) risk: Arc<Risk>,
    pub(crate) sessions: Sessions,
    pub(crate) checkpoints: checkpoint::Checkpoints,
    merchants: Remembered<MerchantId, Arc<Merchant>>,
    assets: Remembered<String, Currency>,
    accounts: Remembered<AccountNo, Arc<KnownFacts>>,
    store: Mutex<Option<Store<Payments>>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("public_url", &self.public_url)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// A gateway that has just started.
#[derive(Debug)]
pub struct Started {
    pub app: Arc<App>,
    /// The operator's key, if this start made it: the one moment to show it.
    pub first_key: Option<FirstKey>,
}

impl App {
    /// Starts a gateway. `config.listen` is where it will be reached unless a public address is set, so bind first.
    pub async fn start(config: &Config) -> Result<Started, StartError> {
        let directory = |source| StartError::Directory {
            directory: config.data.clone(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(directory)?;
        let exists = journal::exists(&config.database).await;
        let secrets = if exists.map_err(OpenError::from)? {
            Secrets::read(&config.master_key_file)?
        } else {
            Secrets::read_or_make(&config.master_key_file)?
        };
        let secrets = Arc::new(secrets);
        let checkpoint_key = CheckpointKey::load_or_make(&config.data.join(signed::KEY_FILE))?;
        let store = Store::open(
            &config.database,
            PaymentsView::new(api::event::body),
            Settings::default(),
        )
        .await?;
        let handle = store.handle();
        let metrics = Arc::new(Metrics::new(api::routes().iter().map(|route| route.name)));
        let reach = if config.allow_private_webhooks {
            Reach::Anywhere
        } else {
            Reach::Public
        };
        let notifier = Notifier::start(
            &config.database,
            handle.clone(),
            secrets.clone(),
            metrics.clone(),
            reach,
        )
        .await?;
        let risk = Risk::start(config, handle.clone()).await;
        let app = Arc::new(Self {
            keys: Keys::new(handle.clone(), secrets.clone(), config.requests_per_s),
            whence: Whence::new(&config.trusted_proxies),
            handle,
            nonces: NonceWindow::default(),
            secrets,
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            ending: watch::Sender::new(false),
            body_kib: Semaphore::new(BODY_KIB_MAX),
            scans: Arc::new(Semaphore::new(SCANS_MAX)),
            scans_waiting: Semaphore::new(SCANS_WAITING_MAX),
            reach,
            request_ids: RequestIds::new()?,
            metrics,
            notifier,
            mode: config.mode,
            public_url: config.public_url_at(config.listen),
            rates: Rates::new(&config.exchange),
            unconfirmed_max: config.unconfirmed_max,
            risk,
            sessions: Sessions::default(),
            checkpoints: checkpoint::Checkpoints::new(checkpoint_key),
            merchants: Remembered::new(MERCHANTS_MAX),
            assets: Remembered::new(ASSETS_MAX),
            accounts: Remembered::new(ACCOUNTS_MAX),
            store: Mutex::new(Some(store)),
        });
        let first_key = boot::first_key(&app, &config.data).await?;
        app.risk.load_desk().await;
        Ok(Started { app, first_key })
    }

    /// What is measured at this moment.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            journal: self.handle.status(),
            webhooks_waiting: self.notifier.waiting(),
            nonces: self.nonces.len(),
            requests_in_progress: REQUESTS_MAX - self.places.available_permits(),
            unscored: self.risk.unscored(),
            drift: self.risk.drift(),
            drifted: self.risk.drifted(),
        }
    }

    /// Whether commands are taken.
    pub fn is_ready(&self) -> bool {
        self.handle.status().ready
    }

    /// Ends in good order: takes no more commands, finishes those under way, writes the views. A second call waits for
    /// the first.
    pub async fn shutdown(&self) {
        let mut store = self.store.lock().await;
        if let Some(store) = store.take() {
            self.notifier.stop().await;
            self.risk.stop().await;
            let reason = store.shutdown().await;
            tracing::info!(reason = reason.code(), "the gateway has stopped");
        }
    }
}

/// Everything the gateway answers over HTTP.
pub fn router(app: Arc<App>) -> Router {
    api::router(app.clone()).merge(web::router(app))
}

/// The time by the wall clock, for what is compared with other machines' times.
pub(crate) fn unix_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// What goes wrong when the views are read.
pub(crate) fn views_problem(error: &impl ToString) -> Problem {
    Problem::internal(error)
}
