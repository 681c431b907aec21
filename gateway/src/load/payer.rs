//! One connection's work: the next order, made by its merchant and paid by a wallet.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Deserialize;
use uuid::Uuid;

use super::client::{Connection, Post};
use super::echo::{self, Amount, Order};
use super::figures::Times;
use super::parties::Parties;
use super::{LoadError, expect};

/// How many orders are still to be taken up, by whoever is next.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    end: u64,
}

impl Numbers {
    pub(super) fn new(numbers: Range<u64>) -> Arc<Self> {
        Arc::new(Self {
            next: AtomicU64::new(numbers.start),
            end: numbers.end,
        })
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.end).then_some(number)
    }

    pub(super) fn left(&self) -> u64 {
        self.end.saturating_sub(self.next.load(Ordering::Relaxed))
    }
}

/// What an order costs, in fen: between 1 and 50 yuan.
pub(super) fn price(number: u64) -> i64 {
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    100 + i64::try_from(spread % 4_901).unwrap_or_default()
}

fn order(number: u64) -> Order {
    Order {
        number: format!("load-{number}"),
        amount: Amount {
            amount: price(number),
            currency: "CNY".to_owned(),
        },
        description: "Dumplings, two baskets".to_owned(),
    }
}

#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    order: ShownOrder<'a>,
}

#[derive(Deserialize)]
struct ShownOrder<'a> {
    id: &'a str,
    state: &'a str,
}

/// The merchant, or wallet, of an order: neighbours in time are strangers.
pub(super) fn of<T>(all: &[T], number: u64) -> &T {
    let count = all.len().max(1) as u64;
    let index = usize::try_from(number % count).unwrap_or_default();
    &all[index]
}

/// Makes orders and pays them until there are no more.
pub(super) async fn pay(
    mut connection: Connection,
    parties: Arc<Parties>,
    numbers: Arc<Numbers>,
) -> Result<(Connection, Times), LoadError> {
    let mut times = Times::default();
    while let Some(number) = numbers.take() {
        let started = Instant::now();
        let body = json(&order(number))?;
        let post = Post {
            path: "/v1/orders",
            body: &body,
            idempotency_key: &Uuid::now_v7().to_string(),
        };
        let merchant = &of(&parties.merchants, number).signer;
        let made: Shown<'_> = connection.ask(merchant, post, 201).await?;
        let path = format!("/v1/orders/{}/pay", made.order.id);
        let answered = Instant::now();
        let body = format!(
            r#"{{"device": "phone-{}", "place": "wtw3s"}}"#,
            number % 997
        );
        let post = Post {
            path: &path,
            body: body.as_bytes(),
            idempotency_key: &Uuid::now_v7().to_string(),
        };
        let wallet = of(&parties.wallets, number);
        let paid: Shown<'_> = connection.ask(wallet, post, 200).await?;
        expect(paid.order.state == "paid", || {
            format!("order {} is {}", paid.order.id, paid.order.state)
        })?;
        times.requests.push(answered - started);
        times.requests.push(answered.elapsed());
        times.payments.push(started.elapsed());
    }
    Ok((connection, times))
}

/// Has as many orders sent back by the echo.
pub(super) async fn echo(
    mut connection: Connection,
    parties: Arc<Parties>,
    numbers: Arc<Numbers>,
) -> Result<(Connection, Times), LoadError> {
    let mut times = Times::default();
    while let Some(number) = numbers.take() {
        let started = Instant::now();
        let sent = order(number);
        let body = json(&sent)?;
        let post = Post {
            path: echo::PATH,
            body: &body,
            idempotency_key: &Uuid::now_v7().to_string(),
        };
        let merchant = &of(&parties.merchants, number).signer;
        let back: Order = connection.ask(merchant, post, 200).await?;
        expect(back == sent, || format!("an echo that says {back:?}"))?;
        times.requests.push(started.elapsed());
    }
    Ok((connection, times))
}

fn json(order: &Order) -> Result<Vec<u8>, LoadError> {
    serde_json::to_vec(order).map_err(|error| LoadError::Wrong(error.to_string()))
}
