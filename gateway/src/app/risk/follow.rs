//! Follows the views, so that the scorer learns what became of attempts and hears of the desk.

use std::sync::Arc;
use std::time::Duration;

use ledger::Sequence;

use super::Risk;
use super::memory::{outcome, page};
use crate::store::risk_log::{Became, Place};

/// How long to wait for new rows before looking anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Views grow hundreds of times a second under load; what is under way counts already, so learning of its end may wait.
const PAUSE: Duration = Duration::from_millis(20);
/// How long to wait after something went wrong.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// After how many entries the memory is kept: folding as many again takes a start some seconds.
const KEEP_EVERY: usize = 500_000;

/// Follows from a place until it is aborted.
pub(super) async fn run(risk: Arc<Risk>, mut place: Place) {
    let mut since_kept = 0;
    loop {
        let seen = Sequence(risk.handle.status().projected.0);
        let learned = match learn(&risk, &mut place).await {
            Ok(learned) => learned,
            Err(error) => {
                tracing::error!(%error, "what became of payments could not be read; trying again");
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            }
        };
        since_kept += learned;
        if since_kept >= KEEP_EVERY {
            since_kept = 0;
            // Reading, writing and hashing all of it takes seconds, which are not those of requests.
            let (keeping, runtime) = (risk.clone(), tokio::runtime::Handle::current());
            let keep = move || runtime.block_on(keeping.memory.keep(&keeping.handle));
            if let Err(error) = tokio::task::spawn_blocking(keep).await {
                tracing::error!(%error, "the scorer's memory could not be kept");
            }
        }
        if learned == 0 {
            risk.handle
                .projected_at_least(seen.next(), LOOK_AGAIN)
                .await;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Learns from the next entries of the log; how many there were.
pub(super) async fn learn(risk: &Risk, place: &mut Place) -> anyhow::Result<usize> {
    let entries = page(&risk.handle, *place).await?;
    let mut desk_changed = false;
    for entry in &entries {
        *place = entry.place;
        desk_changed |= entry.became == Became::Desk;
        if let (Some(decision), Some(outcome)) = (&entry.decision, outcome(entry)) {
            // One entry at a time, so that payments get in between.
            risk.scorer().observe(&decision.scored.attempt, outcome);
        }
    }
    if desk_changed {
        risk.load_desk().await;
    }
    Ok(entries.len())
}
