//! Payment codes at a till, over HTTP: phones make codes without a network, tills scan them.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use gateway::payment_code::{PaymentCode, step_at};
use gateway::qr::emvco::consumer::of_payment_code;
use gateway::secret::Secret;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::house::{Answer, House, Party, Request, text};
use super::risk::hmac;
use crate::layering::workspace;

pub(super) fn unix_secs() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What the example in Python says for a device's file, at a moment or now.
pub(crate) fn payment_code_by_python(device: &str, unix_secs: Option<u64>) -> String {
    let run = std::process::Command::new("python3")
        .arg(workspace().join("docs/payment_code.py"))
        .arg(device)
        .args(unix_secs.map(|secs| secs.to_string()))
        .output()
        .expect("python3 runs; Debian has it in the package python3");
    let why = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{why}");
    String::from_utf8(run.stdout).unwrap()
}

/// A payer's phone: what it was told when it was added, and nothing else.
pub(super) struct Phone {
    id: String,
    pub(super) secret: String,
    pub(super) handle: u32,
    /// How many minutes its clock is ahead: its codes follow each other, and the test does not wait for a minute.
    ahead: Cell<i64>,
}

impl Phone {
    pub(super) async fn of(payer: &Party) -> Self {
        Self::add(payer, json!({"name": "phone"})).await
    }

    async fn add(payer: &Party, asked: Value) -> Self {
        let path = format!("/v1/wallets/{}/devices", payer.id);
        let added = payer.client.post(&path, &asked).await.created();
        Self {
            id: text(&added["id"]).to_owned(),
            secret: text(&added["secret"]).to_owned(),
            handle: text(&added["handle"]).parse().unwrap(),
            ahead: Cell::new(-1),
        }
    }

    /// The code of a minute from now.
    pub(super) fn code_in(&self, minutes: i64) -> String {
        let step = step_at(unix_secs()).checked_add_signed(minutes).unwrap();
        let secret = Secret::new(self.secret.as_bytes());
        PaymentCode::make(&secret, self.handle, step).to_string()
    }

    /// A code that was not shown before. There are three that a till takes at any moment.
    pub(super) fn code(&self) -> String {
        let ahead = self.ahead.replace(self.ahead.get() + 1);
        assert!(ahead <= 1, "the clock would be too far ahead");
        self.code_in(ahead)
    }

    /// What confirms a payment.
    pub(super) fn proof(&self, text_to_sign: &str) -> Value {
        json!({"device": self.id, "signature": hmac(&self.secret, text_to_sign)})
    }
}

pub(super) fn charge_of(number: &str, amount: i64, code: &str) -> Value {
    json!({
        "number": number,
        "amount": {"amount": amount, "currency": "CNY"},
        "description": "Dumplings, two baskets",
        "payment_code": code,
        "till": {"store": "Old Street", "terminal": "till 2", "cashier": "Li"},
    })
}

pub(super) async fn charge(shop: &Party, number: &str, amount: i64, code: &str) -> Answer {
    let asked = charge_of(number, amount, code);
    shop.client.post("/v1/charges", &asked).await
}

async fn reverse(shop: &Party, number: &str) -> Answer {
    let asked = json!({"number": number});
    shop.client.post("/v1/charges/reverse", &asked).await
}

async fn balance(of: &Party) -> i64 {
    let found = of.client.get(&format!("/v1/wallets/{}", of.id)).await.ok();
    found["balances"][0]["amount"].as_i64().unwrap()
}

/// What the payer's phone shows to be confirmed.
async fn asked_of(payer: &Party) -> Vec<Value> {
    let path = format!("/v1/wallets/{}/confirmations", payer.id);
    let list = payer.client.get(&path).await.ok();
    list["data"].as_array().unwrap().clone()
}

async fn confirm(payer: &Party, phone: &Phone, asked: &Value) -> Answer {
    let pending = &asked["pending"];
    let path = format!("/v1/decisions/{}/confirm", text(&pending["decision"]));
    let proof = phone.proof(text(&pending["text_to_sign"]));
    payer.client.post(&path, &proof).await
}

#[tokio::test]
async fn a_small_amount_is_paid_at_once_and_a_code_pays_once() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let phone = Phone::of(&payer).await;

    let code = phone.code();
    let charged = charge(&shop, "A-1", 1_250, &code).await.created();
    let order = &charged["order"];
    assert_eq!(order["state"], "paid");
    assert_eq!(order["till"]["terminal"], "till 2");
    assert!(
        order["payment"]["wallet"].is_null(),
        "the shop sees no wallet"
    );
    assert_eq!(balance(&payer).await, 8_750);

    // Whoever looked over the payer's shoulder has a used code.
    charge(&shop, "A-2", 1, &code)
        .await
        .refused("payment_code_used");
    // The number of the first is taken, the one of the refused is not.
    let next = phone.code();
    charge(&shop, "A-1", 1, &next)
        .await
        .refused("order_number_used");
    let shown = of_payment_code(&next).unwrap();
    charge(&shop, "A-2", 100, &shown).await.created();
    assert_eq!(balance(&payer).await, 8_650);

    // An older code that was shown before is worth nothing once a newer one was used.
    let older = phone.code_in(-1);
    charge(&shop, "A-3", 1, &older)
        .await
        .refused("payment_code_used");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn too_little_money_uses_no_code_up() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000).await;
    let code = Phone::of(&payer).await.code();
    charge(&shop, "A-1", 1_001, &code)
        .await
        .refused("insufficient_funds");
    charge(&shop, "A-1", 1_000, &code).await.created();
    house.stop().await;
}

#[tokio::test]
async fn above_the_limit_the_payer_confirms_and_nothing_moves_before() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 200_000).await;
    let phone = Phone::of(&payer).await;

    charge(&shop, "A-1", 50_000, &phone.code()).await.created();
    let waits = charge(&shop, "A-2", 50_001, &phone.code()).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED);
    let order = waits.json()["order"].clone();
    assert_eq!(order["state"], "awaiting_payer");
    assert_eq!(balance(&payer).await, 150_000);

    // It is nobody else's to pay.
    let pay = format!("/v1/orders/{}/pay", text(&order["id"]));
    let other = house.wallet(&["CNY"], 100_000).await;
    for anybody in [&payer, &other] {
        let refused = anybody.client.post_empty(&pay).await;
        refused.refused("order_awaiting_payer");
    }
    let path = format!("/v1/wallets/{}/confirmations", payer.id);
    other.client.get(&path).await.refused("wallet_not_found");

    let asked = asked_of(&payer).await;
    let [one] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(one["order"], order["id"]);
    assert_eq!(one["merchant_name"], "Old Street Dumplings");
    assert_eq!(one["amount"]["amount"], 50_001);
    let paid = confirm(&payer, &phone, one).await.ok();
    assert_eq!(paid["order"]["state"], "paid");
    assert_eq!(balance(&payer).await, 99_999);
    assert!(asked_of(&payer).await.is_empty());
    let of_number = format!("/v1/orders?number=A-2&at_least={}", text(&paid["sequence"]));
    let found = shop.client.get(&of_number).await.ok();
    assert_eq!(found["data"][0]["state"], "paid");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn what_the_payer_does_not_want_is_closed_and_never_open() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 200_000).await;
    let phone = Phone::of(&payer).await;
    for number in ["A-1", "A-2"] {
        let waits = charge(&shop, number, 60_000, &phone.code()).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED);
    }
    let asked = asked_of(&payer).await;
    // The till gives up on the first; the second is taken from the thief by three wrong proofs.
    let id = text(&asked[0]["order"]);
    let close = format!("/v1/orders/{id}/close");
    let closed = shop.client.post_empty(&close).await.ok();
    assert_eq!(closed["order"]["state"], "closed");
    confirm(&payer, &phone, &asked[0])
        .await
        .refused("decision_not_pending");
    let decision = text(&asked[1]["pending"]["decision"]);
    let path = format!("/v1/decisions/{decision}/confirm");
    for _ in 0..3 {
        let wrong = phone.proof("something else");
        payer
            .client
            .post(&path, &wrong)
            .await
            .refused("proof_wrong");
    }
    let order = format!("/v1/orders/{}", text(&asked[1]["order"]));
    let found = shop.client.get(&order).await.ok();
    assert_eq!(found["order"]["state"], "closed");
    assert_eq!(balance(&payer).await, 200_000);
    house.stop().await;
}

#[tokio::test]
async fn old_and_guessed_codes_are_refused_and_a_till_that_guesses_must_wait() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let phone = Phone::of(&payer).await;
    for minutes in [-3, -10] {
        let old = phone.code_in(minutes);
        charge(&shop, "A-1", 1, &old)
            .await
            .refused("payment_code_old");
    }
    // Somebody knows the handle and tries numbers; what is no code at all counts as well.
    let good = phone.code_in(0);
    let wrong = |last: char| {
        let mut wrong = good.clone();
        let digit = wrong.pop().unwrap().to_digit(10).unwrap() + last.to_digit(10).unwrap();
        wrong.push(char::from_digit(digit % 10, 10).unwrap());
        wrong
    };
    let key = Uuid::now_v7().to_string();
    let first = || Request::post("/v1/charges", &charge_of("A-1", 1, &wrong('1'))).key(&key);
    for _ in 0..3 {
        // The same request again is the same guess.
        let again = shop.client.send(first()).await;
        again.refused("payment_code_invalid");
    }
    for guess in [
        wrong('2'),
        wrong('3'),
        "749999999912345678".to_owned(),
        "a shopping list".to_owned(),
    ] {
        charge(&shop, "A-1", 1, &guess)
            .await
            .refused("payment_code_invalid");
    }
    // Now even the right one does not help this till, but the one beside it.
    charge(&shop, "A-1", 1, &good).await.refused("till_blocked");
    let mut beside = charge_of("A-1", 1, &good);
    beside["till"]["terminal"] = json!("till 3");
    shop.client.post("/v1/charges", &beside).await.created();
    // Who names a new till for each guess is known by the merchant's count.
    let mut guesses = 5;
    loop {
        let mut asked = charge_of("A-2", 1, &wrong('4'));
        asked["till"]["terminal"] = json!(format!("till {guesses} of many"));
        let answer = shop.client.post("/v1/charges", &asked).await;
        let code = text(&answer.json()["code"]).to_owned();
        if code == "till_blocked" {
            break;
        }
        assert_eq!(code, "payment_code_invalid");
        guesses += 1;
        assert!(guesses <= 100);
    }
    assert_eq!(guesses, 100);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_removed_phone_makes_no_codes_any_more() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let lost = Phone::of(&payer).await;
    let proof = lost.proof(&format!("{}\n1\nadd_device new phone", payer.id));
    let kept = Phone::add(&payer, json!({"name": "new phone", "proof": proof})).await;
    let remove = format!("/v1/wallets/{}/devices/remove", payer.id);
    let proof = kept.proof(&format!("{}\n2\nremove_device {}", payer.id, lost.id));
    let asked = json!({"device": lost.id, "proof": proof});
    payer.client.post(&remove, &asked).await.ok();
    charge(&shop, "A-1", 1, &lost.code())
        .await
        .refused("payment_code_invalid");
    charge(&shop, "A-1", 1, &kept.code()).await.created();
    house.stop().await;
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_taken_back_as_often_as_asked() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let phone = Phone::of(&payer).await;

    // The answer is lost on its way; the till repeats it with its key and hears it.
    let key = Uuid::now_v7().to_string();
    let asked =
        || Request::post("/v1/charges", &charge_of("A-1", 1_250, &phone.code_in(0))).key(&key);
    let first = shop.client.send(asked()).await.created();
    let again = shop.client.send(asked()).await.created();
    assert_eq!(first, again);
    assert_eq!(balance(&payer).await, 8_750);

    // Or it gives up, and takes back whatever it was, more than once.
    for _ in 0..3 {
        let back = reverse(&shop, "A-1").await.ok();
        assert_eq!(back["order"]["state"], "reversed");
        assert_eq!(back["order"]["id"], first["order"]["id"]);
        assert_eq!(balance(&payer).await, 10_000);
    }
    let other = house.merchant(&["CNY"]).await;
    let refund =
        json!({"number": "R-1", "amount": {"amount": 1, "currency": "CNY"}, "reason": "cold"});
    let path = format!("/v1/orders/{}/refunds", text(&first["order"]["id"]));
    shop.client
        .post(&path, &refund)
        .await
        .refused("order_reversed");

    // Another merchant's number is another number: nothing arrived under it, and nothing will.
    let none = reverse(&other, "A-1").await.ok();
    assert!(none["order"].is_null());
    assert!(reverse(&other, "A-1").await.ok()["order"].is_null());
    charge(&other, "A-1", 1, &phone.code_in(1))
        .await
        .refused("order_number_used");

    // In the statement both stand, and the numbers say why.
    house.views_catch_up().await;
    let path = format!("/v1/wallets/{}/transactions", payer.id);
    let statement = payer.client.get(&path).await.ok();
    let kinds: Vec<&str> = statement["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| text(&line["kind"]))
        .collect();
    assert_eq!(kinds, ["reversal", "payment", "top_up"]);
    let path = format!(
        "/v1/transactions/{}",
        text(&statement["data"][0]["transaction"])
    );
    let explained = shop.client.get(&path).await.ok();
    let told: Vec<&str> = explained["transaction"]["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| text(&posting["text"]))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("all of its fee"), "{told:?}");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn only_a_charge_that_was_not_refunded_can_be_taken_back() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 200_000).await;
    let phone = Phone::of(&payer).await;
    let created = super::payment::order(&shop, "N-1", 100).await;
    reverse(&shop, "N-1").await.refused("not_a_charge");
    let pay = format!("/v1/orders/{created}/pay");
    payer.client.post_empty(&pay).await.ok();
    reverse(&shop, "N-1").await.refused("not_a_charge");

    let charged = charge(&shop, "A-1", 1_000, &phone.code()).await.created();
    let refunds = format!("/v1/orders/{}/refunds", text(&charged["order"]["id"]));
    let refund =
        json!({"number": "R-1", "amount": {"amount": 1, "currency": "CNY"}, "reason": "cold"});
    shop.client.post(&refunds, &refund).await.created();
    reverse(&shop, "A-1").await.refused("order_refunded");

    // A charge that waits for its payer is withdrawn, and the payer who confirms too late moves nothing.
    charge(&shop, "A-2", 60_000, &phone.code()).await;
    let asked = asked_of(&payer).await;
    let back = reverse(&shop, "A-2").await.ok();
    assert_eq!(back["order"]["state"], "reversed");
    confirm(&payer, &phone, &asked[0])
        .await
        .refused("decision_not_pending");
    assert_eq!(balance(&payer).await, 200_000 - 100 - 1_000 + 1);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn of_two_tills_with_the_same_code_one_is_paid() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let code = Phone::of(&payer).await.code();
    let mut asking = tokio::task::JoinSet::new();
    for till in 0..8 {
        let (client, code) = (shop.client.clone(), code.clone());
        asking.spawn(async move {
            let asked = charge_of(&format!("A-{till}"), 100, &code);
            client.post("/v1/charges", &asked).await
        });
    }
    let mut paid = 0;
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        if answer.status == StatusCode::CREATED {
            paid += 1;
        } else {
            answer.refused("payment_code_used");
        }
    }
    assert_eq!(paid, 1);
    assert_eq!(balance(&payer).await, 9_900);
    house.stop().await;
}

#[tokio::test]
async fn what_happened_at_tills_is_known_after_a_restart() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 200_000).await;
    let phone = Phone::of(&payer).await;
    let used = phone.code();
    charge(&shop, "A-1", 100, &used).await.created();
    charge(&shop, "A-2", 60_000, &phone.code()).await;
    for _ in 0..5 {
        charge(&shop, "A-3", 1, "no code")
            .await
            .refused("payment_code_invalid");
    }
    let house = house.restart().await;
    let (shop, payer) = (shop.at(&house), payer.at(&house));
    charge(&shop, "A-3", 1, &used).await.refused("till_blocked");
    let mut beside = charge_of("A-3", 1, &used);
    beside["till"]["terminal"] = json!("till 3");
    let answer = shop.client.post("/v1/charges", &beside).await;
    answer.refused("payment_code_used");
    let asked = asked_of(&payer).await;
    confirm(&payer, &phone, &asked[0]).await.ok();
    let back = reverse(&shop, "A-1").await.ok();
    assert_eq!(back["order"]["state"], "reversed");
    assert_eq!(balance(&payer).await, 140_000);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_charge_is_scored_with_the_phone_and_the_till() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let phone = Phone::of(&payer).await;
    for _ in 0..2 {
        let number = Uuid::now_v7().simple().to_string();
        charge(&shop, &number, 100, &phone.code()).await.created();
    }
    house.views_catch_up().await;
    let attempts = house.analyst().await.get("/v1/labels.csv").await;
    let attempts = String::from_utf8(attempts.bytes).unwrap();
    let phones: Vec<&str> = attempts
        .lines()
        .filter(|line| line.contains(",charge,payment_code,settled"))
        .map(|line| line.split(',').nth(5).unwrap())
        .collect();
    assert!(
        matches!(phones[..], [one, other] if one == other && !one.is_empty()),
        "{attempts}"
    );
    house.stop().await;
}

#[tokio::test]
async fn a_program_that_is_not_ours_makes_the_codes_of_a_device() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let path = format!("/v1/wallets/{}/devices", payer.id);
    let added = payer.client.post(&path, &json!({"name": "phone"})).await;
    let file = house.data().join("phone.json");
    std::fs::write(&file, added.created().to_string()).unwrap();
    let code = payment_code_by_python(file.to_str().unwrap(), None);
    charge(&shop, "A-1", 100, code.trim()).await.created();
    let next = payment_code_by_python(file.to_str().unwrap(), Some(unix_secs() + 60));
    charge(&shop, "A-2", 100, next.trim()).await.created();
    let old = payment_code_by_python(file.to_str().unwrap(), Some(unix_secs() - 180));
    charge(&shop, "A-3", 100, old.trim())
        .await
        .refused("payment_code_old");
    house.stop().await;
}

#[tokio::test]
async fn what_is_large_is_weighed_in_every_currency() {
    let house = House::start().await;
    let shop = house.merchant(&["JPY", "USD"]).await;
    let payer = house.wallet(&["JPY", "USD"], 100_000).await;
    let top_up =
        json!({"amount": {"amount": 100_000, "currency": "USD"}, "reference": "bank transfer 2"});
    let path = format!("/v1/wallets/{}/top-ups", payer.id);
    house.operator.post(&path, &top_up).await.created();
    let phone = Phone::of(&payer).await;
    // 5,000 yen and 50 dollars are less than 500 yuan, 100 dollars are more.
    for (number, currency, amount, status) in [
        ("A-1", "JPY", 5_000, StatusCode::CREATED),
        ("A-2", "USD", 5_000, StatusCode::CREATED),
        ("A-3", "USD", 10_000, StatusCode::ACCEPTED),
    ] {
        let mut asked = charge_of(number, amount, &phone.code());
        asked["amount"]["currency"] = json!(currency);
        let answer = shop.client.post("/v1/charges", &asked).await;
        assert_eq!(answer.status, status, "{currency} {amount}");
    }
    house.stop().await;
}
