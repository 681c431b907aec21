//! What waits for one endpoint: a pure state machine, told the time and what happened.
//!
//! Webhooks about one object form a lane. Only the head of a lane is ever under way, so an object's webhooks arrive in
//! order; lanes do not wait for each other. The queue holds a limited number of webhooks. What comes above that is set
//! aside: the queue notes only that it is *behind*, and later reads what it missed from the outbox, where everything
//! undelivered is kept. A queue also starts behind, so that a restart needs nothing special.
//!
//! Of what is fed while a page is being read, nobody can say whether the page has it. It is kept until the page is
//! there, and then either is in it or comes after it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use super::{Attempt, Delivery, Failure, Next, Settings, breaker::Breaker};

/// How long to wait when the outbox could not be read.
const LOAD_RETRY_MS: i64 = 1_000;

#[derive(Debug)]
pub(super) struct Queue {
    settings: Arc<Settings>,
    lanes: HashMap<Arc<str>, VecDeque<Arc<Delivery>>>,
    /// Objects whose head can go now.
    ready: VecDeque<Arc<str>>,
    /// Objects whose head must wait for its time.
    waiting: BTreeSet<(i64, Arc<str>)>,
    under_way: usize,
    held: usize,
    /// The highest `seq` that was taken in.
    newest: u64,
    reading: Reading,
    /// What was fed while a page was being read.
    meanwhile: Vec<Delivery>,
    breaker: Breaker,
}

/// Whether the outbox has webhooks that the queue has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    UpToDate,
    Behind { not_before_ms: i64 },
    UnderWay,
}

impl Reading {
    const BEHIND: Self = Self::Behind { not_before_ms: 0 };
}

/// What to do with the head of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Send(Arc<Delivery>),
    /// Give up without an attempt: it is too old, and its receiver is known to be down.
    Expire(Arc<Delivery>),
}

/// A part of the outbox to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) after: u64,
    pub(super) limit: usize,
}

impl Queue {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            under_way: 0,
            held: 0,
            newest: 0,
            reading: Reading::BEHIND,
            meanwhile: Vec::new(),
            breaker: Breaker::NEW,
        }
    }

    /// Takes a webhook in, or sets it aside.
    pub(super) fn offer(&mut self, delivery: Delivery, now_ms: i64) {
        match self.reading {
            Reading::UpToDate if self.held < self.settings.endpoint_held_max => {
                self.take(delivery, now_ms);
            }
            Reading::UpToDate => self.reading = Reading::BEHIND,
            Reading::UnderWay => {
                // One more than can be taken in later, which will then leave the queue behind.
                if self.meanwhile.len() <= self.settings.endpoint_held_max {
                    self.meanwhile.push(delivery);
                }
            }
            Reading::Behind { .. } => {}
        }
    }

    /// The part of the outbox to read now, if the queue is behind and has room. The caller reads it and reports with
    /// [`loaded`](Self::loaded).
    pub(super) fn next_page(&mut self, now_ms: i64) -> Option<Page> {
        let Reading::Behind { not_before_ms } = self.reading else {
            return None;
        };
        if not_before_ms > now_ms || self.held > self.settings.endpoint_held_max / 2 {
            return None;
        }
        self.reading = Reading::UnderWay;
        Some(Page {
            after: self.newest,
            limit: self.settings.endpoint_held_max - self.held,
        })
    }

    /// Takes in a page of the outbox, or learns that it could not be read. A short page is the last one.
    pub(super) fn loaded(&mut self, page: Option<Vec<Delivery>>, limit: usize, now_ms: i64) {
        let meanwhile = std::mem::take(&mut self.meanwhile);
        let Some(page) = page else {
            self.reading = Reading::Behind {
                not_before_ms: now_ms + LOAD_RETRY_MS,
            };
            return;
        };
        let last = page.len() < limit;
        for delivery in page {
            self.take(delivery, now_ms);
        }
        self.reading = if last {
            Reading::UpToDate
        } else {
            Reading::BEHIND
        };
        for delivery in meanwhile {
            self.offer(delivery, now_ms);
        }
    }

    fn take(&mut self, delivery: Delivery, now_ms: i64) {
        if delivery.seq <= self.newest {
            return;
        }
        self.newest = delivery.seq;
        self.held += 1;
        let object = Arc::clone(&delivery.object);
        let lane = self.lanes.entry(Arc::clone(&object)).or_default();
        lane.push_back(Arc::new(delivery));
        if lane.len() == 1 {
            self.schedule_head(&object, now_ms);
        }
    }

    fn schedule_head(&mut self, object: &Arc<str>, now_ms: i64) {
        let Some(head) = self.lanes.get(object).and_then(VecDeque::front) else {
            return;
        };
        if head.due_at_ms > now_ms {
            self.waiting.insert((head.due_at_ms, Arc::clone(object)));
        } else {
            self.ready.push_back(Arc::clone(object));
        }
    }

    /// What to do next, if at most `under_way_max` may be under way at once.
    pub(super) fn next_work(&mut self, now_ms: i64, under_way_max: usize) -> Option<Work> {
        while self
            .waiting
            .first()
            .is_some_and(|(due_at_ms, _)| *due_at_ms <= now_ms)
        {
            let (_, object) = self.waiting.pop_first()?;
            self.ready.push_back(object);
        }
        if self.under_way >= under_way_max {
            return None;
        }
        let head = self.head(self.ready.front()?)?;
        let work = if !self.breaker.is_closed() && self.is_expired(&head, now_ms) {
            Work::Expire(head)
        } else if self.breaker.admit(now_ms) {
            Work::Send(head)
        } else {
            return None;
        };
        self.ready.pop_front();
        self.under_way += 1;
        Some(work)
    }

    fn head(&self, object: &Arc<str>) -> Option<Arc<Delivery>> {
        self.lanes.get(object)?.front().map(Arc::clone)
    }

    fn is_expired(&self, delivery: &Delivery, now_ms: i64) -> bool {
        delivery
            .created_at_ms
            .saturating_add(self.settings.give_up_after_ms)
            < now_ms
    }

    /// An attempt has ended and was recorded.
    pub(super) fn finished(&mut self, attempt: &Attempt, now_ms: i64) {
        self.under_way = self.under_way.saturating_sub(1);
        match &attempt.result {
            Err(Failure::Expired) => {}
            Err(failure) if failure.is_of_the_receiver() => {
                self.breaker.failed(now_ms, &self.settings);
            }
            Ok(_) | Err(_) => {
                if self.breaker.alive() {
                    self.hurry(now_ms);
                }
            }
        }
        let object = &attempt.delivery.object;
        let Some(lane) = self.lanes.get_mut(object) else {
            return;
        };
        match attempt.next {
            Next::Retry { at_ms } => {
                if let Some(head) = lane.front_mut() {
                    let head = Arc::make_mut(head);
                    (head.attempts, head.due_at_ms) = (attempt.number, at_ms);
                }
            }
            Next::Delivered | Next::GivenUp => {
                lane.pop_front();
                self.held -= 1;
                if lane.is_empty() {
                    self.lanes.remove(object);
                }
            }
        }
        self.schedule_head(object, now_ms);
    }

    /// The receiver is back, or has changed: whatever waits for its time is tried at once.
    pub(super) fn hurry(&mut self, now_ms: i64) {
        self.breaker.alive();
        for (_, object) in std::mem::take(&mut self.waiting) {
            if let Some(head) = self.lanes.get_mut(&object).and_then(VecDeque::front_mut) {
                Arc::make_mut(head).due_at_ms = now_ms;
            }
            self.ready.push_back(object);
        }
    }

    /// When to look again, if nothing happens before.
    pub(super) fn wakes_at_ms(&self) -> Option<i64> {
        let waiting = self.waiting.first().map(|(due_at_ms, _)| *due_at_ms);
        let breaker = self
            .breaker
            .opens_at_ms()
            .filter(|_| !self.ready.is_empty());
        let reading = match self.reading {
            Reading::Behind { not_before_ms } if not_before_ms > 0 => Some(not_before_ms),
            Reading::Behind { .. } | Reading::UpToDate | Reading::UnderWay => None,
        };
        [waiting, breaker, reading].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::Bytes;
    use proptest::prelude::*;

    use super::*;

    const HELD_MAX: usize = 6;
    const UNDER_WAY_MAX: usize = 3;

    fn settings() -> Settings {
        Settings {
            endpoint_held_max: HELD_MAX,
            breaker_failures: 3,
            breaker_pause_ms: 50,
            breaker_pause_ms_max: 200,
            give_up_after_ms: 2_000,
            ..Settings::default()
        }
    }

    fn delivery(seq: u64, object: u8, now_ms: i64) -> Delivery {
        Delivery {
            endpoint: "endpoint".into(),
            seq,
            id: format!("webhook-{seq}").into(),
            object: format!("object-{object}").into(),
            body: Bytes::new(),
            created_at_ms: now_ms,
            attempts: 0,
            due_at_ms: 0,
        }
    }

    /// The world around a queue: an outbox, a clock, and a receiver that fails as it is told.
    struct World {
        queue: Queue,
        outbox: BTreeMap<u64, Delivery>,
        seq: u64,
        now_ms: i64,
        under_way: VecDeque<Work>,
        page: Option<(Page, Vec<Delivery>)>,
        /// The webhooks of each object that are done with, in the order in which that happened.
        done: BTreeMap<Arc<str>, Vec<u64>>,
    }

    impl World {
        fn new() -> Self {
            Self {
                queue: Queue::new(Arc::new(settings())),
                outbox: BTreeMap::new(),
                seq: 0,
                now_ms: 1_000,
                under_way: VecDeque::new(),
                page: None,
                done: BTreeMap::new(),
            }
        }

        fn feed(&mut self, object: u8) {
            self.seq += 1;
            let delivery = delivery(self.seq, object, self.now_ms);
            self.outbox.insert(self.seq, delivery.clone());
            self.queue.offer(delivery, self.now_ms);
        }

        /// Asks for a page, or lets the one that was asked for arrive. It shows the outbox either as it was when it was
        /// asked for or, if `late`, as it is when it arrives.
        fn read(&mut self, late: bool, fails: bool) {
            if let Some((asked, early)) = self.page.take() {
                let page = if late { self.outbox_page(asked) } else { early };
                self.queue
                    .loaded((!fails).then_some(page), asked.limit, self.now_ms);
            } else if let Some(asked) = self.queue.next_page(self.now_ms) {
                self.page = Some((asked, self.outbox_page(asked)));
            }
        }

        fn outbox_page(&self, Page { after, limit }: Page) -> Vec<Delivery> {
            let rest = self.outbox.range(after + 1..).take(limit);
            rest.map(|(_, delivery)| delivery.clone()).collect()
        }

        fn start(&mut self) {
            while let Some(work) = self.queue.next_work(self.now_ms, UNDER_WAY_MAX) {
                let (Work::Send(new) | Work::Expire(new)) = &work;
                let object = |work: &Work| match work {
                    Work::Send(delivery) | Work::Expire(delivery) => Arc::clone(&delivery.object),
                };
                assert!(
                    self.under_way
                        .iter()
                        .all(|other| object(other) != new.object)
                );
                self.under_way.push_back(work);
                assert!(self.under_way.len() <= UNDER_WAY_MAX);
            }
            assert!(
                self.queue.held <= 2 * HELD_MAX,
                "{} are held",
                self.queue.held
            );
        }

        fn end(&mut self, result: Result<u16, Failure>) {
            let (delivery, result) = match self.under_way.pop_front() {
                None => return,
                Some(Work::Send(delivery)) => (delivery, result),
                Some(Work::Expire(delivery)) => (delivery, Err(Failure::Expired)),
            };
            let number = delivery.attempts + 1;
            let next = match result {
                Ok(_) => Next::Delivered,
                Err(Failure::Expired) => Next::GivenUp,
                Err(_) if number > 4 => Next::GivenUp,
                Err(_) => Next::Retry {
                    at_ms: self.now_ms + 20 * i64::from(number),
                },
            };
            if let Next::Retry { at_ms } = next {
                let kept = self.outbox.get_mut(&delivery.seq).unwrap();
                (kept.attempts, kept.due_at_ms) = (number, at_ms);
            } else {
                self.outbox
                    .remove(&delivery.seq)
                    .expect("a webhook is done with only once");
                self.done
                    .entry(Arc::clone(&delivery.object))
                    .or_default()
                    .push(delivery.seq);
            }
            let at_ms = self.now_ms;
            let attempt = Attempt {
                delivery,
                number,
                at_ms,
                took_ms: 0,
                result,
                next,
            };
            self.queue.finished(&attempt, self.now_ms);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Feed(u8),
        Read { late: bool, fails: bool },
        End(Result<u16, Failure>),
        Wait(i64),
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0..5u8).prop_map(Step::Feed),
            3 => (any::<bool>(), proptest::bool::weighted(0.1))
                .prop_map(|(late, fails)| Step::Read { late, fails }),
            4 => Just(Step::End(Ok(200))),
            2 => Just(Step::End(Err(Failure::Status(400)))),
            3 => Just(Step::End(Err(Failure::Timeout))),
            3 => (0..400i64).prop_map(Step::Wait),
            1 => Just(Step::Restart),
        ];
        proptest::collection::vec(step, 0..150)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever is fed, however the receiver behaves and whenever the engine restarts: each webhook is done with
        /// once, those of one object in order, and when the receiver is well again the outbox becomes empty.
        #[test]
        fn every_webhook_is_done_with_in_order(steps in steps()) {
            let mut world = World::new();
            for step in steps {
                match step {
                    Step::Feed(object) => world.feed(object),
                    Step::Read { late, fails } => world.read(late, fails),
                    Step::End(result) => world.end(result),
                    Step::Wait(ms) => world.now_ms += ms,
                    Step::Restart => {
                        world.queue = Queue::new(Arc::new(settings()));
                        world.under_way.clear();
                        world.page = None;
                    }
                }
                world.start();
            }
            let mut rounds = 0;
            while !world.outbox.is_empty() {
                world.read(false, false);
                world.start();
                while !world.under_way.is_empty() {
                    world.end(Ok(200));
                    world.start();
                }
                // Nothing may depend on a clock that runs without the alarm that the queue asked for.
                world.now_ms = world.queue.wakes_at_ms().map_or(world.now_ms, |at_ms| at_ms.max(world.now_ms));
                rounds += 1;
                prop_assert!(rounds < 1_000, "stuck: {:?} with {:?}", world.queue, world.outbox);
            }
            for (object, done) in &world.done {
                prop_assert!(done.is_sorted(), "{}: {:?}", object, done);
            }
            prop_assert_eq!(world.done.values().map(Vec::len).sum::<usize>() as u64, world.seq);
        }
    }

    /// Runs the queue as far as it goes without time passing; every attempt ends in `result`.
    fn run(world: &mut World, result: &Result<u16, Failure>) -> usize {
        let mut attempts = 0;
        world.start();
        while !world.under_way.is_empty() {
            world.end(result.clone());
            attempts += 1;
            world.start();
        }
        attempts
    }

    #[test]
    fn the_breaker_lets_one_attempt_through_and_then_all() {
        let mut world = World::new();
        world.read(false, false);
        world.read(false, false);
        for object in 0..6 {
            world.feed(object);
        }
        let attempts = run(&mut world, &Err(Failure::Timeout));
        assert_eq!(
            attempts, 5,
            "three failures, and two attempts that had begun before the third"
        );
        world.now_ms += 49;
        assert_eq!(run(&mut world, &Ok(200)), 0);
        world.now_ms += 1;
        assert_eq!(
            run(&mut world, &Err(Failure::Timeout)),
            1,
            "one attempt shows that it is still down"
        );
        world.now_ms += 99;
        assert_eq!(
            run(&mut world, &Ok(200)),
            0,
            "the second pause is twice as long"
        );
        world.now_ms += 1;
        assert_eq!(
            run(&mut world, &Ok(200)),
            6,
            "one success closes the breaker for all"
        );
        assert!(world.outbox.is_empty());
    }

    #[test]
    fn what_is_too_old_for_a_dead_receiver_is_given_up_without_an_attempt() {
        let mut world = World::new();
        world.read(false, false);
        world.read(false, false);
        for object in 0..5 {
            world.feed(object);
        }
        run(&mut world, &Err(Failure::Timeout));
        world.now_ms += 3_000;
        world.start();
        assert!(
            world
                .under_way
                .iter()
                .all(|work| matches!(work, Work::Expire(_))),
            "{:?}",
            world.under_way
        );
        run(&mut world, &Ok(200));
        assert!(world.outbox.is_empty());
    }
}
