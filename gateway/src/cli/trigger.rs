//! `gateway trigger`: makes something happen that a shop's program should be ready for.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

use super::print;
use super::request::ServerArgs;
use super::server::Server;

const EXAMPLES: &str = "\
For a gateway in test mode and a merchant's key. Everything that happens is real there: an order is made, a simulated payer pays
it, and webhooks go out, which `gateway listen` shows. The order as it then stands is printed as JSON.

Examples:
  gateway trigger paid --key-file shop.key
  gateway trigger refunded --key-file shop.key --amount 500";

/// How long an order lives that is to expire, in seconds.
const LIFE_S: u64 = 1;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scenario {
    /// An order is paid.
    Paid,
    /// An order is paid and given back whole.
    Refunded,
    /// An order is paid and half of it given back.
    PartlyRefunded,
    /// An order is closed unpaid.
    Closed,
    /// An order runs out of time unpaid.
    Expired,
    /// The payer has no money; the order stays open.
    Insufficient,
    /// The payer is asked to confirm and does not; the order stays open.
    Challenged,
    /// The payer pays, but takes ten seconds.
    Slow,
}

/// Let something happen to an order of one's own, in test mode.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Trigger {
    #[arg(value_enum)]
    scenario: Scenario,
    /// What the order costs, in minor units.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_250, value_parser = clap::value_parser!(i64).range(2..))]
    amount: i64,
    /// The currency it is priced in; the merchant must have it.
    #[arg(long, value_name = "CODE", default_value = "CNY")]
    currency: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(line: &Trigger) -> Result<ExitCode> {
    let server = Server::new(&line.server)?;
    let order = line.order(&server).await?;
    print(&format!("{order:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}

impl Trigger {
    /// The order when all has happened.
    async fn order(&self, server: &Server) -> Result<Value> {
        let made = server.post("/v1/orders", Some(&self.new_order())).await?;
        let id = made["order"]["id"]
            .as_str()
            .context("an order without an id")?
            .to_owned();
        eprintln!("order {id} of {} {} is made", self.amount, self.currency);
        match self.scenario {
            Scenario::Paid => self.pay(server, &id, "ready").await,
            Scenario::Slow => self.pay(server, &id, "slow").await,
            Scenario::Challenged => self.pay(server, &id, "challenged").await,
            Scenario::Insufficient => {
                // The refusal is what was asked for.
                if let Err(refusal) = self.pay(server, &id, "insufficient").await {
                    eprintln!("the payment was refused: {refusal}");
                }
                Ok(made["order"].clone())
            }
            Scenario::Refunded => {
                self.pay(server, &id, "ready").await?;
                self.refund(server, &id, self.amount).await
            }
            Scenario::PartlyRefunded => {
                self.pay(server, &id, "ready").await?;
                self.refund(server, &id, self.amount / 2).await
            }
            Scenario::Closed => {
                let closed = server.post(&format!("/v1/orders/{id}/close"), None).await?;
                Ok(closed["order"].clone())
            }
            Scenario::Expired => {
                // It is let expire when its time has passed, not sooner.
                tokio::time::sleep(Duration::from_secs(LIFE_S + 1)).await;
                let found = server.get(&format!("/v1/orders/{id}")).await?;
                Ok(found["order"].clone())
            }
        }
    }

    fn new_order(&self) -> Value {
        let number = Uuid::now_v7().simple().to_string();
        let life = matches!(self.scenario, Scenario::Expired).then_some(LIFE_S);
        let order = json!({
            "number": format!("trigger-{number}"),
            "amount": {"amount": self.amount, "currency": self.currency},
            "description": "Made by gateway trigger",
            "expires_in_s": life,
        });
        order
    }

    async fn pay(&self, server: &Server, order: &str, payer: &str) -> Result<Value> {
        let path = format!("/v1/orders/{order}/simulated-payment");
        let paid = server.post(&path, Some(&json!({"payer": payer}))).await?;
        Ok(paid["order"].clone())
    }

    async fn refund(&self, server: &Server, order: &str, amount: i64) -> Result<Value> {
        let refund = json!({
            "number": format!("refund-{}", Uuid::now_v7().simple()),
            "amount": {"amount": amount, "currency": self.currency},
            "reason": "Made by gateway trigger",
        });
        let path = format!("/v1/orders/{order}/refunds");
        let refunded = server.post(&path, Some(&refund)).await?;
        Ok(refunded["order"].clone())
    }
}
