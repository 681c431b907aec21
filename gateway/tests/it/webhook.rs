//! Webhooks, delivered to real receivers on this machine.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use gateway::webhook::{
    AddressError, Attempt, Delivery, Endpoint, Engine, Failure, Feed, ID_HEADER, Next, Outbox,
    RETRY_DELAYS, Reach, Settings, WebhookError, WebhookSecret, is_public, sign, verify,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

mod tls;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn secret() -> WebhookSecret {
    WebhookSecret::parse(SECRET).unwrap()
}

fn older_secret() -> WebhookSecret {
    WebhookSecret::from_bytes(&[7; 32]).unwrap()
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// What a receiver answers to its nth request, counted from 0.
type Answer = Pin<Box<dyn Future<Output = StatusCode> + Send>>;

/// A shop's server.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    async fn start(answer: impl Fn(usize) -> Answer + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let handle = move |headers: HeaderMap, body: Bytes| {
            let number = {
                let mut seen = record.lock().unwrap();
                seen.push((headers, body));
                seen.len() - 1
            };
            let answer = answer(number);
            async move {
                let status = answer.await;
                // Where a redirect would lead: to this receiver again, which would count it.
                (status, [(header::LOCATION, "/redirected")]).into_response()
            }
        };
        tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(any(handle)))
                .await
                .unwrap();
        });
        Self { address, seen }
    }

    async fn answering(statuses: &'static [u16]) -> Self {
        Self::start(move |number| {
            let status = *statuses.get(number).unwrap_or(&200);
            Box::pin(async move { StatusCode::from_u16(status).unwrap() })
        })
        .await
    }

    fn endpoint(&self, id: &str) -> Endpoint {
        endpoint(id, &format!("http://{}/hooks?shop=7", self.address))
    }

    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.seen.lock().unwrap().clone()
    }

    /// The ids of the webhooks that came, in order.
    fn ids(&self) -> Vec<String> {
        let id =
            |(headers, _): &(HeaderMap, Bytes)| headers[ID_HEADER].to_str().unwrap().to_owned();
        self.seen().iter().map(id).collect()
    }
}

fn endpoint(id: &str, url: &str) -> Endpoint {
    Endpoint {
        id: id.into(),
        url: url.parse().unwrap(),
        secrets: vec![secret(), older_secret()],
    }
}

/// The caller's record, in memory.
#[derive(Debug, Default)]
struct Memory {
    pending: Mutex<BTreeMap<(Arc<str>, u64), Delivery>>,
    attempts: Mutex<Vec<Attempt>>,
    changed: Notify,
}

impl Outbox for Memory {
    async fn undelivered(
        &self,
        endpoint: Arc<str>,
        after: u64,
        limit: usize,
    ) -> anyhow::Result<Vec<Delivery>> {
        let pending = self.pending.lock().unwrap();
        let of_endpoint = pending
            .range((Arc::clone(&endpoint), after + 1)..=(endpoint, u64::MAX))
            .map(|(_, delivery)| delivery.clone());
        Ok(of_endpoint.take(limit).collect())
    }

    async fn attempted(&self, attempt: Attempt) {
        let key = (Arc::clone(&attempt.delivery.endpoint), attempt.delivery.seq);
        {
            let mut pending = self.pending.lock().unwrap();
            match (attempt.next, pending.get_mut(&key)) {
                (Next::Retry { at_ms }, Some(kept)) => {
                    (kept.attempts, kept.due_at_ms) = (attempt.number, at_ms);
                }
                _ => drop(pending.remove(&key)),
            }
        }
        self.attempts.lock().unwrap().push(attempt);
        self.changed.notify_waiters();
    }
}

impl Memory {
    fn add(&self, endpoint: &str, object: &str) -> Delivery {
        let mut pending = self.pending.lock().unwrap();
        let made = self.attempts.lock().unwrap();
        let pending_max = pending.keys().map(|(_, seq)| *seq).max();
        let made_max = made.iter().map(|attempt| attempt.delivery.seq).max();
        let seq = pending_max.max(made_max).unwrap_or(0) + 1;
        let delivery = Delivery {
            endpoint: endpoint.into(),
            seq,
            id: format!("msg_{seq}").into(),
            object: object.into(),
            body: format!(r#"{{"type":"order.paid","object":"{object}"}}"#).into(),
            created_at_ms: now_s() * 1_000,
            attempts: 0,
            due_at_ms: 0,
        };
        pending.insert((delivery.endpoint.clone(), seq), delivery.clone());
        delivery
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }

    /// Waits until the record is as it should be, and fails after a time that no healthy run needs.
    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_so(self) {
                    return;
                }
                changed.await;
            }
        };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, wait)
            .await
            .unwrap_or_else(|_| panic!("never came: {what}"));
    }

    async fn until_empty(&self) {
        self.until("an empty outbox", |memory| {
            memory.pending.lock().unwrap().is_empty()
        })
        .await;
    }
}

fn settings() -> Settings {
    Settings {
        reach: Reach::Anywhere,
        retry_delays: vec![Duration::from_millis(10), Duration::from_millis(20)],
        breaker_failures: 1_000,
        ..Settings::default()
    }
}

/// An engine with its record.
struct Post {
    memory: Arc<Memory>,
    feed: mpsc::Sender<Feed>,
    engine: JoinHandle<()>,
}

impl Post {
    fn open(settings: Settings, memory: Arc<Memory>) -> Self {
        let (engine, feed) = Engine::new(settings, Arc::clone(&memory)).unwrap();
        let engine = tokio::spawn(async { engine.run().await.unwrap() });
        Self {
            memory,
            feed,
            engine,
        }
    }

    async fn tell(&self, feed: Feed) {
        self.feed.send(feed).await.unwrap();
    }

    /// Records a webhook, then feeds it.
    async fn deliver(&self, endpoint: &str, object: &str) -> Delivery {
        let delivery = self.memory.add(endpoint, object);
        self.tell(Feed::Deliver(delivery.clone())).await;
        delivery
    }

    async fn close(self) {
        drop(self.feed);
        self.engine.await.unwrap();
    }
}

/// One endpoint, one webhook: the results of its attempts and what became of it.
async fn outcome_of(settings: Settings, endpoint: Endpoint) -> (Vec<Result<u16, Failure>>, Next) {
    let post = Post::open(settings, Arc::default());
    let id = Arc::clone(&endpoint.id);
    post.tell(Feed::Endpoint(endpoint)).await;
    post.deliver(&id, "order_1").await;
    post.memory.until_empty().await;
    let attempts = post.memory.attempts();
    post.close().await;
    for (attempt, number) in attempts.iter().zip(1..) {
        assert_eq!(attempt.number, number);
    }
    let last = attempts.last().unwrap().next;
    (
        attempts.into_iter().map(|attempt| attempt.result).collect(),
        last,
    )
}

/// The example that the libraries of Standard Webhooks share in their tests.
#[test]
fn a_signature_is_that_of_the_standard() {
    let (id, timestamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
    let body = br#"{"test": 2432232314}"#;
    let signature = sign(&[secret()], id, timestamp, body);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(secret().expose_text(), SECRET);
}

#[test]
fn a_receiver_accepts_only_what_is_genuine_and_fresh() {
    let (id, body) = ("msg_1", b"{}");
    let headers = |id: &str, timestamp: &str, signature: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    };
    let both = sign(&[older_secret(), secret()], id, 1_000, body);
    let check = |headers: &HeaderMap, body: &[u8], now, expected| {
        assert_eq!(
            verify(&[secret()], headers, body, now),
            expected,
            "{headers:?} at {now}"
        );
    };
    let good = headers(id, "1000", &both);
    check(&good, body, 1_000, Ok(()));
    check(&good, body, 1_300, Ok(()));
    check(&good, body, 700, Ok(()));
    check(&good, body, 1_301, Err(WebhookError::Timestamp));
    check(&good, body, 699, Err(WebhookError::Timestamp));
    check(&good, body, i64::MIN, Err(WebhookError::Timestamp));
    check(&good, b"{ }", 1_000, Err(WebhookError::Signature));
    check(
        &headers("msg_2", "1000", &both),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "1001", &both),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "now", &both),
        body,
        1_000,
        Err(WebhookError::Timestamp),
    );
    check(
        &headers(id, "1000", &both.replace("v1,", "v2,")),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "1000", "v1,"),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(&HeaderMap::new(), body, 1_000, Err(WebhookError::Headers));
}

#[test]
fn a_secret_has_one_form() {
    for text in ["", "whsec_", "whsec_!", "whsec_c2hvcnQ=", &SECRET[6..]] {
        assert_eq!(
            WebhookSecret::parse(text),
            Err(WebhookError::Secret),
            "{text}"
        );
    }
    assert!(
        !format!("{:?}", secret()).contains("MfKQ"),
        "a secret must not show"
    );
}

#[test]
fn the_published_schedule_spans_about_a_day() {
    let total: Duration = RETRY_DELAYS.iter().sum();
    assert_eq!(total, Duration::from_secs(23 * 3_600 + 35 * 60 + 35));
    assert!(RETRY_DELAYS.is_sorted());
}

#[tokio::test]
async fn a_webhook_is_signed_by_the_new_secret_and_the_old_one() {
    let shop = Receiver::answering(&[]).await;
    let outcome = outcome_of(settings(), shop.endpoint("shop")).await;
    assert_eq!(outcome, (vec![Ok(200)], Next::Delivered));
    let [(headers, body)] = &shop.seen()[..] else {
        panic!("one webhook was expected")
    };
    for secret in [secret(), older_secret()] {
        assert_eq!(verify(&[secret], headers, body, now_s()), Ok(()));
    }
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers[ID_HEADER], "msg_1");
    assert_eq!(&body[..], br#"{"type":"order.paid","object":"order_1"}"#);
}

#[tokio::test]
async fn a_failed_attempt_is_repeated() {
    let shop = Receiver::answering(&[500, 404, 204]).await;
    let outcome = outcome_of(settings(), shop.endpoint("shop")).await;
    let failed = |status| Err(Failure::Status(status));
    assert_eq!(
        outcome,
        (vec![failed(500), failed(404), Ok(204)], Next::Delivered)
    );
    assert_eq!(shop.ids(), ["msg_1", "msg_1", "msg_1"]);
}

#[tokio::test]
async fn after_the_last_retry_a_webhook_is_given_up() {
    let shop = Receiver::answering(&[500, 500, 500]).await;
    let (results, next) = outcome_of(settings(), shop.endpoint("shop")).await;
    assert_eq!((results.len(), next), (3, Next::GivenUp));
    assert_eq!(shop.seen().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let shop = Receiver::answering(&[302, 307, 308]).await;
    let (results, _) = outcome_of(settings(), shop.endpoint("shop")).await;
    assert_eq!(
        results,
        [302, 307, 308].map(|status| Err(Failure::Status(status)))
    );
    assert_eq!(shop.seen().len(), 3);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_not_waited_for() {
    let shop = Receiver::start(|_| Box::pin(std::future::pending())).await;
    let settings = Settings {
        timeout: Duration::from_millis(50),
        ..settings()
    };
    let outcome = outcome_of(settings, shop.endpoint("shop")).await;
    assert_eq!(outcome, (vec![Err(Failure::Timeout); 3], Next::GivenUp));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_a_failed_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (results, next) = outcome_of(settings(), endpoint("shop", &url)).await;
    assert!(
        matches!(results[..], [Err(Failure::Connection(_)), ..]),
        "{results:?}"
    );
    assert_eq!(next, Next::GivenUp);
}

#[tokio::test]
async fn nothing_is_sent_to_a_network_that_is_not_public() {
    let shop = Receiver::answering(&[]).await;
    let port = shop.address.port();
    let refused = |reason| vec![Err(Failure::Address(reason)); 3];
    for (url, reason) in [
        (
            format!("https://127.0.0.1:{port}/"),
            AddressError::NotPublic,
        ),
        (format!("https://[::1]:{port}/"), AddressError::NotPublic),
        (
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            AddressError::NotPublic,
        ),
        (format!("https://0x7f.1:{port}/"), AddressError::NotPublic),
        (
            format!("https://2130706433:{port}/"),
            AddressError::NotPublic,
        ),
        // The name is judged by the address it resolves to.
        (
            format!("https://localhost:{port}/"),
            AddressError::NotPublic,
        ),
        (
            "https://169.254.169.254/latest/meta-data/".to_owned(),
            AddressError::NotPublic,
        ),
        (format!("http://127.0.0.1:{port}/"), AddressError::Scheme),
        ("file:///etc/passwd".to_owned(), AddressError::Scheme),
        (
            format!("https://user:password@127.0.0.1:{port}/"),
            AddressError::Credentials,
        ),
    ] {
        let settings = Settings {
            reach: Reach::Public,
            ..settings()
        };
        let (results, next) = outcome_of(settings, endpoint("shop", &url)).await;
        assert_eq!((results, next), (refused(reason), Next::GivenUp), "{url}");
    }
    assert!(shop.seen().is_empty());
}

#[test]
fn public_addresses_are_told_from_special_ones() {
    let public = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
        223.255.255.255 2606:4700::1111 2001:200::1 2400:cb00::1 ::ffff:1.1.1.1";
    let special = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 \
        192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 \
        240.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 100::1 2001::1 2001:db8::1 \
        2002:7f00:1::1 3fff::1 fc00::1 fd12::1 fe80::1 ff02::1";
    for (addresses, expected) in [(public, true), (special, false)] {
        for address in addresses.split_whitespace() {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}

#[tokio::test]
async fn webhooks_of_one_object_come_in_order() {
    // Every third request fails, whichever it is.
    let shop = Receiver::start(|number| {
        Box::pin(async move {
            if number % 3 == 2 {
                StatusCode::BAD_GATEWAY
            } else {
                StatusCode::OK
            }
        })
    })
    .await;
    let retry_delays = vec![Duration::from_millis(1); 20];
    let post = Post::open(
        Settings {
            retry_delays,
            ..settings()
        },
        Arc::default(),
    );
    post.tell(Feed::Endpoint(shop.endpoint("shop"))).await;
    let mut fed: BTreeMap<Arc<str>, Vec<u64>> = BTreeMap::new();
    for number in 0..200 {
        let delivery = post.deliver("shop", &format!("order_{}", number % 7)).await;
        fed.entry(delivery.object).or_default().push(delivery.seq);
    }
    post.memory.until_empty().await;
    let mut delivered: BTreeMap<Arc<str>, Vec<u64>> = BTreeMap::new();
    for Attempt { delivery, next, .. } in post.memory.attempts() {
        if next == Next::Delivered {
            delivered
                .entry(Arc::clone(&delivery.object))
                .or_default()
                .push(delivery.seq);
        }
    }
    assert_eq!(delivered, fed);
    // At the receiver too no webhook of an object comes before the one that precedes it has been accepted.
    let mut last: BTreeMap<Bytes, u64> = BTreeMap::new();
    for (headers, body) in shop.seen() {
        let seq = headers[ID_HEADER].to_str().unwrap()["msg_".len()..]
            .parse()
            .unwrap();
        let before = last.insert(body, seq).unwrap_or(0);
        assert!(before <= seq, "webhook {seq} came after {before}");
    }
    post.close().await;
}

#[tokio::test]
async fn a_slow_receiver_delays_nobody_and_loses_nothing() {
    let (release, released) = watch::channel(false);
    let slow = Receiver::start(move |_| {
        let mut released = released.clone();
        Box::pin(async move {
            released.wait_for(|released| *released).await.unwrap();
            StatusCode::OK
        })
    })
    .await;
    let fast = Receiver::answering(&[]).await;
    let settings = Settings {
        endpoint_held_max: 64,
        timeout: Duration::from_mins(1),
        ..settings()
    };
    let under_way_max = settings.endpoint_under_way_max;
    let post = Post::open(settings, Arc::default());
    post.tell(Feed::Endpoint(slow.endpoint("slow"))).await;
    post.tell(Feed::Endpoint(fast.endpoint("fast"))).await;
    // Far more than the engine holds for one endpoint.
    for number in 0..500 {
        post.deliver("slow", &format!("order_{number}")).await;
        post.deliver("fast", &format!("order_{number}")).await;
    }
    let count = |memory: &Memory, endpoint: &str| {
        memory
            .attempts()
            .iter()
            .filter(|attempt| *attempt.delivery.endpoint == *endpoint)
            .count()
    };
    post.memory
        .until("all for the fast one", |memory| {
            count(memory, "fast") == 500
        })
        .await;
    assert_eq!(count(&post.memory, "slow"), 0);
    assert!(slow.seen().len() <= under_way_max);
    release.send(true).unwrap();
    post.memory.until_empty().await;
    assert_eq!((count(&post.memory, "slow"), slow.seen().len()), (500, 500));
    post.close().await;
}

#[tokio::test]
async fn a_new_engine_goes_on_where_the_last_one_ended() {
    let shop = Receiver::answering(&[503, 503, 503, 503]).await;
    let long = Settings {
        retry_delays: RETRY_DELAYS.to_vec(),
        ..settings()
    };
    let post = Post::open(long, Arc::default());
    let memory = Arc::clone(&post.memory);
    post.tell(Feed::Endpoint(shop.endpoint("shop"))).await;
    for object in ["a", "b", "b"] {
        post.deliver("shop", object).await;
    }
    memory
        .until("two attempts", |memory| memory.attempts().len() == 2)
        .await;
    post.close().await;
    let times = |memory: &Memory| -> Vec<_> {
        memory
            .pending
            .lock()
            .unwrap()
            .values()
            .map(|delivery| delivery.attempts)
            .collect()
    };
    assert_eq!(times(&memory), [1, 1, 0]);

    // The second engine is told of nothing but the endpoint, and waits for the time that the first one set.
    for delivery in memory.pending.lock().unwrap().values_mut() {
        assert!(delivery.attempts == 0 || delivery.due_at_ms > delivery.created_at_ms + 4_000);
        delivery.due_at_ms = 0;
    }
    let post = Post::open(settings(), Arc::clone(&memory));
    post.tell(Feed::Endpoint(shop.endpoint("shop"))).await;
    memory.until_empty().await;
    let mut of_b = shop.ids();
    of_b.retain(|id| id == "msg_2" || id == "msg_3");
    assert_eq!(of_b.last().unwrap(), "msg_3");
    post.close().await;
}

#[tokio::test]
async fn a_changed_endpoint_is_tried_at_once_at_its_new_address() {
    let old = Receiver::answering(&[500]).await;
    let new = Receiver::answering(&[]).await;
    let long = Settings {
        retry_delays: vec![Duration::from_hours(1)],
        ..settings()
    };
    let post = Post::open(long, Arc::default());
    post.tell(Feed::Endpoint(old.endpoint("shop"))).await;
    post.deliver("shop", "order_1").await;
    post.memory
        .until("a failed attempt", |memory| memory.attempts().len() == 1)
        .await;
    post.tell(Feed::Endpoint(new.endpoint("shop"))).await;
    post.memory.until_empty().await;
    assert_eq!(
        (old.ids(), new.ids()),
        (vec!["msg_1".to_owned()], vec!["msg_1".to_owned()])
    );
    post.close().await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_removed_endpoint() {
    let gone = Receiver::answering(&[]).await;
    let other = Receiver::answering(&[]).await;
    let post = Post::open(settings(), Arc::default());
    for shop in [gone.endpoint("gone"), other.endpoint("other")] {
        post.tell(Feed::Endpoint(shop)).await;
    }
    post.tell(Feed::Remove("gone".into())).await;
    post.deliver("gone", "order_1").await;
    post.deliver("other", "order_1").await;
    post.memory
        .until("a delivery to the other", |memory| {
            !memory.attempts().is_empty()
        })
        .await;
    assert!(gone.seen().is_empty());
    // It comes back, and finds what it missed.
    post.tell(Feed::Endpoint(gone.endpoint("gone"))).await;
    post.memory.until_empty().await;
    assert_eq!(gone.ids(), ["msg_1"]);
    post.close().await;
}

#[tokio::test]
async fn https_receivers_are_reached_if_their_certificate_is_trusted() {
    let shop = tls::Receiver::start().await;
    let endpoint = endpoint("shop", &format!("https://localhost:{}/", shop.port));
    let (results, _) = outcome_of(settings(), endpoint.clone()).await;
    let said = format!("{results:?}");
    assert!(
        matches!(results[..], [Err(Failure::Connection(_)), ..]),
        "{said}"
    );
    assert!(said.contains("certificate"), "{said}");
    let trusting = Settings {
        extra_roots: vec![shop.certificate],
        ..settings()
    };
    assert_eq!(
        outcome_of(trusting, endpoint).await,
        (vec![Ok(200)], Next::Delivered)
    );
}
