//! A tenant with a book for a test, and the few accounts that every story has.

use serde_json::{Value, json};

use crate::api::house::{Client, House, text};

pub(in crate::api) struct Tenant {
    pub(in crate::api) id: String,
    pub(in crate::api) client: Client,
}

impl Tenant {
    /// A book with a bank account, two customers who cannot overdraw, and income; nothing on them yet.
    pub(in crate::api) async fn open(house: &House) -> Self {
        let tenant = Self::empty(house).await;
        let accounts = json!({"accounts": [
            {"name": "assets:bank", "kind": "asset", "currency": "CNY"},
            {"name": "customers:alice", "kind": "liability", "currency": "CNY", "limits": {"minimum": 0}},
            {"name": "customers:bob", "kind": "liability", "currency": "CNY", "limits": {"minimum": 0}},
            {"name": "income:fees", "kind": "income", "currency": "CNY"},
        ]});
        tenant
            .client
            .post("/v1/ledger/accounts", &accounts)
            .await
            .created();
        tenant
    }

    pub(in crate::api) async fn empty(house: &House) -> Self {
        let book = json!({"name": "Tea House Books", "offset_minutes": 480});
        let opened = house.operator.post("/v1/books", &book).await.created();
        let id = text(&opened["book"]["id"]).to_owned();
        let path = format!("/v1/books/{id}/keys");
        let key = house.operator.post_empty(&path).await.created();
        Self {
            id,
            client: house.client(&key),
        }
    }

    /// Posts one posting and returns the answer.
    pub(in crate::api) async fn pay(&self, debit: &str, credit: &str, amount: i64) -> Value {
        let transaction = json!({"postings": [posting(debit, credit, amount)]});
        let answer = self
            .client
            .post("/v1/ledger/transactions", &transaction)
            .await;
        answer.created()
    }

    /// The account as it stands.
    pub(in crate::api) async fn account(&self, name: &str) -> Value {
        let path = format!("/v1/ledger/accounts/{name}");
        self.client.get(&path).await.ok()["account"].clone()
    }

    pub(in crate::api) async fn balance(&self, name: &str) -> i64 {
        self.account(name).await["balance"]["amount"]
            .as_i64()
            .unwrap()
    }
}

pub(in crate::api) fn posting(debit: &str, credit: &str, amount: i64) -> Value {
    json!({"debit": debit, "credit": credit, "amount": {"amount": amount, "currency": "CNY"}})
}
