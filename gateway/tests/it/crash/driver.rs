//! A shop and its customers, who do one thing after the other and never give up on an answer.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::Address;
use super::book::{Noted, Order};
use crate::server::{Answer, Client};

/// Orders looked at after a restart.
const LOOKED_AT: usize = 5;

/// A shop or a wallet.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) client: Client,
}

pub(super) struct Driver {
    no: usize,
    random: StdRng,
    merchant: Party,
    wallets: Vec<Party>,
    operator: Client,
    noted: Noted,
    /// Orders made so far, for numbers.
    made: usize,
    /// The newest orders, the last at the end.
    newest: Vec<String>,
    /// Where the last answer came from.
    at: Option<String>,
}

impl Driver {
    pub(super) fn new(
        no: usize,
        random: StdRng,
        merchant: Party,
        wallets: Vec<Party>,
        operator: Client,
    ) -> Self {
        Self {
            no,
            random,
            merchant,
            wallets,
            operator,
            noted: Noted::default(),
            made: 0,
            newest: Vec::new(),
            at: None,
        }
    }

    /// Works until it is told to stop, and says what it was told.
    pub(super) async fn run(
        mut self,
        mut address: Address,
        stopping: watch::Receiver<bool>,
    ) -> Noted {
        while !*stopping.borrow() {
            if self.random.random_ratio(1, 6) {
                self.top_up(&mut address).await;
            }
            self.sell(&mut address).await;
        }
        self.noted
    }

    async fn top_up(&mut self, address: &mut Address) {
        let wallet = self.some_wallet();
        let amount = self.random.random_range(1..20_000);
        let body = json!({"amount": cny(amount), "reference": "bank transfer"});
        let target = format!("/v1/wallets/{}/top-ups", wallet.id);
        let answer = self
            .persist(address, &self.operator.clone(), &target, body)
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        *self.noted.top_ups.entry(wallet.id).or_default() += amount;
    }

    /// Makes an order, and lets it be paid, closed, refunded, or left alone.
    async fn sell(&mut self, address: &mut Address) {
        let amount = self.random.random_range(1..3_000);
        self.made += 1;
        let body = json!({
            "number": format!("{}-{}", self.no, self.made), "amount": cny(amount), "description": "Dumplings",
        });
        let shop = self.merchant.client.clone();
        let answer = self.persist(address, &shop, "/v1/orders", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.body["order"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let order = Order {
            amount,
            closed: false,
            payer: None,
            refunded: 0,
        };
        assert!(
            self.noted.orders.insert(id.clone(), order).is_none(),
            "one order for two requests"
        );
        self.newest.push(id.clone());

        match self.random.random_range(0..10) {
            0 => {}
            1 => self.close(address, &id).await,
            _ => {
                self.pay(address, &id).await;
                while self.random.random_ratio(1, 3) {
                    self.refund(address, &id).await;
                }
            }
        }
    }

    async fn pay(&mut self, address: &mut Address, id: &str) {
        let wallet = self.some_wallet();
        let answer = self
            .persist(
                address,
                &wallet.client,
                &format!("/v1/orders/{id}/pay"),
                json!({}),
            )
            .await;
        match answer.status {
            200 => self.order(id).payer = Some(wallet.id),
            _ => assert_eq!(answer.body["code"], "insufficient_funds", "{answer:?}"),
        }
    }

    async fn close(&mut self, address: &mut Address, id: &str) {
        let shop = self.merchant.client.clone();
        let answer = self
            .persist(
                address,
                &shop,
                &format!("/v1/orders/{id}/close"),
                Value::Null,
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.order(id).closed = true;
    }

    async fn refund(&mut self, address: &mut Address, id: &str) {
        let order = self.order(id).clone();
        let amount = self.random.random_range(1..=order.amount);
        let body = json!({"number": format!("r-{}", Uuid::now_v7()), "amount": cny(amount), "reason": "cold"});
        let shop = self.merchant.client.clone();
        let answer = self
            .persist(address, &shop, &format!("/v1/orders/{id}/refunds"), body)
            .await;
        let left = order.amount - order.refunded;
        let code = answer.body["code"].as_str().unwrap_or_default();
        match answer.status {
            201 => self.order(id).refunded += amount,
            _ if order.payer.is_none() => assert_eq!(code, "order_not_paid", "{answer:?}"),
            _ if amount > left => assert_eq!(code, "refund_exceeds_paid", "{answer:?}"),
            _ => assert_eq!(code, "merchant_balance_too_low", "{answer:?}"),
        }
        assert!(
            answer.status != 201 || (order.payer.is_some() && amount <= left),
            "{answer:?}"
        );
    }

    fn order(&mut self, id: &str) -> &mut Order {
        self.noted.orders.get_mut(id).expect("an order of ours")
    }

    fn some_wallet(&mut self) -> Party {
        self.wallets[self.random.random_range(0..self.wallets.len())].clone()
    }

    /// Sends a POST under one key until there is an answer that tells.
    async fn persist(
        &mut self,
        address: &mut Address,
        client: &Client,
        target: &str,
        body: Value,
    ) -> Answer {
        let key = Uuid::now_v7().to_string();
        let body = (!body.is_null()).then_some(&body);
        for attempt in 0.. {
            let url = up(address).await;
            self.look_back(&url).await;
            let told = client.send(&url, "POST", target, body, Some(&key)).await;
            match told {
                // Not now, or nobody knows: ask again.
                Ok(answer) if matches!(answer.status, 503 | 504) => {}
                Ok(answer) => {
                    self.noted.acknowledged += 1;
                    self.noted.retried += usize::from(attempt > 0);
                    return answer;
                }
                // No answer, as it was killed meanwhile.
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        unreachable!("an attempt follows every attempt")
    }

    /// After a restart, what was told before it must be there.
    async fn look_back(&mut self, url: &str) {
        if self.at.as_deref() == Some(url) {
            return;
        }
        let from = self.newest.len().saturating_sub(LOOKED_AT);
        for id in &self.newest[from..] {
            let Ok(found) = self
                .operator
                .send(url, "GET", &format!("/v1/orders/{id}"), None, None)
                .await
            else {
                // Killed again.
                return;
            };
            if found.status == 503 {
                return;
            }
            let order = &self.noted.orders[id];
            let paid = !matches!(
                found.body["order"]["state"].as_str(),
                Some("open" | "closed")
            );
            let refunded = found.body["order"]["refunded"]["amount"].as_i64();
            assert_eq!(found.status, 200, "lost: {id} {found:?}");
            assert!(
                paid || order.payer.is_none(),
                "payment lost: {id} {found:?}"
            );
            assert!(
                refunded >= Some(order.refunded),
                "refund lost: {id} {found:?}"
            );
        }
        self.at = Some(url.to_owned());
    }
}

/// Waits until the gateway is up, and says where.
async fn up(address: &mut Address) -> String {
    let up = address
        .wait_for(Option::is_some)
        .await
        .expect("the test runs as long as its drivers");
    up.clone().expect("it is up")
}

fn cny(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}
