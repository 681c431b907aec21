//! What happens at tills: stories, the naive model of charges and printed codes, and races.

mod model;
mod races;
mod story;

use fx::Money;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::step_up::Change;
use gateway::pay::{
    Command, Device, GoodCode, KeyId, Lookup, MerchantId, NewCharge, OrderId, OrderNumber, Outcome,
    PayPrinted, PrintedCode, PrintedCodeId, SealedSecret, Till, WalletId,
};

use super::world::{World, scored};

pub(super) use model::{Step, Tills, both, phones, step};

/// A charge as a till thinks of it.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub merchant: u128,
    pub till: &'static str,
    pub handle: u32,
    pub step: u64,
    pub amount: Money,
    pub risk: Risk,
}

/// Above so many minor units the payer confirms.
pub(super) const CONFIRM_ABOVE: i64 = 1_000;

/// The key of the phone that has a handle, as [`World::add_phone`] names it.
fn phone(handle: u32) -> KeyId {
    KeyId(1_000 + u128::from(handle))
}

fn till(terminal: &str) -> Till {
    Till {
        terminal: Some(terminal.to_owned()),
        ..Till::default()
    }
}

impl World {
    /// Gives a wallet a phone, with the next handle.
    pub(super) fn add_phone(&mut self, wallet: u128, handle: u32) {
        let known = self.step_ups(wallet);
        let proof = (!known.is_empty()).then(|| self.proof(wallet, true));
        let device = Device {
            id: phone(handle),
            name: "phone".to_owned(),
            secret: SealedSecret(vec![7]),
            handle: None,
        };
        let outcome = self.change_step_ups(wallet, Change::AddDevice(device), proof);
        let Outcome::StepUps(step_ups) = outcome else {
            panic!("no phone: {outcome:?}")
        };
        assert_eq!(step_ups.devices.last().unwrap().handle, Some(handle));
    }

    /// Charges a code that was found good, and says under which id it was decided.
    pub(super) fn charge(&mut self, order: u128, charge: &Charge) -> (u128, Outcome) {
        let transaction = self.transaction();
        let new = NewCharge {
            order: OrderId(order),
            merchant: MerchantId(charge.merchant),
            number: OrderNumber::new(&format!("N{order}")).unwrap(),
            amount: charge.amount,
            description: "noodles".to_owned(),
            till: till(charge.till),
            code: GoodCode {
                handle: charge.handle,
                device: phone(charge.handle),
                step: charge.step,
            },
            is_large: charge.amount.amount > CONFIRM_ABOVE,
            transaction,
            scored: Some(Box::new(scored(transaction, charge.risk))),
        };
        let outcome = self.ask(Command::Charge(Box::new(new)), Vec::new());
        (transaction.0, outcome)
    }

    /// A till scanned what is no code.
    pub(super) fn guess(&mut self, merchant: u128, terminal: &str) -> Outcome {
        let command = Command::RefuseCode {
            merchant: MerchantId(merchant),
            till: till(terminal),
        };
        self.ask(command, Vec::new())
    }

    pub(super) fn reverse(&mut self, order: u128, merchant: u128) -> Outcome {
        let command = Command::Reverse {
            order: Lookup::Id(OrderId(order)),
            merchant: MerchantId(merchant),
            transaction: self.transaction(),
        };
        self.ask(command, Vec::new())
    }

    pub(super) fn print(
        &mut self,
        code: u128,
        merchant: u128,
        fixed: bool,
        money: Money,
    ) -> Outcome {
        self.ask(
            Command::PrintCode(PrintedCode {
                id: PrintedCodeId(code),
                merchant: MerchantId(merchant),
                currency: money.currency,
                amount: fixed.then_some(money.amount),
                description: "table 7".to_owned(),
                till: till("table 7"),
                retired: false,
            }),
            Vec::new(),
        )
    }

    pub(super) fn retire(&mut self, code: u128, merchant: u128) -> Outcome {
        let (id, merchant) = (PrintedCodeId(code), MerchantId(merchant));
        self.ask(Command::RetireCode { id, merchant }, Vec::new())
    }

    /// Pays by a printed code, and says under which id it was decided.
    pub(super) fn pay_printed(
        &mut self,
        order: u128,
        code: u128,
        wallet: u128,
        amount: Option<Money>,
        risk: Risk,
    ) -> (u128, Outcome) {
        let transaction = self.transaction();
        let pay = PayPrinted {
            order: OrderId(order),
            code: PrintedCodeId(code),
            wallet: WalletId(wallet),
            amount,
            transaction,
            scored: Some(Box::new(scored(transaction, risk))),
        };
        (
            transaction.0,
            self.ask(Command::PayPrinted(pay), Vec::new()),
        )
    }

    pub(super) fn find_order(&mut self, order: u128) -> gateway::pay::Order {
        match self.ask(Command::FindOrder(Lookup::Id(OrderId(order))), Vec::new()) {
            Outcome::Order(order) => order,
            other => panic!("no order: {other:?}"),
        }
    }
}
