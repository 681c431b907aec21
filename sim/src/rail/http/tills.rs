//! Tills that scan, over HTTP; the phones make their codes by themselves.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use gateway::payment_code::step_at;
use serde_json::json;

use super::super::{Answer, NewOrder, OrderId, Tills};
use super::{HttpRail, Request, money, text};
use crate::phone::Phone;

impl Tills for HttpRail {
    async fn show_code(&self, person: usize) -> Answer<Option<String>> {
        let party = self.person(person)?;
        let phone = party.phone.get_or_try_init(|| async {
            let path = format!("/v1/wallets/{}/devices", party.id);
            let request = Request::post(path, self.fresh(), json!({"name": "phone"}));
            let added = self.json(&party.signer, request).await?;
            let phone = Phone::new(&text(&added, "/secret")?, &text(&added, "/handle")?)?;
            Answer::Ok(Mutex::new(phone))
        });
        let phone = phone.await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut phone = phone.lock().map_err(|_| anyhow!("a phone is broken"))?;
        Ok(phone.show(step_at(now)))
    }

    async fn charge(&self, shop: usize, order: &NewOrder, code: &str) -> Answer<OrderId> {
        let body = json!({
            "number": order.number,
            "amount": money(order.amount),
            "description": order.description,
            "payment_code": code,
            "till": {"terminal": "till 1"},
        });
        let request = Request::post("/v1/charges", self.fresh(), body);
        let charged = self.json(&self.shop(shop)?.signer, request).await?;
        if text(&charged, "/order/state")? != "paid" {
            return Err(anyhow!("a charge of a customer waits: {charged}").into());
        }
        Ok(OrderId(text(&charged, "/order/id")?))
    }

    async fn take_back(&self, shop: usize, number: &str) -> Answer<()> {
        let body = json!({ "number": number });
        let request = Request::post("/v1/charges/reverse", self.fresh(), body);
        let back = self.json(&self.shop(shop)?.signer, request).await?;
        if text(&back, "/order/state")? != "reversed" {
            return Err(anyhow!("a charge that was taken back is not: {back}").into());
        }
        Ok(())
    }
}
