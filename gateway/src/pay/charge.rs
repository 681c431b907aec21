//! Charges: a till scans a payer's payment code and takes the amount.
//!
//! Whoever asks has checked the code against the device's secret; the rules see that the device still stands, that the
//! code is used once, and how often a till guesses:
//!
//! | the code | then |
//! |---|---|
//! | is good and newer than the last one of its device | the payer pays, or is asked to confirm |
//! | was used, or a newer one was | refused |
//! | is of no device, or not of this one | refused, and counted: see [`GUESSES_PER_TILL_MAX`] |
//!
//! Only a code that led to something is used up: after "not enough money" the till may try a smaller amount.
//!
//! A till that did not hear what became of a charge takes it back ([`Payments::reverse`]), however often; a charge that
//! never arrived is forestalled by taking its number.

use std::collections::BTreeMap;

use fx::Money;
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::checkout::short;
use super::decision::Scored;
use super::direct::{NewDirect, Scan, Till};
use super::id::{KeyId, MerchantId, OrderId, WalletId};
use super::message::{Event, Outcome};
use super::order::{Order, OrderNumber, OrderState, Verdict};
use super::points::Using;
use super::recipe::{self, Role};
use super::refusal::Refusal;
use super::state::Payments;
use super::step_up::{Device, StepUps};

/// Codes that were none, from one till within [`GUESSES_SECS`], after which it must wait. A camera misreads a code once
/// in a while; somebody who tries numbers needs 33 million tries for one that fits.
pub const GUESSES_PER_TILL_MAX: u32 = 5;
/// The same from all tills of a merchant, which names them as it likes.
pub const GUESSES_PER_MERCHANT_MAX: u32 = 100;
pub const GUESSES_SECS: u64 = 600;
/// How long a charge can be taken back; later it can be refunded.
pub const REVERSE_SECS: u64 = 24 * 3600;

type Decided = Result<Outcome, Refusal>;

/// The devices that make payment codes, by their handles, and the guesses at codes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Codes {
    devices: BTreeMap<u32, CodeDevice>,
    /// One above the highest handle that was ever given.
    handles: u32,
    guesses: BTreeMap<MerchantId, Guesses>,
}

/// A device that makes payment codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDevice {
    pub wallet: WalletId,
    pub device: KeyId,
    /// The step of the last code that was used.
    pub last_step: u64,
}

/// Codes that were none, since some moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Guesses {
    since: Timestamp,
    all: u32,
    of_till: BTreeMap<String, u32>,
}

impl Codes {
    pub fn device(&self, handle: u32) -> Option<&CodeDevice> {
        self.devices.get(&handle)
    }

    /// The handle of the next device.
    pub(super) const fn next_handle(&self) -> u32 {
        self.handles
    }

    /// Takes what a wallet has now in place of what it had.
    pub(super) fn follow(&mut self, wallet: WalletId, before: Option<&StepUps>, now: &StepUps) {
        let gone = before.into_iter().flat_map(|before| &before.devices);
        for device in gone.filter(|device| now.devices.iter().all(|kept| kept.id != device.id)) {
            if let Some(handle) = device.handle {
                self.devices.remove(&handle);
            }
        }
        for Device { id, handle, .. } in &now.devices {
            let Some(handle) = *handle else { continue };
            self.devices.entry(handle).or_insert(CodeDevice {
                wallet,
                device: *id,
                last_step: 0,
            });
            self.handles = self.handles.max(handle + 1);
        }
    }

    pub(super) fn used(&mut self, handle: u32, step: u64) {
        if let Some(device) = self.devices.get_mut(&handle) {
            device.last_step = device.last_step.max(step);
        }
    }

    pub(super) fn guessed(&mut self, merchant: MerchantId, till: &str, at: Timestamp) {
        let guesses = self.guesses.entry(merchant).or_default();
        if guesses.is_over(at) {
            *guesses = Guesses {
                since: at,
                ..Guesses::default()
            };
        }
        guesses.all = guesses.all.saturating_add(1);
        *guesses.of_till.entry(till.to_owned()).or_default() += 1;
    }

    fn must_not_guess(
        &self,
        at: Timestamp,
        merchant: MerchantId,
        till: &str,
    ) -> Result<(), Refusal> {
        let guesses = self.guesses.get(&merchant);
        let Some(guesses) = guesses.filter(|guesses| !guesses.is_over(at)) else {
            return Ok(());
        };
        let of_till = guesses.of_till.get(till).copied().unwrap_or_default();
        if of_till >= GUESSES_PER_TILL_MAX || guesses.all >= GUESSES_PER_MERCHANT_MAX {
            return Err(Refusal::TillBlocked);
        }
        Ok(())
    }
}

impl Guesses {
    fn is_over(&self, at: Timestamp) -> bool {
        at > self.since.plus_secs(GUESSES_SECS)
    }
}

/// A payment code that was found good: which device made it, and in which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodCode {
    pub handle: u32,
    pub device: KeyId,
    pub step: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCharge {
    pub order: OrderId,
    pub merchant: MerchantId,
    pub number: OrderNumber,
    pub amount: Money,
    pub description: String,
    pub till: Till,
    pub code: GoodCode,
    /// Whether it is so much that the payer confirms, however harmless it looks.
    pub is_large: bool,
    pub transaction: TransactionId,
    /// Without it the charge is looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

impl Payments {
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Which device a payment code says it is of, with its secret.
    pub(super) fn find_code_device(&self, handle: u32) -> Decided {
        let found = self.codes.device(handle);
        let found = found.ok_or(Refusal::PaymentCodeInvalid)?;
        let devices = self.step_ups(found.wallet).map(|known| &known.devices);
        let mut devices = devices.into_iter().flatten();
        let device = devices.find(|device| device.id == found.device);
        let device = device.ok_or(Refusal::PaymentCodeInvalid)?;
        Ok(Outcome::CodeDevice {
            wallet: found.wallet,
            device: Box::new(device.clone()),
        })
    }

    pub(super) fn charge(
        &self,
        at: Timestamp,
        new: &NewCharge,
        events: &mut Vec<Event>,
    ) -> Decided {
        let merchant = self.must_be_payable(new.merchant)?;
        self.codes
            .must_not_guess(at, merchant.id, till(&new.till))?;
        let device = self.codes.device(new.code.handle);
        let device = device.filter(|device| device.device == new.code.device);
        let device = device.ok_or(Refusal::PaymentCodeInvalid)?;
        if new.code.step <= device.last_step {
            return Err(Refusal::PaymentCodeUsed);
        }
        let payer = self.wallets.get(&device.wallet);
        let payer = payer.ok_or(Refusal::WalletNotFound)?;
        let direct = NewDirect {
            id: new.order,
            merchant,
            payer,
            number: &new.number,
            amount: new.amount,
            description: &new.description,
            scan: Scan::PaymentCode,
            till: &new.till,
            reference: None,
            terms: self.terms_for(merchant, Scan::PaymentCode.into(), new.amount),
            breakdown: self.breakdown(at, merchant.id, payer, new.amount, &Using::default())?,
        };
        let order = direct.order(at)?;
        let Some(scored) = &new.scored else {
            return Ok(Outcome::ToAssess(order));
        };
        let decision = direct.decision(at, new.transaction, scored)?;
        let outcome = if new.is_large && scored.assessment.verdict == Verdict::Allow {
            self.challenge(at, (&order).into(), decision, events)
        } else {
            self.judge(at, (&order).into(), decision, events)
        }?;
        events.push(Event::PaymentCodeUsed {
            handle: new.code.handle,
            step: new.code.step,
        });
        Ok(outcome)
    }

    /// A till scanned what is no code. This counts, so that nobody finds one by trying.
    pub(super) fn refuse_code(
        &self,
        at: Timestamp,
        merchant: MerchantId,
        at_till: &Till,
        events: &mut Vec<Event>,
    ) -> Decided {
        let till = till(at_till);
        self.codes.must_not_guess(at, merchant, till)?;
        events.push(Event::PaymentCodeGuessed {
            merchant,
            till: till.to_owned(),
            at,
        });
        Err(Refusal::PaymentCodeInvalid)
    }

    /// A till takes a charge back. Taking back what is back, or never was paid, is no event.
    pub(super) fn reverse(
        &self,
        at: Timestamp,
        order: &Order,
        (merchant, transaction): (MerchantId, TransactionId),
        events: &mut Vec<Event>,
    ) -> Decided {
        if order.merchant != merchant {
            return Err(Refusal::OrderNotFound);
        }
        let scan = order.direct.as_ref().map(|direct| direct.scan);
        if scan != Some(Scan::PaymentCode) {
            return Err(Refusal::NotACharge);
        }
        let reversed = match order.state {
            OrderState::Reversed | OrderState::Closed | OrderState::Expired => {
                return Ok(Outcome::Order(order.clone()));
            }
            OrderState::PartlyRefunded | OrderState::Refunded => {
                return Err(Refusal::OrderRefunded);
            }
            OrderState::Open => return Err(Refusal::NotACharge),
            OrderState::AwaitingPayer | OrderState::InReview => {
                self.withdraw(at, order, events)?;
                order.clone()
            }
            OrderState::Paid => self.give_charge_back(at, order, transaction, events)?,
        };
        let reversed = Order {
            state: OrderState::Reversed,
            ..reversed
        };
        events.push(Event::OrderReversed(reversed.clone()));
        Ok(Outcome::Order(reversed))
    }

    /// Gives a payer back what a charge took, with the whole fee.
    fn give_charge_back(
        &self,
        at: Timestamp,
        order: &Order,
        transaction: TransactionId,
        events: &mut Vec<Event>,
    ) -> Result<Order, Refusal> {
        let payment = order.payment.as_ref().ok_or(Refusal::OrderNotPaid)?;
        if at > payment.at.plus_secs(REVERSE_SECS) {
            return Err(Refusal::ReversalTooLate);
        }
        let back = payment.returned(order.amount.amount, order.amount.amount);
        let (moved, _) = self.give_back_parts(payment, &back, payment.fee);
        let parties = (payment.wallet_no, order.merchant_no);
        let posting = recipe::reversal(transaction, parties, &moved, order.number.as_str());
        let roles = [
            Role::Wallet(payment.wallet_no),
            Role::Merchant(order.merchant_no),
        ];
        self.post(at, posting, roles, order.amount.currency, events)
            .map_err(|refusal| short(refusal, Refusal::MerchantBalanceTooLow))?;
        Ok(Order {
            refunded: order.amount.amount,
            fee_returned: payment.fee.amount,
            ..order.clone()
        })
    }
}

/// The till that guesses are counted for.
fn till(till: &Till) -> &str {
    till.terminal.as_deref().unwrap_or_default()
}
