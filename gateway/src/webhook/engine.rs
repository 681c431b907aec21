//! The loop that delivers: it owns every endpoint's queue, starts attempts as tasks and hears of their ends.
//!
//! The loop itself never waits for a receiver or for the outbox, so that feeding it is always quick. Endpoints take
//! turns; each may have several attempts under way, and fewer when many endpoints are slow at once.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use super::{
    Attempt, Delivery, Endpoint, Failure, Feed, Next, Outbox, Settings,
    client::Client,
    queue::{Page, Queue, Work},
};

/// How many feeds may wait for the loop, which handles each in microseconds.
pub const FEED_MAX: usize = 1_024;

/// The delivery engine. [`run`](Self::run) drives it until the feed is closed.
#[derive(Debug)]
pub struct Engine<O> {
    settings: Arc<Settings>,
    client: Client,
    outbox: O,
    feed: mpsc::Receiver<Feed>,
    lanes: HashMap<Arc<str>, Lane>,
    /// Endpoints that may have something to do, in turn.
    turns: VecDeque<Arc<str>>,
    /// Endpoints that will have, by time.
    wakes: BTreeSet<(i64, Arc<str>)>,
    attempts: usize,
    lanes_made: u64,
    tasks: JoinSet<Done>,
}

/// What the loop keeps of an endpoint.
#[derive(Debug)]
struct Lane {
    /// Tells this lane from an earlier one of an endpoint that was removed and came back.
    number: u64,
    endpoint: Arc<Endpoint>,
    queue: Queue,
    has_turn: bool,
    wakes_at_ms: Option<i64>,
}

/// How a task of a lane ended.
#[derive(Debug)]
struct Done {
    lane: u64,
    endpoint: Arc<str>,
    what: What,
}

#[derive(Debug)]
enum What {
    Attempted(Attempt),
    Loaded {
        page: Option<Vec<Delivery>>,
        limit: usize,
    },
}

impl<O: Outbox> Engine<O> {
    /// An engine and the sender that feeds it.
    pub fn new(settings: Settings, outbox: O) -> Result<(Self, mpsc::Sender<Feed>), rustls::Error> {
        let (sender, feed) = mpsc::channel(FEED_MAX);
        let engine = Self {
            client: Client::new(&settings)?,
            settings: Arc::new(settings),
            outbox,
            feed,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            wakes: BTreeSet::new(),
            attempts: 0,
            lanes_made: 0,
            tasks: JoinSet::new(),
        };
        Ok((engine, sender))
    }

    /// Delivers until every sender is gone, and then only ends what is under way. It stops with an error when a task
    /// panics, as one in the outbox may; a new engine then starts from what the outbox recorded.
    pub async fn run(mut self) -> Result<(), JoinError> {
        let mut open = true;
        while open || !self.tasks.is_empty() {
            if open {
                self.start_work(now_ms());
            }
            let pause = self.pause();
            tokio::select! {
                feed = self.feed.recv(), if open => match feed {
                    Some(feed) => self.take(feed),
                    None => open = false,
                },
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => self.end(done?),
                () = tokio::time::sleep(pause), if open => {}
            }
        }
        Ok(())
    }

    /// How long nothing needs to be done unless something happens.
    fn pause(&self) -> Duration {
        const LONG: Duration = Duration::from_hours(1);
        self.wakes.first().map_or(LONG, |(at_ms, _)| {
            Duration::from_millis(u64::try_from(at_ms - now_ms()).unwrap_or(0)).min(LONG)
        })
    }

    fn take(&mut self, feed: Feed) {
        match feed {
            Feed::Endpoint(endpoint) => self.take_endpoint(endpoint),
            Feed::Remove(id) => {
                if let Some(Lane {
                    wakes_at_ms: Some(at_ms),
                    ..
                }) = self.lanes.remove(&id)
                {
                    self.wakes.remove(&(at_ms, id));
                }
            }
            // An endpoint that is not known yet will find the webhook in the outbox.
            Feed::Deliver(delivery) => {
                let id = Arc::clone(&delivery.endpoint);
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.queue.offer(delivery, now_ms());
                    self.give_turn(&id);
                }
            }
        }
    }

    fn take_endpoint(&mut self, endpoint: Endpoint) {
        let id = Arc::clone(&endpoint.id);
        let endpoint = Arc::new(endpoint);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.endpoint = endpoint;
            lane.queue.hurry(now_ms());
        } else {
            self.lanes_made += 1;
            let lane = Lane {
                number: self.lanes_made,
                endpoint,
                queue: Queue::new(Arc::clone(&self.settings)),
                has_turn: false,
                wakes_at_ms: None,
            };
            self.lanes.insert(Arc::clone(&id), lane);
        }
        self.give_turn(&id);
    }

    fn end(
        &mut self,
        Done {
            lane: number,
            endpoint,
            what,
        }: Done,
    ) {
        if matches!(what, What::Attempted(_)) {
            self.attempts -= 1;
        }
        let lane = self
            .lanes
            .get_mut(&endpoint)
            .filter(|lane| lane.number == number);
        let Some(lane) = lane else { return };
        match what {
            What::Attempted(attempt) => lane.queue.finished(&attempt, now_ms()),
            What::Loaded { page, limit } => lane.queue.loaded(page, limit, now_ms()),
        }
        self.give_turn(&endpoint);
    }

    fn give_turn(&mut self, id: &Arc<str>) {
        if let Some(lane) = self.lanes.get_mut(id)
            && !lane.has_turn
        {
            lane.has_turn = true;
            self.turns.push_back(Arc::clone(id));
        }
    }

    /// Starts whatever can be started, one attempt at a time for each endpoint in turn.
    fn start_work(&mut self, now_ms: i64) {
        while self
            .wakes
            .first()
            .is_some_and(|(at_ms, _)| *at_ms <= now_ms)
        {
            let Some((_, id)) = self.wakes.pop_first() else {
                break;
            };
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.wakes_at_ms = None;
            }
            self.give_turn(&id);
        }
        while self.attempts < self.settings.under_way_max {
            let Some(id) = self.turns.pop_front() else {
                break;
            };
            let crowded = self.attempts >= self.settings.under_way_max / 2;
            let under_way_max = if crowded {
                1
            } else {
                self.settings.endpoint_under_way_max
            };
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            let page = lane.queue.next_page(now_ms);
            let work = lane.queue.next_work(now_ms, under_way_max);
            let (number, endpoint) = (lane.number, Arc::clone(&lane.endpoint));
            if work.is_some() {
                self.turns.push_back(Arc::clone(&id));
            } else {
                lane.has_turn = false;
                self.set_alarm(&id);
            }
            if let Some(page) = page {
                self.start_loading(number, id, page);
            }
            if let Some(work) = work {
                self.start_attempt(number, endpoint, work);
            }
        }
    }

    fn set_alarm(&mut self, id: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let wakes_at_ms = lane.queue.wakes_at_ms();
        if wakes_at_ms == lane.wakes_at_ms {
            return;
        }
        if let Some(at_ms) = std::mem::replace(&mut lane.wakes_at_ms, wakes_at_ms) {
            self.wakes.remove(&(at_ms, Arc::clone(id)));
        }
        if let Some(at_ms) = wakes_at_ms {
            self.wakes.insert((at_ms, Arc::clone(id)));
        }
    }

    fn start_loading(&mut self, lane: u64, endpoint: Arc<str>, Page { after, limit }: Page) {
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            let page = outbox.undelivered(Arc::clone(&endpoint), after, limit).await;
            let page = page.inspect_err(|error| {
                tracing::error!(%endpoint, %error, "undelivered webhooks could not be read; trying again");
            });
            Done { lane, endpoint, what: What::Loaded { page: page.ok(), limit } }
        });
    }

    fn start_attempt(&mut self, lane: u64, endpoint: Arc<Endpoint>, work: Work) {
        let (client, outbox) = (self.client.clone(), self.outbox.clone());
        let settings = Arc::clone(&self.settings);
        self.attempts += 1;
        self.tasks.spawn(async move {
            let (at_ms, began) = (now_ms(), Instant::now());
            let (delivery, result) = match work {
                Work::Send(delivery) => {
                    let result = client
                        .send(&endpoint, &delivery, at_ms.div_euclid(1_000))
                        .await;
                    (delivery, result)
                }
                Work::Expire(delivery) => (delivery, Err(Failure::Expired)),
            };
            let number = delivery.attempts.saturating_add(1);
            let next = settings.next(&result, number, delivery.created_at_ms, now_ms());
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let attempt = Attempt {
                delivery,
                number,
                at_ms,
                took_ms,
                result,
                next,
            };
            outbox.attempted(attempt.clone()).await;
            Done {
                lane,
                endpoint: Arc::clone(&endpoint.id),
                what: What::Attempted(attempt),
            }
        });
    }
}

impl Settings {
    /// What becomes of a webhook after its attempt of this number.
    fn next(
        &self,
        result: &Result<u16, Failure>,
        number: u32,
        created_at_ms: i64,
        now_ms: i64,
    ) -> Next {
        match result {
            Ok(_) => return Next::Delivered,
            Err(Failure::Expired) => return Next::GivenUp,
            Err(_) => {}
        }
        let delay = usize::try_from(number - 1)
            .ok()
            .and_then(|at| self.retry_delays.get(at));
        let at_ms = delay
            .and_then(|delay| now_ms.checked_add(i64::try_from(delay.as_millis()).ok()?))
            .filter(|at_ms| *at_ms <= created_at_ms.saturating_add(self.give_up_after_ms));
        at_ms.map_or(Next::GivenUp, |at_ms| Next::Retry { at_ms })
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
