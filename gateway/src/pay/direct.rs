//! Orders that come about together with their payer, in one step: a till scanned the payer's payment code, the payer
//! scanned a code that hangs in the shop, the merchant debits the payer by a mandate, or the
//! payer pays a biller by a reference.
//!
//! Nobody else can pay such an order. While its payer is asked to confirm it is *awaiting its payer*; what then comes to
//! nothing is closed or expired and never open again.

use fx::Money;
use ledger::Timestamp;
use serde::{Deserialize, Serialize};

use super::breakdown::Breakdown;
use super::decision::{About, Decision, Scored};
use super::fee::Terms;
use super::id::{BillerId, MandateId, MerchantId, OrderId, PrintedCodeId, WalletId};
use super::open::not_held;
use super::order::{Order, OrderNumber, OrderState};
use super::party::{Merchant, Wallet};
use super::refusal::Refusal;
use super::state::Payments;

/// Where in a shop somebody paid, in the shop's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Till {
    pub store: Option<String>,
    pub terminal: Option<String>,
    pub cashier: Option<String>,
}

impl Till {
    /// As much as EMVCo's payload has room for.
    pub const CHARS_MAX: usize = 25;

    /// How many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.store, &self.terminal, &self.cashier];
        texts.into_iter().flatten().map(String::len).sum()
    }
}

/// Who scanned what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scan {
    /// The till, the payer's code.
    PaymentCode,
    /// The payer, a code that hangs in the shop.
    PrintedCode(PrintedCodeId),
    /// Nobody: the merchant debits by a mandate.
    Mandate(MandateId),
    /// Nothing: the payer entered a biller's reference.
    Biller(BillerId),
}

/// How an order came about together with its payer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direct {
    pub payer: WalletId,
    pub scan: Scan,
    pub till: Till,
    /// What it is paid for, in a biller's own words.
    pub reference: Option<String>,
}

/// An order that is to be made and paid in one step.
pub(super) struct NewDirect<'a> {
    pub id: OrderId,
    pub merchant: &'a Merchant,
    pub payer: &'a Wallet,
    pub number: &'a OrderNumber,
    pub amount: Money,
    pub description: &'a str,
    pub scan: Scan,
    pub till: &'a Till,
    pub reference: Option<&'a str>,
    pub terms: Terms,
    /// What its payment earns.
    pub breakdown: Option<Box<Breakdown>>,
}

impl NewDirect<'_> {
    /// The order, if there can be one.
    pub(super) fn order(&self, at: Timestamp) -> Result<Order, Refusal> {
        let currency = self.amount.currency;
        if self.amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        if !self.merchant.currencies.contains(&currency)
            || !self.payer.currencies.contains(&currency)
        {
            return Err(not_held(currency));
        }
        Ok(Order {
            id: self.id,
            merchant: self.merchant.id,
            merchant_no: self.merchant.no,
            number: self.number.clone(),
            amount: self.amount,
            description: self.description.to_owned(),
            // What it really is becomes clear with the verdict.
            state: OrderState::AwaitingPayer,
            created_at: at,
            expires_at: at.plus_secs(Decision::CONFIRM_SECS),
            payment: None,
            refunded: 0,
            fee_returned: 0,
            refunds: 0,
            direct: Some(Box::new(Direct {
                payer: self.payer.id,
                scan: self.scan,
                till: self.till.clone(),
                reference: self.reference.map(str::to_owned),
            })),
            shares: Vec::new(),
        })
    }

    /// The attempt to pay the order, if nothing stands against it.
    pub(super) fn decision(
        &self,
        at: Timestamp,
        transaction: ledger::TransactionId,
        scored: &Scored,
    ) -> Result<Decision, Refusal> {
        let about = About::Order {
            order: self.id,
            merchant: self.merchant.id,
            merchant_no: self.merchant.no,
        };
        Decision::new(at, transaction, about, self.payer, self.amount, scored)
            .priced(self.terms, self.breakdown.clone())
    }
}

impl Payments {
    pub(super) fn must_have_merchant(&self, id: MerchantId) -> Result<&Merchant, Refusal> {
        self.merchants.get(&id).ok_or(Refusal::MerchantNotFound)
    }

    /// A merchant that can be paid now.
    pub(super) fn must_be_payable(&self, id: MerchantId) -> Result<&Merchant, Refusal> {
        let merchant = self.must_have_merchant(id)?;
        self.must_take_payments(id)?;
        Ok(merchant)
    }
}
