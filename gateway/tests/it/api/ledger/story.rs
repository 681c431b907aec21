//! What a tenant does with its book, told as stories.

use serde_json::{Value, json};
use uuid::Uuid;

use super::tenant::{Tenant, posting};
use crate::api::house::{House, Request, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_posts_and_is_told_the_balances() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let posted = tea.pay("assets:bank", "customers:alice", 10_000).await;
    let balances = posted["balances"].as_array().unwrap();
    assert_eq!(balances[0]["account"], "assets:bank");
    assert_eq!(balances[1]["account"], "customers:alice");
    assert_eq!(
        balances[1]["balance"],
        json!({"amount": 10_000, "currency": "CNY"})
    );

    let too_much = json!({"postings": [posting("customers:alice", "customers:bob", 10_001)]});
    let refused = tea.client.post("/v1/ledger/transactions", &too_much).await;
    let problem = refused.refused("below_minimum");
    assert_eq!(problem["errors"][0]["pointer"], "/postings/0");
    assert!(
        text(&problem["detail"]).contains("customers:alice"),
        "{problem}"
    );

    let what_is_there = json!({
        "amounts": "at_most",
        "postings": [posting("customers:alice", "customers:bob", 99_999)],
    });
    let moved = tea
        .client
        .post("/v1/ledger/transactions", &what_is_there)
        .await
        .created();
    assert_eq!(moved["amounts"], json!([10_000]));
    assert_eq!(tea.balance("customers:bob").await, 10_000);
    house.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_a_posting_are_named_where_they_are() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    for (debit, credit, amount, code) in [
        (
            "assets:bank",
            "nobody",
            json!({"amount": 1, "currency": "CNY"}),
            "account_not_found",
        ),
        (
            "assets:bank",
            "no body",
            json!({"amount": 1, "currency": "CNY"}),
            "field_invalid",
        ),
        (
            "assets:bank",
            "assets:bank",
            json!({"amount": 1, "currency": "CNY"}),
            "same_account",
        ),
        (
            "assets:bank",
            "customers:bob",
            json!({"amount": 1, "currency": "JPY"}),
            "currency_mismatch",
        ),
        (
            "assets:bank",
            "customers:bob",
            json!({"amount": 0, "currency": "CNY"}),
            "amount_invalid",
        ),
        (
            "assets:bank",
            "customers:bob",
            json!({"amount": 1, "currency": "XXQ"}),
            "unknown_currency",
        ),
    ] {
        let asked = json!({"postings": [{"debit": debit, "credit": credit, "amount": amount}]});
        let answer = tea.client.post("/v1/ledger/transactions", &asked).await;
        answer.refused(code);
    }
    let nothing = json!({"postings": []});
    tea.client
        .post("/v1/ledger/transactions", &nothing)
        .await
        .refused("postings_missing");
    let long = json!({"reference": "r".repeat(281), "postings": [posting("assets:bank", "customers:bob", 1)]});
    tea.client
        .post("/v1/ledger/transactions", &long)
        .await
        .refused("reference_too_long");
    let future = json!({"effective_at": "2200-01-01T00:00:00Z", "postings": [posting("assets:bank", "customers:bob", 1)]});
    tea.client
        .post("/v1/ledger/transactions", &future)
        .await
        .refused("effective_in_future");
    assert_eq!(tea.balance("assets:bank").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_used_once_whatever_the_request_that_carries_it() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let id = format!("txn_{}", Uuid::now_v7().simple());
    let asked =
        |amount| json!({"id": id, "postings": [posting("assets:bank", "customers:bob", amount)]});
    let first = tea
        .client
        .post("/v1/ledger/transactions", &asked(5))
        .await
        .created();
    assert_eq!(first["id"], id);
    let again = tea.client.post("/v1/ledger/transactions", &asked(5)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.created(), first);
    tea.client
        .post("/v1/ledger/transactions", &asked(6))
        .await
        .refused("transaction_id_reused");
    assert_eq!(tea.balance("customers:bob").await, 5);

    // Without an id of one's own the request's key does it, and gives the same id again.
    let retried = || {
        Request::post(
            "/v1/ledger/transactions",
            &json!({
                "postings": [posting("assets:bank", "customers:bob", 7)]
            }),
        )
    };
    let one = tea.client.send(retried().key("a-key")).await.created();
    let two = tea.client.send(retried().key("a-key")).await.created();
    assert_eq!(one, two);
    assert_eq!(tea.balance("customers:bob").await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_and_does_nothing() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let asked = json!({"postings": [posting("assets:bank", "customers:bob", 5)]});
    let path = "/v1/ledger/transactions?dry_run=true";
    let dry = tea
        .client
        .send(Request::post(path, &asked).key("k"))
        .await
        .created();
    assert_eq!(dry["balances"][1]["balance"]["amount"], 5);
    assert_eq!(tea.balance("customers:bob").await, 0);
    let refused = json!({"postings": [posting("customers:bob", "assets:bank", 5)]});
    tea.client
        .post(path, &refused)
        .await
        .refused("below_minimum");
    // The key was not used up, neither by the dry run nor by its refusal.
    tea.client
        .send(Request::post(path, &refused).key("k"))
        .await
        .refused("below_minimum");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_in_parts_and_the_rest_released() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    tea.pay("assets:bank", "customers:alice", 1_000).await;
    let asked = json!({
        "reference": "table 7",
        "metadata": {"table": "7"},
        "postings": [posting("customers:alice", "customers:bob", 600), posting("customers:alice", "income:fees", 100)],
    });
    let held = tea.client.post("/v1/ledger/holds", &asked).await.created();
    let path = format!("/v1/ledger/holds/{}", text(&held["id"]));
    let alice = tea.account("customers:alice").await;
    assert_eq!(alice["held_out"]["amount"], 700);
    assert_eq!(alice["available"]["amount"], 300);
    let over = json!({"postings": [posting("customers:alice", "customers:bob", 301)]});
    tea.client
        .post("/v1/ledger/transactions", &over)
        .await
        .refused("below_minimum");

    let too_much = json!({"amounts": [601, 0]});
    tea.client
        .post(&format!("{path}/capture"), &too_much)
        .await
        .refused("amount_exceeds_rest");
    let too_few = json!({"amounts": [1]});
    tea.client
        .post(&format!("{path}/capture"), &too_few)
        .await
        .refused("amounts_mismatch");
    let part = json!({"amounts": [250, 100], "reference": "starters"});
    let captured = tea
        .client
        .post(&format!("{path}/capture"), &part)
        .await
        .created();
    tea.client
        .post(&format!("{path}/capture"), &json!({"amounts": [50, 0]}))
        .await
        .created();
    let released = tea.client.post_empty(&format!("{path}/release")).await.ok();
    assert_eq!(released["amounts"], json!([300, 0]));
    tea.client
        .post_empty(&format!("{path}/release"))
        .await
        .refused("hold_released");
    assert_eq!(tea.balance("customers:alice").await, 600);

    let at = text(&released["sequence"]);
    let found = tea.client.get(&format!("{path}?at_least={at}")).await.ok();
    let hold = &found["hold"];
    assert_eq!(hold["state"], "released");
    assert_eq!(hold["metadata"], json!({"table": "7"}));
    assert_eq!(hold["remaining"], json!([0, 0]));
    assert_eq!(hold["postings"][0]["amount"]["amount"], 600);
    assert_eq!(hold["captures"].as_array().unwrap().len(), 2);
    assert_eq!(hold["captures"][0], captured["id"]);
    let of_alice = tea
        .client
        .get("/v1/ledger/holds?account=customers:alice&state=released")
        .await
        .ok();
    assert_eq!(of_alice["data"], json!([hold]));
    let none = tea
        .client
        .get("/v1/ledger/holds?account=customers:alice&state=open")
        .await
        .ok();
    assert_eq!(none["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_expires_by_itself() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    tea.pay("assets:bank", "customers:alice", 1_000).await;
    let asked =
        json!({"expires_in_s": 1, "postings": [posting("customers:alice", "customers:bob", 600)]});
    let held = tea.client.post("/v1/ledger/holds", &asked).await.created();
    assert_eq!(held["balances"][0]["held_out"]["amount"], 600);
    let path = format!("/v1/ledger/holds/{}", text(&held["id"]));
    while tea.account("customers:alice").await["held_out"]["amount"] != 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tea.client
        .post_empty(&format!("{path}/capture"))
        .await
        .refused("hold_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_posted_is_reversed_at_most_once() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let posted = tea.pay("assets:bank", "customers:alice", 1_000).await;
    let path = format!("/v1/ledger/transactions/{}", text(&posted["id"]));
    let part = tea
        .client
        .post(&format!("{path}/reverse"), &json!({"amounts": [400]}))
        .await
        .created();
    let rest = tea
        .client
        .post_empty(&format!("{path}/reverse"))
        .await
        .created();
    assert_eq!(rest["amounts"], json!([600]));
    tea.client
        .post_empty(&format!("{path}/reverse"))
        .await
        .refused("nothing_to_move");
    let missing = format!(
        "/v1/ledger/transactions/txn_{}/reverse",
        Uuid::now_v7().simple()
    );
    tea.client
        .post_empty(&missing)
        .await
        .refused("transaction_not_found");
    assert_eq!(tea.balance("customers:alice").await, 0);
    let at = text(&rest["sequence"]);
    let found = tea.client.get(&format!("{path}?at_least={at}")).await.ok();
    assert_eq!(found["transaction"]["reversed"], json!([1_000]));
    assert_eq!(
        found["transaction"]["reversed_by"],
        json!([part["id"], rest["id"]])
    );
    let reversal = format!("/v1/ledger/transactions/{}", text(&part["id"]));
    let reversal = tea.client.get(&reversal).await.ok();
    assert_eq!(reversal["transaction"]["reverses"], posted["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_states_and_velocity_change_while_it_runs() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let alice = "/v1/ledger/accounts/customers:alice";
    let pay = |amount| json!({"postings": [posting("assets:bank", "customers:alice", amount)]});
    let changed = tea
        .client
        .post(alice, &json!({"limits": {"minimum": 0, "maximum": 500}}))
        .await
        .ok();
    assert_eq!(
        changed["account"]["limits"],
        json!({"minimum": 0, "maximum": 500})
    );
    tea.client
        .post("/v1/ledger/transactions", &pay(501))
        .await
        .refused("above_maximum");
    tea.client
        .post(alice, &json!({"limits": {"minimum": 1, "maximum": 0}}))
        .await
        .refused("limits_invalid");

    let velocity = json!({"velocity": [{"direction": "in", "window": "day", "count_max": 2}]});
    tea.client.post(alice, &velocity).await.ok();
    tea.pay("assets:bank", "customers:alice", 1).await;
    tea.pay("assets:bank", "customers:alice", 1).await;
    tea.client
        .post("/v1/ledger/transactions", &pay(1))
        .await
        .refused("velocity_count_exceeded");

    let bob = "/v1/ledger/accounts/customers:bob";
    let class = json!({"velocity": [{"direction": "both", "window": "month", "amount_max": 10}]});
    tea.client.post("/v1/ledger/classes/3", &class).await.ok();
    tea.client
        .post(
            bob,
            &json!({"class": 3, "description": {"kind": 7, "reference": "IBAN 1"}}),
        )
        .await
        .ok();
    let to_bob = |amount| json!({"postings": [posting("assets:bank", "customers:bob", amount)]});
    tea.client
        .post("/v1/ledger/transactions", &to_bob(11))
        .await
        .refused("velocity_amount_exceeded");
    let found = tea.client.get(bob).await.ok();
    assert_eq!(found["account"]["class"], 3);
    assert_eq!(found["velocity"][0]["amount_max"], 10);
    assert_eq!(found["description"]["reference"], "IBAN 1");

    tea.client
        .post(bob, &json!({"state": "frozen_in"}))
        .await
        .ok();
    tea.client
        .post("/v1/ledger/transactions", &to_bob(1))
        .await
        .refused("account_frozen");
    tea.client
        .post(alice, &json!({"state": "closed"}))
        .await
        .refused("balance_not_zero");
    tea.client.post(bob, &json!({"state": "closed"})).await.ok();
    tea.client
        .post(bob, &json!({"state": "open"}))
        .await
        .refused("account_closed");
    let reopen = format!("/v1/books/{}/reopened-accounts", tea.id);
    tea.client
        .post(&reopen, &json!({"account": "customers:bob"}))
        .await
        .refused("forbidden_role");
    let reopened = house
        .operator
        .post(&reopen, &json!({"account": "customers:bob"}))
        .await
        .ok();
    assert_eq!(reopened["account"]["state"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_do_not_meet() {
    let house = House::start().await;
    let (tea, ink) = (Tenant::open(&house).await, Tenant::open(&house).await);
    let posted = tea.pay("assets:bank", "customers:alice", 1_000).await;
    assert_eq!(ink.balance("customers:alice").await, 0);
    let path = format!("/v1/ledger/transactions/{}", text(&posted["id"]));
    let at = text(&posted["sequence"]);
    tea.client.get(&format!("{path}?at_least={at}")).await.ok();
    ink.client.get(&path).await.refused("transaction_not_found");
    ink.client
        .post_empty(&format!("{path}/reverse"))
        .await
        .refused("transaction_not_found");
    let key = format!("/v1/books/{}/keys", tea.id);
    ink.client.post_empty(&key).await.refused("forbidden_role");
    tea.client.post_empty(&key).await.created();
    tea.client
        .get("/v1/trial-balance")
        .await
        .refused("forbidden_role");
    house
        .operator
        .get("/v1/ledger/tree")
        .await
        .refused("forbidden_role");
    assert_eq!(
        tea.client.get("/v1/ledger/book").await.ok()["book"]["id"],
        tea.id
    );
    let books = house.operator.get("/v1/books").await.ok();
    assert_eq!(books["data"].as_array().unwrap().len(), 2);
    // The same id means something else in another book.
    let id = format!("txn_{}", Uuid::now_v7().simple());
    let asked = json!({"id": id, "postings": [posting("assets:bank", "customers:bob", 1)]});
    tea.client
        .post("/v1/ledger/transactions", &asked)
        .await
        .created();
    ink.client
        .post("/v1/ledger/transactions", &asked)
        .await
        .created();
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_opened_all_or_none_and_again_without_effect() {
    let house = House::start().await;
    let tea = Tenant::empty(&house).await;
    let account = |name: &str, kind: &str| json!({"name": name, "kind": kind, "currency": "CNY"});
    let open = |accounts: Vec<Value>| json!({"accounts": accounts});
    let path = "/v1/ledger/accounts";
    tea.client
        .post(
            path,
            &open(vec![account("a", "asset"), account("b:c", "income")]),
        )
        .await
        .created();
    let again = tea
        .client
        .post(path, &open(vec![account("a", "asset")]))
        .await
        .created();
    let at = text(&again["sequence"]);
    let other = tea
        .client
        .post(
            path,
            &open(vec![account("d", "asset"), account("a", "income")]),
        )
        .await;
    let problem = other.refused("account_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/accounts/1");
    tea.client
        .get("/v1/ledger/accounts/d")
        .await
        .refused("account_not_found");
    tea.client
        .post(path, &open(vec![account("b::c", "asset")]))
        .await
        .refused("field_invalid");
    let listed = tea
        .client
        .get(&format!("{path}?limit=1&at_least={at}"))
        .await
        .ok();
    assert_eq!(listed["data"][0]["name"], "a");
    let next = tea
        .client
        .get("/v1/ledger/accounts?limit=1&after=a")
        .await
        .ok();
    assert_eq!(next["data"][0]["name"], "b:c");
    assert_eq!(next["next_after"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_and_its_holds_are_there_after_a_restart() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    tea.pay("assets:bank", "customers:alice", 1_000).await;
    let asked = json!({"postings": [posting("customers:alice", "customers:bob", 600)]});
    let held = tea.client.post("/v1/ledger/holds", &asked).await.created();
    let house = house.restart().await;
    let client = tea.client.at(house.address);
    let path = format!("/v1/ledger/holds/{}/capture", text(&held["id"]));
    let captured = client.post_empty(&path).await.created();
    assert_eq!(captured["balances"][0]["balance"]["amount"], 400);
}
