//! Test mode's payers: each pays an order, or fails to, in a way of its own.
//!
//! Nothing is pretended. A simulated payer's wallet is opened, topped up and paid from by the commands that serve everybody, and
//! the books show it. Each step is done once for an order, so that asking twice, or again after a failure, ends the same.

use std::time::Duration;

use ledger::{TransactionId, Unique};

use super::{App, Done, Origin, Payer, new_id, pin_owner};
use crate::api::once::of_demonstration;
use crate::config::Mode;
use crate::pay::step_up::Change;
use crate::pay::{Command, Order, Outcome, Using, WalletId};
use crate::problem::{Code, Problem};
use crate::secret::Secret;

/// How long the slow one takes: longer than a hurried client waits, shorter than a handler may.
const SLOW_PAYER: Duration = Duration::from_secs(10);
/// What the one who is asked would confirm with.
const PIN: &str = "271828";

/// How a simulated payer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Has the money, and pays.
    Ready,
    /// Has no money.
    Insufficient,
    /// Is asked to confirm, and never does.
    Challenged,
    /// Pays, but takes its time.
    Slow,
}

impl Manner {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Insufficient => "insufficient",
            Self::Challenged => "challenged",
            Self::Slow => "slow",
        }
    }
}

impl App {
    /// Lets a simulated payer pay an order. The payment is remembered under `once`.
    pub async fn pay_simulated(
        &self,
        order: &Order,
        manner: Manner,
        once: Unique,
    ) -> Result<Done, Problem> {
        if self.mode == Mode::Live {
            let detail = "Payers are simulated in test mode only; this server moves real money.";
            return Err(Problem::new(Code::TestModeOnly, detail));
        }
        let wallet = self.simulated_wallet(order, manner).await?;
        let payer = Payer {
            wallet,
            origin: Origin::default(),
        };
        match manner {
            Manner::Ready | Manner::Insufficient => {
                self.pay(order.id, payer, Using::default(), once).await
            }
            Manner::Challenged => {
                self.pay_confirmed(order.id, payer, Using::default(), once)
                    .await
            }
            Manner::Slow => {
                tokio::time::sleep(SLOW_PAYER).await;
                self.pay(order.id, payer, Using::default(), once).await
            }
        }
    }

    /// A wallet for this order alone, with what this payer has.
    async fn simulated_wallet(&self, order: &Order, manner: Manner) -> Result<WalletId, Problem> {
        let once = |step: &str| of_demonstration(&format!("{step} {} {}", manner.name(), order.id));
        let wallet = Command::OpenWallet {
            id: WalletId(new_id()),
            holder: format!("simulated payer, {}", manner.name()),
            currencies: vec![order.amount.currency],
        };
        let done = self.command(wallet, [once("wallet")]).await?;
        let Outcome::Wallet { wallet, .. } = &done.outcome else {
            return done.unexpected();
        };
        let wallet = wallet.id;
        if manner != Manner::Insufficient {
            let top_up = Command::TopUp {
                transaction: TransactionId(new_id()),
                wallet,
                amount: order.amount,
                reference: "simulated payer".to_owned(),
            };
            self.command(top_up, [once("top-up")]).await?;
        }
        if manner == Manner::Challenged {
            let sealed = self.secrets.seal(&Secret::new(PIN), &pin_owner(wallet));
            let sealed = sealed.map_err(|error| Problem::internal(&error))?;
            let said = ("set_pin", None);
            self.change_step_ups(wallet, Change::Pin(sealed), said, Some(once("pin")))
                .await?;
        }
        Ok(wallet)
    }
}
