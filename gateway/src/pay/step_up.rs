//! What a payer can be asked to prove: a PIN, or a key that lives in the payer's phone.
//!
//! The rules keep the secrets sealed and cannot read them. Whoever checks a proof opens the secret outside of here and
//! then says whether the proof was right, and against what it was checked ([`CheckedProof`]). Here it is counted: of
//! many proofs checked at the same time only the first counts, so that nobody guesses more often than is allowed.
//!
//! The wallet's key alone pays, so it alone must not change what stands between a stolen key and the money:
//!
//! | the wallet has | a change needs |
//! |---|---|
//! | nothing to confirm with | nothing, as long as no payment waits for a confirmation |
//! | a PIN or a device | a proof by one of them |
//! | lost them all | that an operator resets them; then it has nothing |

use serde::{Deserialize, Serialize};

use super::decision::StepUp;
use super::id::{KeyId, WalletId};
use super::key::SealedSecret;
use super::message::{Event, Outcome};
use super::refusal::Refusal;
use super::state::Payments;
use crate::payment_code::HANDLES;

/// A key in a payer's phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    pub secret: SealedSecret,
    /// What its payment codes begin with, which the rules give it. There are enough for a hundred million devices.
    pub handle: Option<u32>,
}

/// What one wallet can prove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUps {
    pub pin: Option<SealedSecret>,
    pub devices: Vec<Device>,
    /// Wrong proofs since the last right one.
    pub wrong_in_a_row: u8,
    /// How often it was changed. It is in what a device signs for the next change, so that no signature serves twice.
    pub changes: u32,
}

impl StepUps {
    /// A phone, its replacement, a watch, a tablet.
    pub const DEVICES_MAX: usize = 8;
    /// Wrong proofs in a row, over all payments, after which a PIN counts no more until it is set anew.
    pub const WRONG_IN_A_ROW_MAX: u8 = 10;

    pub const fn is_empty(&self) -> bool {
        self.pin.is_none() && self.devices.is_empty()
    }

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
    /// An operator takes all away from a holder who can prove nothing any more.
    Reset,
}

/// A proof that somebody outside has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedProof {
    pub method: StepUp,
    pub holds: bool,
    /// What it was checked against.
    pub against: StepUps,
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

    /// Counts a proof. One that was checked against what is no longer so says nothing, neither that it was right nor that
    /// it was wrong.
    pub(super) fn prove(
        &self,
        wallet: WalletId,
        proof: &CheckedProof,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let step_ups = self.step_ups(wallet).cloned().unwrap_or_default();
        if step_ups != proof.against {
            return Err(Refusal::ProofOutdated);
        }
        if proof.method == StepUp::Pin && step_ups.pin_is_blocked() {
            return Err(Refusal::PinBlocked);
        }
        let wrong_in_a_row = if proof.holds {
            0
        } else {
            step_ups.wrong_in_a_row.saturating_add(1)
        };
        if wrong_in_a_row != step_ups.wrong_in_a_row {
            let step_ups = Box::new(StepUps {
                wrong_in_a_row,
                ..step_ups
            });
            events.push(Event::StepUpsChanged { wallet, step_ups });
        }
        if proof.holds {
            Ok(())
        } else {
            let left = StepUps::WRONG_IN_A_ROW_MAX.saturating_sub(wrong_in_a_row);
            Err(Refusal::ProofWrong { left })
        }
    }

    pub(super) fn change_step_ups(
        &self,
        wallet: WalletId,
        change: &Change,
        proof: Option<&CheckedProof>,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Refusal> {
        if !self.wallets.contains_key(&wallet) {
            return Err(Refusal::WalletNotFound);
        }
        let mut step_ups = self.step_ups(wallet).cloned().unwrap_or_default();
        match proof {
            _ if *change == Change::Reset => {}
            Some(proof) if !step_ups.is_empty() => self.prove(wallet, proof, events)?,
            None if !step_ups.is_empty() => return Err(Refusal::ProofNeeded),
            // Whoever sets the first one may be a thief with the wallet's key: what waits was asked of the holder.
            _ if self.pending.awaits_confirmation(wallet) => {
                return Err(Refusal::ConfirmationsPending);
            }
            _ => {}
        }
        step_ups.wrong_in_a_row = 0;
        step_ups.changes = step_ups.changes.saturating_add(1);
        match change {
            Change::Pin(pin) => step_ups.pin = Some(pin.clone()),
            Change::AddDevice(device) => {
                if step_ups.devices.len() >= StepUps::DEVICES_MAX {
                    return Err(Refusal::DevicesTooMany);
                }
                let handle = self.codes.next_handle();
                step_ups.devices.push(Device {
                    handle: (handle < HANDLES).then_some(handle),
                    ..device.clone()
                });
            }
            Change::RemoveDevice(id) => {
                let before = step_ups.devices.len();
                step_ups.devices.retain(|device| device.id != *id);
                if step_ups.devices.len() == before {
                    return Err(Refusal::KeyNotFound);
                }
            }
            Change::Reset => {
                step_ups.pin = None;
                step_ups.devices.clear();
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
