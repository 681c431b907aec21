//! Who takes part: merchants with keys, and wallets with keys and money, all opened over HTTP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::client::{Connection, Post};
use super::{Load, LoadError};
use crate::sign::{Signer, SigningKey};

/// More than any wallet here spends, and far from where adding would overflow.
const PURSE: i64 = 1_000_000_000_000;
/// Merchants and wallets are opened by so many at once.
const OPENERS: u16 = 32;

pub(super) struct Parties {
    pub(super) merchants: Vec<Merchant>,
    pub(super) wallets: Vec<Signer>,
    /// The same keys, as a server knows them.
    pub(super) keys: HashMap<String, SigningKey>,
}

#[derive(Clone)]
pub(super) struct Merchant {
    pub(super) id: String,
    pub(super) signer: Signer,
}

struct Opened {
    number: u32,
    id: String,
    key: Key,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    secret: String,
}

impl Key {
    fn signer(&self) -> Signer {
        Signer::new(self.id.as_str(), self.secret.as_bytes())
    }
}

impl Parties {
    pub(super) async fn open(
        operator: Signer,
        address: SocketAddr,
        load: &Load,
    ) -> Result<Self, LoadError> {
        let (merchants, wallets) = (load.merchants, load.wallets);
        let next = Arc::new(AtomicU32::new(0));
        let mut openers = JoinSet::new();
        for opener in 0..OPENERS {
            let connection = Connection::open(address, format!("open{opener}")).await?;
            let opener = Opener {
                connection,
                operator: operator.clone(),
            };
            openers.spawn(opener.open_all(merchants, merchants + wallets, next.clone()));
        }
        let mut all = Vec::new();
        while let Some(opened) = openers.join_next().await {
            all.extend(opened??);
        }
        all.sort_unstable_by_key(|opened| opened.number);
        let signing = |opened: &Opened| {
            let secret = opened.key.secret.as_bytes();
            (opened.key.id.clone(), SigningKey::new(secret))
        };
        let keys = all.iter().map(signing).collect();
        let wallets = all.split_off(usize::try_from(merchants).unwrap_or(usize::MAX));
        let merchants = all.into_iter().map(|opened| Merchant {
            signer: opened.key.signer(),
            id: opened.id,
        });
        Ok(Self {
            merchants: merchants.collect(),
            wallets: wallets.iter().map(|opened| opened.key.signer()).collect(),
            keys,
        })
    }
}

struct Opener {
    connection: Connection,
    operator: Signer,
}

impl Opener {
    /// Opens the next party as long as there is one: the merchants first, then the wallets.
    async fn open_all(
        mut self,
        merchants: u32,
        all: u32,
        next: Arc<AtomicU32>,
    ) -> Result<Vec<Opened>, LoadError> {
        let mut opened = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= all {
                return Ok(opened);
            }
            opened.push(if number < merchants {
                self.merchant(number).await?
            } else {
                self.wallet(number).await?
            });
        }
    }

    async fn merchant(&mut self, number: u32) -> Result<Opened, LoadError> {
        let asked = json!({
            "name": format!("Shop {number}"), "city": "Hangzhou", "country": "CN", "category": "5812",
            "currencies": ["CNY"], "fee_basis_points": 60,
        });
        let shown = self.post("/v1/merchants", Some(asked)).await?;
        let id = text(&shown["merchant"]["id"]);
        let key = self.key(&format!("/v1/merchants/{id}/keys")).await?;
        Ok(Opened { number, id, key })
    }

    async fn wallet(&mut self, number: u32) -> Result<Opened, LoadError> {
        let asked = json!({"holder": format!("customer-{number}"), "currencies": ["CNY"]});
        let shown = self.post("/v1/wallets", Some(asked)).await?;
        let id = text(&shown["wallet"]["id"]);
        let money =
            json!({"amount": {"amount": PURSE, "currency": "CNY"}, "reference": "for the load"});
        self.post(&format!("/v1/wallets/{id}/top-ups"), Some(money))
            .await?;
        let key = self.key(&format!("/v1/wallets/{id}/keys")).await?;
        Ok(Opened { number, id, key })
    }

    async fn key(&mut self, path: &str) -> Result<Key, LoadError> {
        let shown = self.post(path, None).await?;
        serde_json::from_value(shown).map_err(|error| LoadError::Wrong(error.to_string()))
    }

    async fn post(&mut self, path: &str, body: Option<Value>) -> Result<Value, LoadError> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let post = Post {
            path,
            body: &body,
            idempotency_key: &Uuid::now_v7().to_string(),
        };
        self.connection.ask(&self.operator, post, 201).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
