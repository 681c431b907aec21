//! Running an errand at a till that scans the customer's code: the same steps whatever the rail.

use std::time::Instant;

use fx::Money;

use crate::rail::{Answer, NewOrder, OrderId, Rail, Trouble};
use crate::run::Run;
use crate::tally::Payment;
use crate::world::{Errand, Fate};

impl<R: Rail> Run<R> {
    /// Has the till scan the customer's code. False if the phone has no new code in this minute.
    pub(crate) async fn scanned(
        &self,
        errand: &Errand,
        order: &NewOrder,
        started: Instant,
    ) -> Answer<bool> {
        let Some(code) = self.rail.show_code(errand.person).await? else {
            return Ok(false);
        };
        let charged = self.charge(errand, order, &code).await?;
        let payment = Payment {
            person: errand.person,
            shop: errand.shop,
            order: &charged,
            amount: errand.amount,
        };
        self.note_charge(payment, started);
        match errand.fate {
            Fate::Replayed => self.replay(errand, order, &code).await?,
            Fate::TakenBack => {
                // The till did not hear, and asks until it does.
                for _ in 0..2 {
                    self.rail.take_back(errand.shop, &order.number).await?;
                }
                self.tally().taken_back(payment);
            }
            _ => {}
        }
        Ok(true)
    }

    fn note_charge(&self, payment: Payment<'_>, started: Instant) {
        let mut tally = self.tally();
        tally.orders += 1;
        tally.charges += 1;
        tally.latencies.push(started.elapsed());
        tally.paid(payment, self.town.shops[payment.shop].fee_basis_points);
    }

    /// Charges; who has too little puts more in, and shows the same code again, as it was not used.
    async fn charge(&self, errand: &Errand, order: &NewOrder, code: &str) -> Answer<OrderId> {
        let charged = self.rail.charge(errand.shop, order, code).await;
        match charged {
            Err(Trouble::Refused { code: refusal }) if refusal == "insufficient_funds" => {
                self.tally().refused(refusal);
                let Money { amount, currency } = errand.amount;
                let refill = Money::new(amount * crate::run::REFILL_PERCENT / 100, currency);
                self.top_up(errand.person, refill).await?;
                self.rail.charge(errand.shop, order, code).await
            }
            charged => charged,
        }
    }

    /// A crook has photographed the code and works at the shop next door.
    async fn replay(&self, errand: &Errand, order: &NewOrder, code: &str) -> Answer<()> {
        let next_door = (errand.shop + 1) % self.town.shops.len();
        let stolen = NewOrder {
            number: format!("{}-X", order.number),
            ..order.clone()
        };
        let answer = self.rail.charge(next_door, &stolen, code).await;
        self.must_be_refused(answer.map(|_| ()), "payment_code_used")
    }
}
