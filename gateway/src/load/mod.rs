//! A load on a gateway over HTTP, and what it took: the figures that others can repeat.
//!
//! [`run`] starts a gateway in an empty database, opens merchants and wallets, and lets many connections make orders and pay
//! them, every request signed and every answer read. Beside it, in the same process and with the same client, it measures
//! the [`echo`]: the least that any server of signed JSON does. Their ratio is what the journal, the rules and the scorer
//! cost, on whatever machine this is. The echo runs before and after, so that a machine that slows down on the way is not
//! taken for a slow gateway. What was measured is checked: every order is paid, the merchants have what was paid, and the
//! whole journal verifies.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures for people: the first few digits count"
)]

mod client;
mod echo;
mod figures;
mod parties;
mod payer;
mod run;

use std::io;

use ledger::shell::{SubmitError, VerifyError};

pub use figures::Figures;
pub use run::run;

use crate::app::StartError;
use crate::sign::SignatureError;

/// What to put on a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub payments: u64,
    pub merchants: u32,
    pub wallets: u32,
    /// Each asks one thing at a time, as a client without HTTP pipelining does.
    pub connections: u16,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            payments: 200_000,
            merchants: 50,
            wallets: 5_000,
            connections: 256,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("a connection failed: {0}")]
    Connection(#[from] io::Error),
    #[error("a request could not be signed: {0}")]
    Sign(#[from] SignatureError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("what came out is wrong: {0}")]
    Wrong(String),
    #[error("a client ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), LoadError> {
    if holds {
        Ok(())
    } else {
        Err(LoadError::Wrong(otherwise()))
    }
}
