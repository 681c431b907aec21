//! Keys are replaced without a pause, used only from where they may, and no more often than they may.

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{Client, House, Request, text};

async fn may_ask(client: &Client) -> Result<(), String> {
    let answer = client.get("/v1/keys").await;
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(text(&answer.json()["code"]).to_owned())
    }
}

fn path_of(key: &Value, rest: &str) -> String {
    format!("/v1/keys/{}{rest}", text(&key["id"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_while_the_old_one_goes_on() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let keys = shop.client.get("/v1/keys").await.ok();
    let old = keys["keys"][0].clone();
    assert_eq!(old["merchant"], shop.id.as_str());
    assert_eq!(old.get("secret"), None);
    let pace = json!({"requests_per_s": 1000});
    let paced = house
        .operator
        .post(&path_of(&old, "/pace"), &pace)
        .await
        .ok();
    assert_eq!(paced["key"]["requests_per_s"], 1000);

    let rotate =
        Request::post(&path_of(&old, "/rotate"), &json!({"overlap_s": 3600})).key("rotation-1");
    let rotated = shop.client.send(rotate).await.created();
    let again =
        Request::post(&path_of(&old, "/rotate"), &json!({"overlap_s": 3600})).key("rotation-1");
    let again = shop.client.send(again).await.created();
    assert_eq!(again, rotated, "a retry gets the same secret");
    assert_eq!(rotated["replaces"], old["id"]);
    assert_eq!(rotated["key"]["requests_per_s"], 1000);

    let key = json!({"id": rotated["key"]["id"], "secret": rotated["secret"]});
    let successor = house.client(&key);
    assert_eq!(may_ask(&successor).await, Ok(()));
    assert_eq!(may_ask(&shop.client).await, Ok(()));
    let found = successor.get(&path_of(&old, "")).await.ok();
    assert_eq!(found["key"]["expires_at"], rotated["replaced_until"]);
    assert_eq!(found["key"]["revoked"], false);

    // Without an overlap the old one is at its end.
    let third = successor
        .post(&path_of(&key, "/rotate"), &json!({"overlap_s": 0}))
        .await
        .created();
    assert_eq!(may_ask(&successor).await, Err("key_revoked".to_owned()));
    let third = house.client(&json!({"id": third["key"]["id"], "secret": third["secret"]}));
    assert_eq!(may_ask(&third).await, Ok(()));
    third
        .post(&path_of(&key, "/rotate"), &json!({}))
        .await
        .refused("key_not_found");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_the_keys_of_others() {
    let house = House::start().await;
    let (shop, other) = (
        house.merchant(&["CNY"]).await,
        house.wallet(&["CNY"], 0).await,
    );
    let keys = shop.client.get("/v1/keys").await.ok();
    let key = keys["keys"][0].clone();
    other
        .client
        .get(&path_of(&key, ""))
        .await
        .refused("key_not_found");
    let rotate = other.client.post_empty(&path_of(&key, "/rotate")).await;
    rotate.refused("key_not_found");
    let shut_out = json!({"networks": ["192.0.2.1"]});
    let shut_out = other
        .client
        .post(&path_of(&key, "/networks"), &shut_out)
        .await;
    shut_out.refused("key_not_found");
    let unbound = shop.client.post(&path_of(&key, "/pace"), &json!({})).await;
    unbound.refused("forbidden_role");
    for (path, body, pointer) in [
        ("/rotate", json!({"overlap_s": 2_592_001}), "/overlap_s"),
        (
            "/networks",
            json!({"networks": ["203.0.113.7/24"]}),
            "/networks/0",
        ),
        (
            "/networks",
            json!({"networks": vec!["203.0.113.0/24"; 33]}),
            "/networks",
        ),
    ] {
        let problem = shop.client.post(&path_of(&key, path), &body).await;
        let problem = problem.refused("field_invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_only_from_where_it_may() {
    let proxied = |config: gateway::config::Config| gateway::config::Config {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..config
    };
    let house = House::start_in(tempfile::tempdir().unwrap(), proxied).await;
    let shop = house.merchant(&["CNY"]).await;
    let keys = shop.client.get("/v1/keys").await.ok();
    let key = keys["keys"][0].clone();
    let from = async |address: &'static str, request: Request| {
        let mut headers = request.headers(&shop.client.signer);
        headers.insert("x-forwarded-for", address.parse().unwrap());
        shop.client.send_with(request, headers).await
    };
    let networks = |networks: Value| {
        Request::post(&path_of(&key, "/networks"), &json!({"networks": networks}))
    };
    // A key cannot shut itself out.
    let slip = from("203.0.113.7", networks(json!(["198.51.100.0/24"]))).await;
    let problem = slip.refused("field_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/networks");
    from("203.0.113.7", networks(json!(["203.0.113.0/24"])))
        .await
        .ok();
    let ask = || Request::new(Method::GET, "/v1/keys");
    from("203.0.113.99", ask()).await.ok();
    from("198.51.100.1", ask())
        .await
        .refused("address_not_allowed");
    from("203.0.113.99, 198.51.100.1", ask())
        .await
        .refused("address_not_allowed");
    from("nobody", ask()).await.refused("address_not_allowed");
    shop.client
        .get("/v1/keys")
        .await
        .refused("address_not_allowed");
    // It holds after a restart, and until it is lifted.
    let directory = house.stop().await;
    let house = House::start_in(directory, proxied).await;
    let shop = shop.at(&house);
    shop.client
        .get("/v1/keys")
        .await
        .refused("address_not_allowed");
    let lifted = json!({"networks": []});
    house
        .operator
        .post(&path_of(&key, "/networks"), &lifted)
        .await
        .ok();
    shop.client.get("/v1/keys").await.ok();
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let paced = |config: gateway::config::Config| gateway::config::Config {
        requests_per_s: Some(5),
        ..config
    };
    let house = House::start_in(tempfile::tempdir().unwrap(), paced).await;
    let shop = house.merchant(&["CNY"]).await;
    let mut asked = 0;
    let problem = loop {
        asked += 1;
        assert!(asked < 1000, "a key is never told to slow down");
        let answer = shop.client.get("/v1/keys").await;
        if !answer.status.is_success() {
            assert_eq!(answer.header("retry-after"), Some("1"));
            break answer.refused("rate_limited");
        }
    };
    assert_eq!(problem["status"], 429);
    assert!(asked > 5, "{asked}");
    // Nobody else is slowed down, and whoever waits is let in.
    house.operator.get("/v1/keys").await.ok();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let keys = shop.client.get("/v1/keys").await.ok();
    let wider = json!({"requests_per_s": 100_000});
    let path = path_of(&keys["keys"][0], "/pace");
    house.operator.post(&path, &wider).await.ok();
    for _ in 0..50 {
        shop.client.get("/v1/keys").await.ok();
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_the_name_of_the_house_stands_in_its_log() {
    let house = House::start().await;
    let bank = house
        .operator
        .post("/v1/keys", &json!({"role": "bank"}))
        .await
        .created();
    let shop = house.merchant(&["CNY"]).await;
    let wallet = house.wallet(&["CNY"], 0).await;
    let top_up =
        json!({"amount": {"amount": 500, "currency": "CNY"}, "reference": "bank transfer 7"});
    let path = format!("/v1/wallets/{}/top-ups", wallet.id);
    house.client(&bank).post(&path, &top_up).await.created();
    let unknown = format!("/v1/keys/{}/revoke", shop.id.replace("mer_", "key_"));
    house
        .operator
        .post_empty(&unknown)
        .await
        .refused("key_not_found");
    // What a merchant does for itself is not the house's.
    shop.client
        .post_empty(&format!("/v1/merchants/{}/keys", shop.id))
        .await
        .created();
    house.views_catch_up().await;

    let log = house.operator.get("/v1/acts").await.ok();
    let told: Vec<(&str, &str)> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (text(&act["what"]), text(&act["subject"])))
        .collect();
    assert_eq!(told[0], ("refused", "key_not_found"));
    assert_eq!(told[1].0, "money_moved");
    let what: Vec<&str> = told[2..].iter().map(|(what, _)| *what).collect();
    assert_eq!(
        what,
        [
            "key_made",
            "wallet_opened",
            "key_made",
            "merchant_opened",
            "key_made"
        ]
    );
    assert_eq!(told[3].1, wallet.id);
    assert_eq!(told[5].1, shop.id);
    assert_eq!(told[6].1, text(&bank["id"]));
    let of_bank = format!("/v1/acts?limit=1&by={}", text(&bank["id"]));
    let of_bank = house.operator.get(&of_bank).await.ok();
    assert_eq!(of_bank["data"], json!([log["data"][1]]));

    // Page by page it is the same.
    let mut paged = Vec::new();
    let mut path = "/v1/acts?limit=2".to_owned();
    loop {
        let page = house.operator.get(&path).await.ok();
        paged.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/acts?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), log["data"]);
    shop.client.get("/v1/acts").await.refused("forbidden_role");
    house.stop().await;
}
