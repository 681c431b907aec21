//! What a payer can be asked to prove: a PIN, or a key that lives in the payer's phone.
//!
//! The rules keep the secrets sealed and cannot read them. Whoever checks a proof opens the secret outside of here and
//! then says whether the proof was right ([`Command::Confirm`](super::Command), [`Command::WrongProof`](super::Command)).

use serde::{Deserialize, Serialize};

use super::decision::StepUp;
use super::id::{KeyId, WalletId};
use super::key::SealedSecret;
use super::message::{Event, Outcome};
use super::refusal::Refusal;
use super::state::Payments;

/// A key in a payer's phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    pub secret: SealedSecret,
}

/// What one wallet can prove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUps {
    pub pin: Option<SealedSecret>,
    pub devices: Vec<Device>,
    /// Wrong proofs since the last right one.
    pub wrong_in_a_row: u8,
}

impl StepUps {
    /// A phone, its replacement, a watch, a tablet.
    pub const DEVICES_MAX: usize = 8;
    /// Wrong proofs in a row, over all payments, after which a PIN counts no more until it is set anew.
    pub const WRONG_IN_A_ROW_MAX: u8 = 10;

    pub const fn pin_is_blocked(&self) -> bool {
        self.wrong_in_a_row >= Self::WRONG_IN_A_ROW_MAX
    }

    /// By which proofs the wallet can confirm now.
    pub fn methods(&self) -> Vec<StepUp> {
        let pin = (self.pin.is_some() && !self.pin_is_blocked()).then_some(StepUp::Pin);
        let device = (!self.devices.is_empty()).then_some(StepUp::DeviceKey);
        pin.into_iter().chain(device).collect()
    }
}

/// How what a wallet can prove is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Pin(SealedSecret),
    AddDevice(Device),
    RemoveDevice(KeyId),
}

impl Payments {
    pub fn step_ups(&self, wallet: WalletId) -> Option<&StepUps> {
        self.step_ups.get(&wallet)
    }

    /// Whether the payer has anything to confirm with.
    pub(super) fn can_confirm(&self, wallet: WalletId) -> bool {
        let known = self.step_ups(wallet);
        known.is_some_and(|step_ups| !step_ups.methods().is_empty())
    }

    pub(super) fn change_step_ups(
        &self,
        wallet: WalletId,
        change: &Change,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Refusal> {
        if !self.wallets.contains_key(&wallet) {
            return Err(Refusal::WalletNotFound);
        }
        let mut step_ups = self.step_ups(wallet).cloned().unwrap_or_default();
        match change {
            Change::Pin(pin) => {
                step_ups.pin = Some(pin.clone());
                step_ups.wrong_in_a_row = 0;
            }
            Change::AddDevice(device) => {
                if step_ups.devices.len() >= StepUps::DEVICES_MAX {
                    return Err(Refusal::DevicesTooMany);
                }
                step_ups.devices.push(device.clone());
            }
            Change::RemoveDevice(id) => {
                let before = step_ups.devices.len();
                step_ups.devices.retain(|device| device.id != *id);
                if step_ups.devices.len() == before {
                    return Err(Refusal::KeyNotFound);
                }
            }
        }
        let step_ups = Box::new(step_ups);
        events.push(Event::StepUpsChanged {
            wallet,
            step_ups: step_ups.clone(),
        });
        Ok(Outcome::StepUps(step_ups))
    }
}
