//! Codes that a shop prints once: the payer scans one and enters the amount, or pays the amount that it fixes.
//!
//! A code belongs to a merchant and says at which store, terminal or cashier it hangs. Each payment makes an order of its
//! own ([`super::direct`]). A retired code stays known, so that whoever still scans it is told so.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fx::{Currency, Money};
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::decision::Scored;
use super::direct::{NewDirect, Scan, Till};
use super::id::{MerchantId, OrderId, PrintedCodeId, WalletId};
use super::message::{Event, Outcome};
use super::open::not_held;
use super::order::OrderNumber;
use super::points::Using;
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedCode {
    pub id: PrintedCodeId,
    pub merchant: MerchantId,
    pub currency: Currency,
    /// What everybody pays; without it the payer enters it.
    pub amount: Option<i64>,
    /// What the orders are for, as payers read it.
    pub description: String,
    pub till: Till,
    pub retired: bool,
}

impl PrintedCode {
    /// Codes that one merchant may ever have made: every table of a large chain. They lie in memory, at some 200 bytes.
    pub const PER_MERCHANT_MAX: usize = 10_000;
}

/// All printed codes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PrintedCodes {
    all: BTreeMap<PrintedCodeId, PrintedCode>,
    of_merchant: BTreeMap<MerchantId, BTreeSet<PrintedCodeId>>,
}

impl PrintedCodes {
    pub fn get(&self, id: PrintedCodeId) -> Option<&PrintedCode> {
        self.all.get(&id)
    }

    /// A merchant's codes after one, in order of id.
    fn of(
        &self,
        merchant: MerchantId,
        after: Option<PrintedCodeId>,
    ) -> impl Iterator<Item = &PrintedCode> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.of_merchant.get(&merchant).into_iter();
        let ids = ids.flat_map(move |ids| ids.range((first, Bound::Unbounded)));
        ids.filter_map(|id| self.all.get(id))
    }

    fn count(&self, merchant: MerchantId) -> usize {
        self.of_merchant.get(&merchant).map_or(0, BTreeSet::len)
    }

    pub(super) fn keep(&mut self, code: &PrintedCode) {
        self.all.insert(code.id, code.clone());
        let of_merchant = self.of_merchant.entry(code.merchant).or_default();
        of_merchant.insert(code.id);
    }
}

/// A payer scanned a printed code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayPrinted {
    pub order: OrderId,
    pub code: PrintedCodeId,
    pub wallet: WalletId,
    /// What the payer entered.
    pub amount: Option<Money>,
    pub transaction: TransactionId,
    /// Without it the payment is looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

impl Payments {
    pub fn printed_codes(&self) -> &PrintedCodes {
        &self.printed_codes
    }

    pub(super) fn print_code(&self, new: &PrintedCode, events: &mut Vec<Event>) -> Decided {
        let merchant = self.must_have_merchant(new.merchant)?;
        if !merchant.currencies.contains(&new.currency) {
            return Err(not_held(new.currency));
        }
        if new.amount.is_some_and(|amount| amount <= 0) {
            return Err(Refusal::AmountInvalid);
        }
        if self.printed_codes.get(new.id).is_some() {
            return Err(Refusal::IdTaken);
        }
        if self.printed_codes.count(merchant.id) >= PrintedCode::PER_MERCHANT_MAX {
            return Err(Refusal::PrintedCodesTooMany);
        }
        events.push(Event::PrintedCodeChanged(Box::new(new.clone())));
        Ok(Outcome::PrintedCode(Box::new(new.clone())))
    }

    /// Retiring what is retired is no event.
    pub(super) fn retire_code(
        &self,
        id: PrintedCodeId,
        merchant: MerchantId,
        events: &mut Vec<Event>,
    ) -> Decided {
        let code = self.must_have_printed(id)?;
        if code.merchant != merchant {
            return Err(Refusal::PrintedCodeNotFound);
        }
        let retired = Box::new(PrintedCode {
            retired: true,
            ..code.clone()
        });
        if !code.retired {
            events.push(Event::PrintedCodeChanged(retired.clone()));
        }
        Ok(Outcome::PrintedCode(retired))
    }

    pub(super) fn find_printed(&self, id: PrintedCodeId) -> Decided {
        let code = self.must_have_printed(id)?;
        Ok(Outcome::PrintedCode(Box::new(code.clone())))
    }

    /// A merchant's codes after one, in the order in which they were made.
    pub(super) fn list_printed(
        &self,
        merchant: MerchantId,
        after: Option<PrintedCodeId>,
        limit: usize,
    ) -> Outcome {
        let codes = self.printed_codes.of(merchant, after);
        Outcome::PrintedCodes(codes.take(limit).cloned().collect())
    }

    fn must_have_printed(&self, id: PrintedCodeId) -> Result<&PrintedCode, Refusal> {
        let code = self.printed_codes.get(id);
        code.ok_or(Refusal::PrintedCodeNotFound)
    }

    pub(super) fn pay_printed(
        &self,
        at: Timestamp,
        pay: &PayPrinted,
        events: &mut Vec<Event>,
    ) -> Decided {
        let code = self.must_have_printed(pay.code)?;
        if code.retired {
            return Err(Refusal::PrintedCodeRetired);
        }
        let fixed = code.amount.map(|amount| Money::new(amount, code.currency));
        let amount = match (fixed, pay.amount) {
            (Some(fixed), None) => fixed,
            (Some(fixed), Some(entered)) if fixed == entered => fixed,
            (None, Some(entered)) if entered.currency == code.currency => entered,
            _ => return Err(Refusal::AmountInvalid),
        };
        // The shop gave it no number, so it has one that is as unique as its id.
        let number = OrderNumber::new(&format!("C{:032x}", pay.order.0));
        let merchant = self.must_be_payable(code.merchant)?;
        let scan = Scan::PrintedCode(code.id);
        let payer = self.wallets.get(&pay.wallet);
        let payer = payer.ok_or(Refusal::WalletNotFound)?;
        let direct = NewDirect {
            id: pay.order,
            merchant,
            payer,
            number: &number.map_err(|_| Refusal::IdTaken)?,
            amount,
            description: &code.description,
            scan,
            till: &code.till,
            reference: None,
            terms: self.terms_for(merchant, scan.into(), amount),
            breakdown: self.breakdown(at, merchant.id, payer, amount, &Using::default())?,
        };
        let order = direct.order(at)?;
        let Some(scored) = &pay.scored else {
            return Ok(Outcome::ToAssess(order));
        };
        let decision = direct.decision(at, pay.transaction, scored)?;
        self.judge(at, (&order).into(), decision, events)
    }
}
