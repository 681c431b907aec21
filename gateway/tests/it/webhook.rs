//! Webhooks, delivered to real receivers on this machine.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{body::Bytes, http::StatusCode};
use gateway::webhook::{
    Attempt, Endpoint, Failure, Feed, ID_HEADER, Next, RETRY_DELAYS, Reach, Settings,
    WebhookSecret, verify,
};
use tokio::{net::TcpListener, sync::watch};

use self::{
    post::{Memory, Post},
    receiver::Receiver,
};

mod address;
mod example;
mod post;
mod receiver;
mod signature;
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

fn endpoint(id: &str, url: &str) -> Endpoint {
    Endpoint {
        id: id.into(),
        url: url.parse().unwrap(),
        secrets: vec![secret(), older_secret()],
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
