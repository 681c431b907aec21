//! Over HTTP, as a shop's till and a payer's phone do it: every request signed with its owner's key,
//! the code fetched as a PNG and read with a decoder.

mod chats;
mod tills;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use fx::{Currency, Money};

use gateway::sign::{Signer, ToSign};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Answer, Attempt, HouseLine, NewOrder, OrderId, Rail, Receipt, Trouble};
use crate::phone::{self, Phone};
use crate::receiver::Hooks;
use crate::world::{Person, Shop};

/// Longer than the gateway's own time limit, so that the answer is always the gateway's.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Somebody with a key.
#[derive(Debug)]
struct Party {
    id: String,
    signer: Signer,
    /// The phone that makes a person's payment codes, from the first on that a till asks for.
    phone: OnceCell<Mutex<Phone>>,
}

/// A request to the gateway, before it is signed.
struct Request {
    method: Method,
    path: String,
    query: Option<String>,
    body: Option<Value>,
    /// The idempotency key, for what has an effect.
    key: Option<String>,
}

impl Request {
    fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: None,
            body: None,
            key: None,
        }
    }

    fn post(path: impl Into<String>, key: String, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            query: None,
            body: Some(body),
            key: Some(key),
        }
    }

    /// Something with an effect that needs no words.
    fn act(path: String, key: String) -> Self {
        Self {
            method: Method::POST,
            path,
            query: None,
            body: None,
            key: Some(key),
        }
    }
}

#[derive(Debug)]
pub(crate) struct HttpRail {
    base: String,
    client: reqwest::Client,
    operator: Signer,
    shops: Vec<OnceLock<Party>>,
    people: Vec<OnceLock<Party>>,
    /// Where the shops hear of their orders.
    hooks: Arc<Hooks>,
    /// Makes nonces and one-off keys that no other run has used.
    run: u128,
    count: AtomicU64,
}

/// What became of a try that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    Paid,
    /// It waits for its payer or for an analyst.
    Waits,
}

impl HttpRail {
    pub(crate) fn new(
        base: String,
        operator: Signer,
        shops: usize,
        people: usize,
        hooks: Arc<Hooks>,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        let (shops, people) = (parties(shops), parties(people));
        let (run, count) = (SmallRng::from_os_rng().random(), AtomicU64::new(0));
        Ok(Self {
            base,
            client,
            operator,
            shops,
            people,
            hooks,
            run,
            count,
        })
    }

    /// A text that was never used before.
    fn fresh(&self) -> String {
        format!(
            "{:032x}-{}",
            self.run,
            self.count.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// Sends a signed request and returns the body of a good answer.
    async fn send(&self, signer: &Signer, request: Request) -> Answer<Vec<u8>> {
        let body = request
            .body
            .map(|body| body.to_string())
            .unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let to_sign = ToSign {
            method: request.method.as_str(),
            path: &request.path,
            query: request.query.as_deref(),
            body: body.as_bytes(),
            idempotency_key: request.key.as_deref(),
        };
        let signed = signer.sign(&to_sign, i64::try_from(now)?, &self.fresh())?;
        let query = request
            .query
            .map_or_else(String::new, |query| format!("?{query}"));
        let url = format!("{}{}{query}", self.base, request.path);
        let mut sending = self.client.request(request.method, url);
        for (name, value) in signed.iter() {
            sending = sending.header(name, value);
        }
        if !body.is_empty() {
            sending = sending
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = sending.send().await?;
        let (status, bytes) = (answer.status(), answer.bytes().await?);
        if status.is_success() {
            return Ok(bytes.into());
        }
        let problem: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} answered {status} without a problem", request.path))?;
        match problem["code"].as_str() {
            Some(code) if !status.is_server_error() => Err(Trouble::Refused {
                code: code.to_owned(),
            }),
            _ => Err(anyhow!("{} answered {status}: {problem}", request.path).into()),
        }
    }

    /// Asks for something as the operator.
    pub(crate) async fn operate(&self, path: &str, body: Value) -> Answer<Value> {
        self.act(&self.operator, path, body).await
    }

    /// Does something with somebody's key.
    pub(crate) async fn act(&self, signer: &Signer, path: &str, body: Value) -> Answer<Value> {
        self.json(signer, Request::post(path, self.fresh(), body))
            .await
    }

    /// Looks something up with somebody's key.
    pub(crate) async fn look(&self, signer: &Signer, path: &str, query: &str) -> Answer<Value> {
        let request = Request {
            query: Some(query.to_owned()),
            ..Request::get(path.to_owned())
        };
        self.json(signer, request).await
    }

    /// Pays from a device that the wallet's provider names.
    pub(crate) async fn try_to_pay(
        &self,
        person: usize,
        order: &OrderId,
        key: u128,
        device: &str,
    ) -> Answer<Tried> {
        let key = format!("{:032x}-{key:032x}", self.run);
        let path = format!("/v1/orders/{order}/pay");
        let request = Request::post(path, key, json!({ "device": device }));
        let tried = self.json(&self.person(person)?.signer, request).await?;
        let paid = text(&tried, "/order/state")? == "paid";
        Ok(if paid { Tried::Paid } else { Tried::Waits })
    }

    /// The wallets of those whose place is not below this one.
    pub(crate) fn wallets_from(&self, place: usize) -> impl Iterator<Item = &str> {
        let people = self.people.iter().skip(place);
        people.filter_map(|person| Some(person.get()?.id.as_str()))
    }

    async fn json(&self, signer: &Signer, request: Request) -> Answer<Value> {
        let bytes = self.send(signer, request).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Makes a key for somebody just opened.
    async fn party(&self, path: &str, id: &str) -> Answer<Party> {
        let request = Request::act(format!("{path}/{id}/keys"), self.fresh());
        let key = self.json(&self.operator, request).await?;
        let signer = Signer::new(text(&key, "/id")?, text(&key, "/secret")?.as_bytes());
        Ok(Party {
            id: id.to_owned(),
            signer,
            phone: OnceCell::new(),
        })
    }

    async fn hear_of_orders(&self, place: usize, shop: &Party) -> Answer<()> {
        let body = json!({ "url": self.hooks.url(place) });
        let request = Request::post("/v1/webhook-endpoints", self.fresh(), body);
        let endpoint = self.json(&shop.signer, request).await?;
        self.hooks.expect(place, &text(&endpoint, "/secret")?)?;
        Ok(())
    }

    fn shop(&self, place: usize) -> anyhow::Result<&Party> {
        self.shops
            .get(place)
            .and_then(OnceLock::get)
            .context("the shop is not open")
    }

    fn person(&self, place: usize) -> anyhow::Result<&Party> {
        self.people
            .get(place)
            .and_then(OnceLock::get)
            .context("the person has no wallet")
    }
}

fn parties(count: usize) -> Vec<OnceLock<Party>> {
    std::iter::repeat_with(OnceLock::new).take(count).collect()
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .map(ToOwned::to_owned)
        .with_context(|| format!("no text at {pointer} in {value}"))
}

fn number(value: &Value, pointer: &str) -> anyhow::Result<i64> {
    let found = value.pointer(pointer).and_then(Value::as_i64);
    found.with_context(|| format!("no number at {pointer} in {value}"))
}

fn money(amount: Money) -> Value {
    json!({ "amount": amount.amount, "currency": amount.currency.code() })
}

fn balance(balances: &Value, currency: Currency) -> anyhow::Result<i128> {
    let lines = balances.as_array().context("no balances")?;
    let line = lines
        .iter()
        .find(|line| line["currency"] == currency.code());
    number(line.context("no balance in this currency")?, "/amount").map(Into::into)
}

impl Rail for HttpRail {
    async fn open_shop(&self, place: usize, shop: &Shop) -> Answer<()> {
        let body = json!({
            "name": shop.name,
            "city": shop.city,
            "currencies": [shop.currency.code()],
            "fee_basis_points": shop.fee_basis_points,
        });
        let request = Request::post("/v1/merchants", self.fresh(), body);
        let opened = self.json(&self.operator, request).await?;
        let party = self
            .party("/v1/merchants", &text(&opened, "/merchant/id")?)
            .await?;
        self.hear_of_orders(place, &party).await?;
        self.shops[place]
            .set(party)
            .map_err(|_| anyhow!("the shop is open already"))?;
        Ok(())
    }

    async fn open_wallet(&self, place: usize, person: &Person) -> Answer<()> {
        let currencies: Vec<_> = person
            .savings
            .iter()
            .map(|amount| amount.currency.code().to_owned())
            .collect();
        let body = json!({ "holder": person.holder, "currencies": currencies });
        let request = Request::post("/v1/wallets", self.fresh(), body);
        let opened = self.json(&self.operator, request).await?;
        let party = self
            .party("/v1/wallets", &text(&opened, "/wallet/id")?)
            .await?;
        self.people[place]
            .set(party)
            .map_err(|_| anyhow!("the wallet is open already"))?;
        Ok(())
    }

    async fn top_up(&self, person: usize, amount: Money) -> Answer<()> {
        let path = format!("/v1/wallets/{}/top-ups", self.person(person)?.id);
        let body = json!({ "amount": money(amount), "reference": "savings" });
        self.send(&self.operator, Request::post(path, self.fresh(), body))
            .await?;
        Ok(())
    }

    async fn order(&self, shop: usize, order: NewOrder) -> Answer<OrderId> {
        let body = json!({
            "number": order.number,
            "amount": money(order.amount),
            "description": order.description,
            "expires_in_s": order.life_secs,
        });
        let request = Request::post("/v1/orders", self.fresh(), body);
        let created = self.json(&self.shop(shop)?.signer, request).await?;
        Ok(OrderId(text(&created, "/order/id")?))
    }

    async fn scan(&self, shop: usize, order: &OrderId) -> Answer<OrderId> {
        let request = Request::get(format!("/v1/orders/{order}/code.png"));
        let png = self.send(&self.shop(shop)?.signer, request).await?;
        Ok(tokio::task::spawn_blocking(move || phone::read(&png)).await??)
    }

    async fn pay(&self, attempt: Attempt<'_>) -> Answer<Receipt> {
        let payer = self.person(attempt.person)?;
        let key = format!("{:032x}-{:032x}", self.run, attempt.key);
        let path = format!("/v1/orders/{}/pay", attempt.order);
        let request = Request::act(path, key);
        let forger = Signer::new(payer.signer.key_id(), b"not the secret");
        let signer = if attempt.forged {
            &forger
        } else {
            &payer.signer
        };
        let paid = self.json(signer, request).await?;
        Ok(Receipt {
            transaction: text(&paid, "/order/payment/transaction")?,
            wallet_balance: number(&paid, "/wallet_balance/amount")?.into(),
        })
    }

    async fn close(&self, shop: usize, order: &OrderId) -> Answer<()> {
        let request = Request::act(format!("/v1/orders/{order}/close"), self.fresh());
        self.send(&self.shop(shop)?.signer, request).await?;
        Ok(())
    }

    async fn refund(
        &self,
        shop: usize,
        order: &OrderId,
        number: String,
        amount: Money,
    ) -> Answer<()> {
        let body = json!({
            "number": number,
            "amount": money(amount),
            "reason": "as agreed",
        });
        let path = format!("/v1/orders/{order}/refunds");
        let request = Request::post(path, self.fresh(), body);
        self.send(&self.shop(shop)?.signer, request).await?;
        Ok(())
    }

    async fn wait_secs(&self, secs: u64) {
        tokio::time::sleep(Duration::from_secs(secs)).await;
    }

    async fn state(&self, shop: usize, order: &OrderId) -> Answer<String> {
        let request = Request::get(format!("/v1/orders/{order}"));
        let found = self.json(&self.shop(shop)?.signer, request).await?;
        Ok(text(&found, "/order/state")?)
    }

    async fn wallet_balance(&self, person: usize, currency: Currency) -> Answer<i128> {
        let person = self.person(person)?;
        let request = Request::get(format!("/v1/wallets/{}", person.id));
        let found = self.json(&person.signer, request).await?;
        Ok(balance(&found["balances"], currency)?)
    }

    async fn shop_balance(&self, shop: usize, currency: Currency) -> Answer<i128> {
        let shop = self.shop(shop)?;
        let request = Request::get(format!("/v1/merchants/{}", shop.id));
        let found = self.json(&shop.signer, request).await?;
        Ok(balance(&found["balances"], currency)?)
    }

    async fn house(&self) -> Answer<BTreeMap<String, HouseLine>> {
        let request = Request::get("/v1/trial-balance".to_owned());
        let found = self.json(&self.operator, request).await?;
        let lines = found["lines"].as_array().context("no lines")?;
        let line = |line: &Value| -> anyhow::Result<(String, HouseLine)> {
            let held = HouseLine {
                difference: number(line, "/difference/amount")?.into(),
                bank: number(line, "/bank/amount")?.into(),
                fees: number(line, "/fees/amount")?.into(),
            };
            Ok((text(line, "/currency")?, held))
        };
        Ok(lines.iter().map(line).collect::<anyhow::Result<_>>()?)
    }
}
