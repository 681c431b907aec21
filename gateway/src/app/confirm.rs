//! Step-up: a payer proves who they are before a challenged payment goes through, and before what they prove it with is
//! changed.
//!
//! A [`Proof`] is one way to do that; each further way (a passkey, a face) is one more type that implements it. The
//! secrets behind proofs are sealed in the journal; they are opened here and nowhere else.

use std::fmt::Debug;

use hmac::{Hmac, KeyInit, Mac};
use ledger::{Submission, Unique};
use sha2::{Digest, Sha256};

use super::secrets::{Secrets, SecretsError};
use super::{App, Done};
use crate::pay::step_up::Change;
use crate::pay::{
    About, CheckedProof, Command, Decision, DecisionId, KeyId, Outcome, Refusal, RiskCommand,
    StepUp, StepUps, WalletId,
};
use crate::problem::Problem;

/// What a proof is checked against.
#[derive(Debug)]
pub struct Asked<'a> {
    pub wallet: WalletId,
    /// What a device signs.
    pub text_to_sign: &'a str,
    pub step_ups: &'a StepUps,
    secrets: &'a Secrets,
}

/// One way in which a payer proves who they are.
pub trait Proof: Debug + Send + Sync {
    fn method(&self) -> StepUp;

    /// Whether it proves that the wallet's holder wants this very thing. How often that may be tried is for the rules to
    /// say.
    fn holds(&self, asked: &Asked<'_>) -> Result<bool, SecretsError>;
}

/// A PIN, as it was typed.
pub struct Pin(pub String);

impl Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Proof for Pin {
    fn method(&self) -> StepUp {
        StepUp::Pin
    }

    fn holds(&self, asked: &Asked<'_>) -> Result<bool, SecretsError> {
        let Some(sealed) = &asked.step_ups.pin else {
            return Ok(false);
        };
        let pin = asked.secrets.open(sealed, &pin_owner(asked.wallet))?;
        // Digests are compared, so that the time taken tells nothing of the PIN.
        Ok(Sha256::digest(pin.expose()) == Sha256::digest(&self.0))
    }
}

/// Under which name a wallet's PIN is sealed.
pub(crate) fn pin_owner(wallet: WalletId) -> String {
    format!("pin {wallet}")
}

/// The signature of a key in the payer's phone over the text that is asked for.
#[derive(Debug)]
pub struct DeviceSignature {
    pub device: KeyId,
    /// HMAC-SHA256 under the device's secret.
    pub signature: Vec<u8>,
}

impl Proof for DeviceSignature {
    fn method(&self) -> StepUp {
        StepUp::DeviceKey
    }

    fn holds(&self, asked: &Asked<'_>) -> Result<bool, SecretsError> {
        let mut devices = asked.step_ups.devices.iter();
        let Some(device) = devices.find(|device| device.id == self.device) else {
            return Ok(false);
        };
        let secret = asked.secrets.open(&device.secret, &device.id.to_string())?;
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose()) else {
            return Ok(false);
        };
        mac.update(asked.text_to_sign.as_bytes());
        Ok(mac.verify_slice(&self.signature).is_ok())
    }
}

/// What a device signs to confirm: this payment, to this shop or person, of this amount, and no other. A red packet, or orders
/// that are paid together, name themselves and whose they are.
pub(crate) fn text_to_sign(decision: &Decision) -> String {
    let (what, whose) = match decision.about {
        About::Order {
            order, merchant, ..
        } => (order.to_string(), merchant.to_string()),
        About::Transfer { transfer, to, .. } => (transfer.to_string(), to.to_string()),
        About::RedPacket(packet) => (packet.to_string(), decision.wallet.to_string()),
        About::Combined(combined) => (combined.to_string(), decision.wallet.to_string()),
    };
    format!(
        "{}\n{what}\n{whose}\n{} {}",
        decision.id,
        decision.amount.amount,
        decision.amount.currency.code()
    )
}

/// What a device signs to change what a wallet confirms with: this change, once.
fn text_of_change(wallet: WalletId, step_ups: &StepUps, change: &str) -> String {
    format!("{wallet}\n{}\n{change}", step_ups.changes)
}

impl App {
    /// Looks at a proof. It is counted by the rules, who also see whether it was looked at in time.
    fn check(
        &self,
        proof: &dyn Proof,
        wallet: WalletId,
        text_to_sign: &str,
        step_ups: StepUps,
    ) -> Result<Box<CheckedProof>, Problem> {
        let asked = Asked {
            wallet,
            text_to_sign,
            step_ups: &step_ups,
            secrets: &self.secrets,
        };
        let holds = proof.holds(&asked);
        Ok(Box::new(CheckedProof {
            method: proof.method(),
            holds: holds.map_err(|error| Problem::internal(&error))?,
            against: step_ups,
        }))
    }

    /// Looks at a proof against what the wallet has now; nothing, if it has nothing.
    pub(super) async fn check_now(
        &self,
        proof: &dyn Proof,
        wallet: WalletId,
        text_to_sign: &str,
    ) -> Result<Option<Box<CheckedProof>>, Problem> {
        let found = self.ask(Command::FindStepUps(wallet)).await?;
        let Outcome::StepUps(step_ups) = &found.outcome else {
            return found.unexpected();
        };
        let checked = self.check(proof, wallet, text_to_sign, StepUps::clone(step_ups))?;
        Ok(Some(checked))
    }

    /// Changes what a wallet confirms with; `said` is the change as a device signs it.
    pub async fn change_step_ups(
        &self,
        wallet: WalletId,
        change: Change,
        (said, proof): (&str, Option<&dyn Proof>),
        once: Option<Unique>,
    ) -> Result<Done, Problem> {
        let proof = match proof {
            None => None,
            Some(proof) => {
                let found = self.ask(Command::FindStepUps(wallet)).await?;
                let Outcome::StepUps(step_ups) = &found.outcome else {
                    return found.unexpected();
                };
                let text = text_of_change(wallet, step_ups, said);
                Some(self.check(proof, wallet, &text, StepUps::clone(step_ups))?)
            }
        };
        let command = Command::Risk(RiskCommand::ChangeStepUps {
            wallet,
            change,
            proof,
        });
        self.command(command, once).await
    }

    /// Lets a challenged payment through if the proof holds.
    pub async fn confirm(
        &self,
        id: DecisionId,
        wallet: WalletId,
        proof: &dyn Proof,
        once: Unique,
    ) -> Result<Done, Problem> {
        let found = self
            .submit(Submission::new(Command::FindPending(id)))
            .await?;
        let command = match found.outcome {
            Outcome::Confirmable { decision, step_ups } if decision.wallet == wallet => {
                let text = text_to_sign(&decision);
                Command::Risk(RiskCommand::Confirm {
                    decision: id,
                    wallet,
                    proof: self.check(proof, wallet, &text, *step_ups)?,
                })
            }
            // A retry still gets its first answer, under its key.
            _ => Command::Refuse(Refusal::DecisionNotPending),
        };
        let done = self.command(command, [once]).await?;
        self.count_paid(&done);
        Ok(done)
    }
}
