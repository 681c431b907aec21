//! Tills that scan, in process. What a gateway checks before the rules are asked is checked here.

use anyhow::Context as _;
use gateway::pay::step_up::Change;
use gateway::pay::{
    Command, Device, GoodCode, KeyId, Lookup, NewCharge, OrderId as PayOrderId, OrderNumber,
    Outcome, RiskCommand, SealedSecret, Till,
};
use gateway::payment_code::{PaymentCode, Verdict, step_at};
use gateway::secret::Secret;
use rand::Rng as _;

use super::super::{Answer, NewOrder, OrderId, Tills, Trouble};
use super::{EngineRail, House, once, unexpected, unscored};
use crate::phone::Phone;

impl House {
    /// The minute of the town's clock.
    fn step(&self) -> u64 {
        step_at(self.now.as_millis() / 1_000)
    }

    fn add_phone(&mut self, person: usize) -> Answer<()> {
        let secret: [u8; 32] = self.ids.random();
        let device = Device {
            id: KeyId(self.ids.random()),
            name: "phone".to_owned(),
            // Nothing is sealed in process: there is no disk that it could be read from.
            secret: SealedSecret(secret.to_vec()),
            handle: None,
        };
        let change = Command::Risk(RiskCommand::ChangeStepUps {
            wallet: self.person(person)?,
            change: Change::AddDevice(device),
            proof: None,
        });
        let outcome = self.submit(&change, &[])?;
        let Outcome::StepUps(step_ups) = outcome else {
            return Err(unexpected(&outcome));
        };
        let handle = step_ups.devices.last().and_then(|device| device.handle);
        let handle = handle.context("a phone without a handle")?;
        self.phones
            .insert(person, Phone::with(Secret::new(secret), handle));
        Ok(())
    }

    /// Which device made a code in which minute.
    fn check(&mut self, code: &str) -> Answer<GoodCode> {
        let refused = |code: &str| Trouble::Refused {
            code: code.to_owned(),
        };
        let code = PaymentCode::parse(code).ok_or_else(|| refused("payment_code_invalid"))?;
        let found = self.submit(&Command::FindCodeDevice(code.handle), &[])?;
        let Outcome::CodeDevice { device, .. } = found else {
            return Err(unexpected(&found));
        };
        match code.check(&Secret::new(device.secret.0), self.step()) {
            Verdict::Good { step } => Ok(GoodCode {
                handle: code.handle,
                device: device.id,
                step,
            }),
            Verdict::Old => Err(refused("payment_code_old")),
            Verdict::Wrong => Err(refused("payment_code_invalid")),
        }
    }
}

impl Tills for EngineRail {
    async fn show_code(&self, person: usize) -> Answer<Option<String>> {
        let mut house = self.lock();
        if !house.phones.contains_key(&person) {
            house.add_phone(person)?;
        }
        let step = house.step();
        let phone = house.phones.get_mut(&person);
        Ok(phone.context("no phone")?.show(step))
    }

    async fn charge(&self, shop: usize, order: &NewOrder, code: &str) -> Answer<OrderId> {
        let mut house = self.lock();
        let merchant = house.shop(shop)?;
        let number = OrderNumber::new(&order.number)?;
        let unique = once(shop, &number, order.amount)?;
        let code = house.check(code)?;
        let transaction = house.transaction();
        let new = NewCharge {
            order: PayOrderId(house.ids.random()),
            merchant,
            number,
            amount: order.amount,
            description: order.description.to_owned(),
            till: Till::default(),
            code,
            is_large: false,
            transaction,
            scored: Some(Box::new(unscored(transaction))),
        };
        match house.submit(&Command::Charge(Box::new(new)), &[unique])? {
            Outcome::Paid { order, .. } => Ok(OrderId(order.id.to_string())),
            other => Err(unexpected(&other)),
        }
    }

    async fn take_back(&self, shop: usize, number: &str) -> Answer<()> {
        let mut house = self.lock();
        let merchant = house.shop(shop)?;
        let command = Command::Reverse {
            order: Lookup::Number(merchant, OrderNumber::new(number)?),
            merchant,
            transaction: house.transaction(),
        };
        match house.submit(&command, &[])? {
            Outcome::Order(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}
