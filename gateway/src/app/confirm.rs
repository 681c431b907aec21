//! Step-up: a payer proves who they are before a challenged payment goes through.
//!
//! A [`Proof`] is one way to do that; each further way (a passkey, a face) is one more type that implements it. The
//! secrets behind proofs are sealed in the journal; they are opened here and nowhere else.

use std::fmt::Debug;

use hmac::{Hmac, KeyInit, Mac};
use ledger::{Submission, Unique};
use sha2::{Digest, Sha256};

use super::secrets::{Secrets, SecretsError};
use super::{App, Done};
use crate::pay::{
    About, Command, Decision, DecisionId, KeyId, Outcome, Refusal, StepUp, StepUps, WalletId,
};
use crate::problem::Problem;

/// What a proof is checked against.
#[derive(Debug)]
pub struct Asked<'a> {
    pub decision: &'a Decision,
    pub step_ups: &'a StepUps,
    secrets: &'a Secrets,
}

/// One way in which a payer proves who they are.
pub trait Proof: Debug + Send + Sync {
    fn method(&self) -> StepUp;

    /// Whether it proves that the wallet's holder wants this very payment.
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
        if asked.step_ups.pin_is_blocked() {
            return Ok(false);
        }
        let pin = asked
            .secrets
            .open(sealed, &pin_owner(asked.decision.wallet))?;
        // Digests are compared, so that the time taken tells nothing of the PIN.
        Ok(Sha256::digest(pin.expose()) == Sha256::digest(&self.0))
    }
}

/// Under which name a wallet's PIN is sealed.
pub(crate) fn pin_owner(wallet: WalletId) -> String {
    format!("pin {wallet}")
}

/// The signature of a key in the payer's phone over [`text_to_sign`].
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
        mac.update(text_to_sign(asked.decision).as_bytes());
        Ok(mac.verify_slice(&self.signature).is_ok())
    }
}

/// What a device signs: this payment, to this shop or person, of this amount, and no other. A red packet names itself
/// and whose it is.
pub(crate) fn text_to_sign(decision: &Decision) -> String {
    let (what, whose) = match decision.about {
        About::Order {
            order, merchant, ..
        } => (order.to_string(), merchant.to_string()),
        About::Transfer { transfer, to, .. } => (transfer.to_string(), to.to_string()),
        About::RedPacket(packet) => (packet.to_string(), decision.wallet.to_string()),
    };
    format!(
        "{}\n{what}\n{whose}\n{} {}",
        decision.id,
        decision.amount.amount,
        decision.amount.currency.code()
    )
}

impl App {
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
                let asked = Asked {
                    decision: &decision,
                    step_ups: &step_ups,
                    secrets: &self.secrets,
                };
                let holds = proof.holds(&asked);
                if holds.map_err(|error| Problem::internal(&error))? {
                    Command::Confirm {
                        decision: id,
                        wallet,
                        proof: proof.method(),
                    }
                } else {
                    Command::WrongProof {
                        decision: id,
                        wallet,
                    }
                }
            }
            // A retry still gets its first answer, under its key.
            _ => Command::Refuse(Refusal::DecisionNotPending),
        };
        let done = self.command(command, [once]).await?;
        if !done.again && matches!(done.outcome, Outcome::Paid { .. }) {
            self.metrics.paid();
        }
        Ok(done)
    }
}
