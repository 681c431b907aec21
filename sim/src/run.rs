//! Running an errand: the same steps whatever the rail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fx::{Currency, Money};
use rand::Rng;

use crate::rail::{Answer, Attempt, HouseLine, NewOrder, OrderId, Rail, Trouble};
use crate::tally::{Payment, Purse, Tally};
use crate::world::stream::{Actor, stream};
use crate::world::{Errand, Fate, Town};

/// How long an order that nobody pays stays open.
const SHORT_LIFE_SECS: u64 = 1;
/// How long the other orders could be paid.
const LONG_LIFE_SECS: u64 = 600;
/// What somebody puts into an empty wallet, in hundredths of the price of what they wanted.
pub(crate) const REFILL_PERCENT: i64 = 1_000;

/// A town on a rail, with the books of what it saw.
#[derive(Debug)]
pub(crate) struct Run<R> {
    pub town: Town,
    pub rail: R,
    tally: Mutex<Tally>,
    /// What the house held before: an earlier town may have left something.
    before: BTreeMap<String, HouseLine>,
}

impl<R: Rail> Run<R> {
    /// A town that is about to begin.
    pub(crate) async fn begin(town: Town, rail: R) -> Answer<Self> {
        let before = rail.house().await?;
        Ok(Self {
            town,
            rail,
            tally: Mutex::default(),
            before,
        })
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one shop.
    pub(crate) async fn open_shop(&self, place: usize) -> Answer<()> {
        self.rail.open_shop(place, &self.town.shops[place]).await
    }

    /// Opens one wallet and puts its owner's savings in.
    pub(crate) async fn open_wallet(&self, place: usize) -> Answer<()> {
        let person = &self.town.people[place];
        self.rail.open_wallet(place, person).await?;
        for amount in &person.savings {
            self.top_up(place, *amount).await?;
        }
        Ok(())
    }

    pub(crate) async fn top_up(&self, person: usize, amount: Money) -> Answer<()> {
        self.rail.top_up(person, amount).await?;
        self.tally().topped_up(person, amount);
        Ok(())
    }

    /// Runs one errand to its end. A refusal is counted; anything broken is a fault with its story.
    pub(crate) async fn errand(&self, number: u64) {
        let errand = Errand::new(&self.town, number);
        let started = Instant::now();
        match self.steps(&errand, started).await {
            Ok(()) => {}
            Err(Trouble::Refused { code }) => self.tally().refused(code),
            Err(Trouble::Broken(error)) => {
                self.tally()
                    .fault(format!("errand {number} ({:?}): {error:#}", errand.fate));
            }
        }
    }

    async fn steps(&self, errand: &Errand, started: Instant) -> Answer<()> {
        let expires = errand.fate == Fate::Expired;
        let order = NewOrder {
            number: errand.order_number(),
            amount: errand.amount,
            description: errand.description,
            life_secs: if expires {
                SHORT_LIFE_SECS
            } else {
                LONG_LIFE_SECS
            },
        };
        let by_till = matches!(
            errand.fate,
            Fate::Scanned | Fate::Replayed | Fate::TakenBack
        );
        if by_till && self.scanned(errand, &order, started).await? {
            return Ok(());
        }
        let order = self.rail.order(errand.shop, order).await?;
        self.tally().orders += 1;
        match errand.fate {
            Fate::Expired => return self.let_expire(errand, &order).await,
            Fate::Closed | Fate::PaidAfterClose => return self.close(errand, &order).await,
            _ => {}
        }
        let looked = Instant::now();
        let order = self.rail.scan(errand.shop, &order).await?;
        let looking = looked.elapsed();
        if errand.fate == Fate::Forged {
            self.try_forged(errand, &order).await?;
        }
        self.pay(errand, &order).await?;
        let latency = started.elapsed().saturating_sub(looking);
        let payment = Self::payment(errand, &order, errand.amount);
        let fee_basis_points = self.town.shops[errand.shop].fee_basis_points;
        self.tally().latencies.push(latency);
        self.tally().paid(payment, fee_basis_points);
        self.after_payment(errand, &order).await
    }

    /// Pays; whoever finds the wallet empty fills it and tries once more.
    async fn pay(&self, errand: &Errand, order: &OrderId) -> Answer<()> {
        let mut keys = stream(self.town.seed, Actor::Ids, errand.number);
        let person = errand.person;
        let mut attempt = Attempt {
            person,
            order,
            key: keys.random(),
            forged: false,
        };
        let mut paid = self.rail.pay(attempt).await;
        if let Err(Trouble::Refused { code }) = &paid
            && code == "insufficient_funds"
        {
            self.tally().refused(code.clone());
            let Money { amount, currency } = errand.amount;
            self.top_up(person, Money::new(amount * REFILL_PERCENT / 100, currency))
                .await?;
            attempt.key = keys.random();
            paid = self.rail.pay(attempt).await;
        }
        let receipt = paid?;
        if errand.fate == Fate::Retried && self.rail.pay(attempt).await? != receipt {
            self.tally()
                .fault(format!("order {order}: a retry got another answer"));
        }
        Ok(())
    }

    async fn after_payment(&self, errand: &Errand, order: &OrderId) -> Answer<()> {
        let amount = errand.amount.amount;
        match errand.fate {
            Fate::RefundedInPart { per_mille } => {
                let part = i128::from(amount) * i128::from(per_mille) / 1_000;
                self.refund(errand, order, 1, i64::try_from(part)?.max(1))
                    .await
            }
            Fate::RefundedInFull => {
                let first = amount / 3;
                if first > 0 {
                    self.refund(errand, order, 1, first).await?;
                }
                self.refund(errand, order, 2, amount - first).await
            }
            Fate::PaidTwice => {
                let key = stream(self.town.seed, Actor::Ids, !errand.number).random();
                let attempt = Attempt {
                    person: errand.rival,
                    order,
                    key,
                    forged: false,
                };
                self.must_be_refused(
                    self.rail.pay(attempt).await.map(|_| ()),
                    "order_already_paid",
                )
            }
            _ => Ok(()),
        }
    }

    async fn refund(&self, errand: &Errand, order: &OrderId, part: u8, amount: i64) -> Answer<()> {
        let amount = Money::new(amount, errand.amount.currency);
        let number = format!("{}-R{part}", errand.order_number());
        self.rail.refund(errand.shop, order, number, amount).await?;
        self.tally().refunded(Self::payment(errand, order, amount));
        Ok(())
    }

    async fn close(&self, errand: &Errand, order: &OrderId) -> Answer<()> {
        self.rail.close(errand.shop, order).await?;
        self.tally().closed(order);
        if errand.fate == Fate::Closed {
            return Ok(());
        }
        let key = stream(self.town.seed, Actor::Ids, errand.number).random();
        let attempt = Attempt {
            person: errand.person,
            order,
            key,
            forged: false,
        };
        self.must_be_refused(self.rail.pay(attempt).await.map(|_| ()), "order_closed")
    }

    /// An order nobody pays must be expired a while after its time, without anyone asking for it.
    async fn let_expire(&self, errand: &Errand, order: &OrderId) -> Answer<()> {
        self.rail.wait_secs(SHORT_LIFE_SECS + 1).await;
        let state = self.rail.state(errand.shop, order).await?;
        if state == "expired" {
            self.tally().expired(order);
        } else {
            self.tally()
                .fault(format!("order {order} should be expired but is {state}"));
        }
        Ok(())
    }

    async fn try_forged(&self, errand: &Errand, order: &OrderId) -> Answer<()> {
        let key = stream(self.town.seed, Actor::Ids, !errand.number).random();
        let attempt = Attempt {
            person: errand.person,
            order,
            key,
            forged: true,
        };
        self.must_be_refused(
            self.rail.pay(attempt).await.map(|_| ()),
            "signature_mismatch",
        )
    }

    pub(crate) fn must_be_refused(&self, answer: Answer<()>, wanted: &str) -> Answer<()> {
        match answer {
            Err(Trouble::Refused { code }) => {
                if code != wanted {
                    self.tally()
                        .fault(format!("refused as {code}, not as {wanted}"));
                }
                self.tally().refused(code);
                Ok(())
            }
            Err(broken) => Err(broken),
            Ok(()) => {
                self.tally()
                    .fault(format!("went through, but should be refused as {wanted}"));
                Ok(())
            }
        }
    }

    fn payment<'a>(errand: &Errand, order: &'a OrderId, amount: Money) -> Payment<'a> {
        Payment {
            person: errand.person,
            shop: errand.shop,
            order,
            amount,
        }
    }

    /// Compares what everyone should hold with what the gateway says they hold.
    pub(crate) async fn audit(&self) -> Answer<Vec<String>> {
        let expected = self.tally().purses.clone();
        let house = self.rail.house().await?;
        let gained = |currency: Currency, held: fn(&HouseLine) -> i128| {
            let of =
                |lines: &BTreeMap<String, HouseLine>| lines.get(currency.code()).map_or(0, held);
            of(&house) - of(&self.before)
        };
        let mut differences = Vec::new();
        for (purse, expected) in expected {
            let found = match purse {
                Purse::Person(person, currency) => {
                    self.rail.wallet_balance(person, currency).await?
                }
                Purse::Shop(shop, currency) => self.rail.shop_balance(shop, currency).await?,
                Purse::Bank(currency) => gained(currency, |line| line.bank),
                Purse::Fees(currency) => gained(currency, |line| line.fees),
            };
            if found != expected {
                differences.push(format!(
                    "{purse:?} holds {found} but should hold {expected}"
                ));
            }
        }
        Ok(differences)
    }
}
