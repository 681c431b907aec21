//! What people send each other, over HTTP.

use anyhow::anyhow;
use fx::Money;
use serde_json::json;

use super::super::{Answer, Chats};
use super::{HttpRail, Request, money, number, text};

impl Chats for HttpRail {
    async fn transfer(&self, from: usize, to: usize, amount: Money, offer: bool) -> Answer<String> {
        let mode = if offer { "to_accept" } else { "instant" };
        let body = json!({
            "to": self.person(to)?.id,
            "amount": money(amount),
            "note": "as agreed",
            "mode": mode,
        });
        let request = Request::post("/v1/transfers", self.fresh(), body);
        let sent = self.json(&self.person(from)?.signer, request).await?;
        let wanted = if offer { "offered" } else { "completed" };
        if text(&sent, "/transfer/state")? != wanted {
            return Err(anyhow!("a transfer between friends waits: {sent}").into());
        }
        Ok(text(&sent, "/transfer/id")?)
    }

    async fn reply(&self, person: usize, transfer: &str, accept: bool) -> Answer<()> {
        let reply = if accept { "accept" } else { "decline" };
        let request = Request::act(format!("/v1/transfers/{transfer}/{reply}"), self.fresh());
        self.send(&self.person(person)?.signer, request).await?;
        Ok(())
    }

    async fn red_packet(
        &self,
        from: usize,
        to: &[usize],
        amount: Money,
        shares: usize,
    ) -> Answer<String> {
        let members = to
            .iter()
            .map(|person| Ok(self.person(*person)?.id.as_str()));
        let body = json!({
            "amount": money(amount),
            "split": "lucky",
            "shares": shares,
            "to": members.collect::<anyhow::Result<Vec<_>>>()?,
            "greeting": "for all of you",
        });
        let request = Request::post("/v1/red-packets", self.fresh(), body);
        let sent = self.json(&self.person(from)?.signer, request).await?;
        if text(&sent, "/red_packet/state")? != "open" {
            return Err(anyhow!("a red packet for friends waits: {sent}").into());
        }
        Ok(text(&sent, "/red_packet/id")?)
    }

    async fn claim(&self, person: usize, packet: &str) -> Answer<i64> {
        let request = Request::act(format!("/v1/red-packets/{packet}/claim"), self.fresh());
        let taken = self.json(&self.person(person)?.signer, request).await?;
        Ok(number(&taken, "/amount/amount")?)
    }

    async fn wait_a_day(&self) -> bool {
        false
    }
}
