//! Follows the views and feeds the engine.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Sequence;
use ledger::shell::{Handle, Views};
use tokio::sync::{mpsc, watch};

use super::outbox::Outbox;
use super::{Change, NotifyError, now_ms};
use crate::app::secrets::Secrets;
use crate::pay::{EndpointId, Payments};
use crate::store::notification::{self, Destination, Message, Place};
use crate::webhook::{Delivery, Endpoint, Engine, Feed, Settings, WebhookSecret};

/// Messages read from the views at a time.
const PAGE_MAX: i64 = 512;
/// How long to wait for new rows before looking anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Views grow hundreds of times a second under load; looking for messages less often costs less and delays nobody.
const PAUSE: Duration = Duration::from_millis(5);
/// How long to wait after something went wrong.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How long to wait before an endpoint is tried again about which something is wrong.
const REACH_AGAIN: Duration = Duration::from_secs(10);

pub(super) type Running = (Engine<Outbox>, mpsc::Sender<Feed>);

pub(super) struct Feeder {
    handle: Handle<Payments>,
    secrets: Arc<Secrets>,
    outbox: Outbox,
    settings: Settings,
    changes: mpsc::Receiver<Change>,
    progress: watch::Sender<Sequence>,
    /// Up to where all messages are in the outbox, once that has been read.
    place: Option<Place>,
    /// Endpoints that the engine knows, and those that it shall never hear of again.
    known: HashSet<EndpointId>,
    gone: HashSet<EndpointId>,
    /// Endpoints for which something waits and of which the engine could not be told yet.
    unreached: HashSet<EndpointId>,
    /// When they are tried again.
    reach_at: Instant,
}

/// Whether to go on.
enum Ended {
    Stopped,
    EngineGone,
}

impl Feeder {
    pub(super) fn new(
        handle: Handle<Payments>,
        secrets: Arc<Secrets>,
        outbox: Outbox,
        settings: Settings,
        changes: mpsc::Receiver<Change>,
        progress: watch::Sender<Sequence>,
    ) -> Self {
        Self {
            handle,
            secrets,
            outbox,
            settings,
            changes,
            progress,
            place: None,
            known: HashSet::new(),
            gone: HashSet::new(),
            unreached: HashSet::new(),
            reach_at: Instant::now(),
        }
    }

    pub(super) fn engine(&self) -> Result<Running, NotifyError> {
        Engine::new(self.settings.clone(), self.outbox.clone())
            .map_err(|error| NotifyError::Tls(error.to_string()))
    }

    /// Feeds until told to stop. An engine that ends by itself is replaced: the outbox knows what is still to do.
    pub(super) async fn run(mut self, first: Running) {
        let mut next = Some(first);
        loop {
            let made = next.take().map_or_else(|| self.engine(), Ok);
            let (engine, feed) = match made {
                Ok(running) => running,
                Err(error) => {
                    tracing::error!(%error, "no webhooks are delivered");
                    tokio::time::sleep(TRY_AGAIN).await;
                    continue;
                }
            };
            self.known.clear();
            let mut running = tokio::spawn(engine.run());
            let ended = self.feed(&feed).await;
            drop(feed);
            match ended {
                Ended::Stopped => {
                    // Waits for the attempts under way; whoever stops us does not wait for ever.
                    let _ = (&mut running).await;
                    return;
                }
                Ended::EngineGone => {
                    let result = running.await;
                    tracing::error!(?result, "the webhook engine ended and is started again");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    async fn feed(&mut self, engine: &mpsc::Sender<Feed>) -> Ended {
        while let Err(error) = self.resume().await {
            tracing::error!(%error, "undelivered webhooks could not be read; trying again");
            tokio::time::sleep(TRY_AGAIN).await;
        }
        loop {
            self.reach(engine).await;
            let pause = match self.follow(engine).await {
                Ok(Some(seen)) => {
                    self.progress.send_replace(seen);
                    LOOK_AGAIN
                }
                // There is more at once.
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "new webhooks could not be read; trying again");
                    TRY_AGAIN
                }
            };
            let pause = if self.unreached.is_empty() {
                pause
            } else {
                pause.min(REACH_AGAIN)
            };
            let next = self.progress.borrow().next();
            tokio::select! {
                change = self.changes.recv() => match change {
                    Some(change) => self.change(engine, change).await,
                    None => return Ended::Stopped,
                },
                () = engine.closed() => return Ended::EngineGone,
                _ = self.handle.projected_at_least(next, pause) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Remembers every endpoint for which something waits.
    async fn resume(&mut self) -> anyhow::Result<()> {
        self.unreached
            .extend(self.outbox.endpoints_waiting().await?);
        self.reach_at = Instant::now();
        Ok(())
    }

    /// Tells the engine of endpoints for which something waits; it reads by itself what that is. What is wrong with one
    /// of them holds up no other.
    async fn reach(&mut self, engine: &mpsc::Sender<Feed>) {
        if Instant::now() < self.reach_at {
            return;
        }
        self.reach_at = Instant::now() + REACH_AGAIN;
        for endpoint in std::mem::take(&mut self.unreached) {
            if let Err(error) = self.introduce(engine, endpoint).await {
                self.not_reached(endpoint, &error);
            }
        }
    }

    fn not_reached(&mut self, endpoint: EndpointId, error: &anyhow::Error) {
        tracing::error!(%endpoint, %error, "webhooks for an endpoint wait; trying again");
        self.unreached.insert(endpoint);
    }

    /// Takes a page of new messages. `Some` is the row up to which there is nothing more.
    async fn follow(&mut self, engine: &mpsc::Sender<Feed>) -> anyhow::Result<Option<Sequence>> {
        let place = match self.place {
            Some(place) => place,
            None => self.outbox.fed().await?,
        };
        let mut reading = self.handle.views().read().await?;
        let seen = reading.watermark();
        let messages = notification::after(&mut reading, place, PAGE_MAX).await?;
        drop(reading);
        let Some(last) = messages.last() else {
            return Ok(Some(seen));
        };
        let more = i64::try_from(messages.len()).unwrap_or(i64::MAX) >= PAGE_MAX;
        let place = last.place;
        let oldest_ms = now_ms().saturating_sub(self.settings.give_up_after_ms);
        let entries = self.outbox.add(messages, place, oldest_ms).await?;
        self.place = Some(place);
        for delivery in entries {
            self.deliver(engine, delivery).await;
        }
        Ok((!more).then_some(seen))
    }

    async fn deliver(
        &mut self,
        engine: &mpsc::Sender<Feed>,
        (endpoint, delivery): (EndpointId, Delivery),
    ) {
        match self.introduce(engine, endpoint).await {
            // An engine that is gone is noticed by the loop.
            Ok(true) => drop(engine.send(Feed::Deliver(delivery)).await),
            Ok(false) => {}
            Err(error) => self.not_reached(endpoint, &error),
        }
    }

    /// Makes sure that the engine knows an endpoint. False if there is none any more.
    async fn introduce(
        &mut self,
        engine: &mpsc::Sender<Feed>,
        endpoint: EndpointId,
    ) -> anyhow::Result<bool> {
        if self.known.contains(&endpoint) {
            return Ok(true);
        }
        let destination = find(self.handle.views(), endpoint).await?;
        let standing = destination.filter(|found| !found.removed && !self.gone.contains(&endpoint));
        let Some(destination) = standing else {
            self.outbox.give_up(endpoint).await?;
            return Ok(false);
        };
        let endpoint_told = self.endpoint(endpoint, &destination)?;
        let _ = engine.send(Feed::Endpoint(endpoint_told)).await;
        self.known.insert(endpoint);
        Ok(true)
    }

    fn endpoint(&self, id: EndpointId, destination: &Destination) -> anyhow::Result<Endpoint> {
        let name = id.to_string();
        let secret = self.secrets.open(&destination.secret, &name)?;
        Ok(Endpoint {
            id: name.into(),
            url: destination.url.parse()?,
            secrets: vec![WebhookSecret::from_bytes(secret.expose())?],
        })
    }

    async fn change(&mut self, engine: &mpsc::Sender<Feed>, change: Change) {
        let done = match change {
            Change::Removed(endpoint) => {
                self.known.remove(&endpoint);
                self.gone.insert(endpoint);
                let _ = engine.send(Feed::Remove(endpoint.to_string().into())).await;
                self.outbox.give_up(endpoint).await
            }
            Change::Replay(message) => self.replay(engine, *message).await,
        };
        if let Err(error) = done {
            tracing::error!(%error, "a change of webhooks could not be recorded");
        }
    }

    async fn replay(
        &mut self,
        engine: &mpsc::Sender<Feed>,
        message: Message,
    ) -> anyhow::Result<()> {
        if let Some(delivery) = self.outbox.add_again(message).await? {
            self.deliver(engine, delivery).await;
        }
        Ok(())
    }
}

async fn find(views: &Views, endpoint: EndpointId) -> anyhow::Result<Option<Destination>> {
    let mut reading = views.read().await?;
    Ok(notification::destination(&mut reading, endpoint).await?)
}
