//! In process: the payment rules and the journal's chain, one step after another, on a clock that
//! moves only when the town does. The same seed gives the same journal, to the last bit of its hash.

mod chats;
mod tills;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::Role;
use gateway::pay::{
    Assessment, ColdKey, ColdRow, Command, Event, Fee, Lookup, MerchantId, NewMerchant,
    NewOrder as NewPayOrder, NewRefund, OrderId as PayOrderId, OrderNumber, Outcome, Pay, Payments,
    RedPacket, RedPacketId, RefundId, Row as OrderRow, Scored, Transfer, TransferId, Using,
    WalletId, Whence,
};
use gateway::qr;
use gateway::qr::encode::{Drawing, Level, Matrix};
use ledger::shell::{Head, Row, chain::hex};
use ledger::{
    Cold, Engine, Fingerprint, Moment, OnceEntry, OnceKey, Place, Record, Remember, Submission,
    Timestamp, TransactionId, Unique, Verdict,
};
use rand::Rng;
use rand::rngs::SmallRng;

use super::{Answer, Attempt, HouseLine, NewOrder, OrderId, Rail, Receipt, Trouble};
use crate::phone::{self, Phone};
use crate::world::stream::{Actor, stream};
use crate::world::{Person, Shop};

/// When the town's clock starts: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600_000_000_000);
/// How long each step takes on the town's clock.
const STEP_NANOS: u64 = 1_000_000;
/// Finished orders leave memory after this many rows of the journal.
const EVICTION_ROWS: u64 = 256;
/// How often a command may miss something: first the keys that make it happen once, then what it is about.
const MISSES_MAX: usize = 2;
/// Things that fall due at once.
const DUE_MAX: usize = 1_000;
/// The address in the codes; nobody goes there.
const PUBLIC_URL: &str = "https://jiaozi.example";

/// The whole house in memory.
#[derive(Debug)]
struct House {
    engine: Engine<Payments>,
    head: Head,
    /// The journal: each row has one record.
    rows: Vec<Record<Payments>>,
    now: Timestamp,
    ids: SmallRng,
    /// What a gateway keeps in its views: orders and keys that may have left memory.
    orders: BTreeMap<PayOrderId, OrderRow>,
    transfers: BTreeMap<TransferId, Box<Transfer>>,
    red_packets: BTreeMap<RedPacketId, Box<RedPacket>>,
    once: BTreeMap<OnceKey, OnceEntry>,
    shops: BTreeMap<usize, MerchantId>,
    people: BTreeMap<usize, WalletId>,
    phones: BTreeMap<usize, Phone>,
}

#[derive(Debug)]
pub(crate) struct EngineRail(Mutex<House>);

impl EngineRail {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(House {
            engine: Engine::default(),
            head: Head::GENESIS,
            rows: Vec::new(),
            now: START,
            ids: stream(seed, Actor::Ids, u64::MAX),
            orders: BTreeMap::new(),
            transfers: BTreeMap::new(),
            red_packets: BTreeMap::new(),
            once: BTreeMap::new(),
            shops: BTreeMap::new(),
            people: BTreeMap::new(),
            phones: BTreeMap::new(),
        }))
    }

    /// The hash of the journal's last row, how many rows there are, and how many events.
    pub(crate) fn journal(&self) -> (String, u64, u64) {
        let house = self.lock();
        let events: usize = house.rows.iter().map(|record| record.events().len()).sum();
        (hex(&house.head.hash), house.head.sequence.0, events as u64)
    }

    /// Folds the journal from the beginning into a state of its own; the hash of its last row, or
    /// an error when that state is not the live one.
    pub(crate) fn replay(&self) -> anyhow::Result<String> {
        let house = self.lock();
        let (mut engine, mut head) = (Engine::<Payments>::default(), Head::GENESIS);
        for record in &house.rows {
            engine.apply(head.sequence.next(), record, |_, _, _| {});
            head = Row::following(head, engine.epoch(), std::slice::from_ref(record))?.head();
        }
        if engine.digest()? != house.engine.digest()? {
            bail!("replaying the journal gives another state");
        }
        Ok(hex(&head.hash))
    }

    fn lock(&self) -> MutexGuard<'_, House> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl House {
    fn moment(&mut self) -> Moment {
        self.now = self.now.plus_nanos(STEP_NANOS);
        Moment {
            sequence: self.head.sequence.next(),
            at: self.now,
        }
    }

    /// Lets happen what is due, and finished things leave memory now and then.
    fn tick(&mut self) -> anyhow::Result<()> {
        loop {
            let moment = self.moment();
            let Some(record) = self.engine.due(moment, DUE_MAX) else {
                break;
            };
            self.journal(moment, record)?;
        }
        let through = self.head.sequence;
        if through.0 >= self.engine.evicted_through().0 + EVICTION_ROWS {
            let moment = self.moment();
            let record = Record::Evict {
                at: moment.at,
                through,
            };
            self.engine.apply(moment.sequence, &record, |_, _, _| {});
            self.journal(moment, record)?;
        }
        Ok(())
    }

    fn journal(&mut self, moment: Moment, record: Record<Payments>) -> anyhow::Result<()> {
        for event in record.events() {
            if let Event::OrderCreated(order)
            | Event::OrderPaid(order)
            | Event::OrderClosed(order)
            | Event::OrderExpired(order)
            | Event::OrderReversed(order)
            | Event::OrderRefunded { order, .. } = event
            {
                let row = OrderRow {
                    order: order.clone(),
                    changed: moment.sequence,
                };
                self.orders.insert(order.id, row);
            }
            self.keep_what_is_sent(event);
        }
        if let Record::Command {
            uniques,
            outcome: Some(_),
            ..
        } = &record
        {
            let place = Place {
                sequence: moment.sequence,
                record: 0,
            };
            for unique in uniques {
                let entry = ledger::engine::once_entry(place, *unique);
                self.once.insert(unique.key, entry);
            }
        }
        let row = Row::following(
            self.head,
            self.engine.epoch(),
            std::slice::from_ref(&record),
        )?;
        self.head = row.head();
        self.rows.push(record);
        Ok(())
    }

    /// Submits a command; what has left memory is brought along.
    fn submit(&mut self, command: &Command, uniques: &[Unique]) -> Answer<Outcome> {
        self.tick()?;
        let mut cold = Cold::default();
        let mut once_cold = BTreeMap::new();
        let mut misses = 0;
        loop {
            let moment = self.moment();
            let submission = Submission {
                uniques: uniques.to_vec().into(),
                command: command.clone(),
                cold: cold.clone(),
                once_cold: once_cold.clone(),
            };
            let (verdict, record) = self.engine.submit(moment, &submission);
            if let Some(record) = record {
                self.journal(moment, record)?;
            }
            let (keys, once) = match verdict {
                Verdict::New(outcome) => return answer(outcome),
                Verdict::Again(place) => return answer(self.outcome(place)?),
                Verdict::Missing { keys, once, .. } if misses < MISSES_MAX => (keys, once),
                other => return Err(anyhow!("{command:?} was answered with {other:?}").into()),
            };
            misses += 1;
            cold.read_at = self.head.sequence;
            cold.rows.extend(
                keys.into_iter()
                    .map(|key| (key.clone(), self.look_up(&key))),
            );
            once_cold.extend(
                once.into_iter()
                    .map(|key| (key, self.once.get(&key).copied())),
            );
        }
    }

    /// What a record was answered with.
    fn outcome(&self, place: Place) -> anyhow::Result<Outcome> {
        let row = place.sequence.0.checked_sub(1);
        let record = row.and_then(|row| self.rows.get(usize::try_from(row).ok()?));
        match record {
            Some(Record::Command {
                outcome: Some(outcome),
                ..
            }) => Ok(outcome.clone()),
            other => Err(anyhow!("no outcome stands at {place:?}: {other:?}")),
        }
    }

    fn look_up(&self, key: &ColdKey) -> Option<ColdRow> {
        match key {
            ColdKey::Order(lookup) => self.look_up_order(lookup).map(Box::new).map(ColdRow::Order),
            ColdKey::Transfer(id) => self.transfers.get(id).cloned().map(ColdRow::Transfer),
            ColdKey::RedPacket(id) => self.red_packets.get(id).cloned().map(ColdRow::RedPacket),
            // The town shares no bills, combines no orders, gives no mandates and changes no money.
            ColdKey::Bill(_)
            | ColdKey::Combined(_)
            | ColdKey::Mandate(_)
            | ColdKey::Quote(_)
            | ColdKey::Ledger(_) => None,
        }
    }

    fn look_up_order(&self, lookup: &Lookup) -> Option<OrderRow> {
        match lookup {
            Lookup::Id(id) => self.orders.get(id).cloned(),
            Lookup::Number(merchant, number) => {
                let named = |row: &&OrderRow| {
                    row.order.merchant == *merchant && row.order.number == *number
                };
                self.orders.values().find(named).cloned()
            }
        }
    }

    fn transaction(&mut self) -> TransactionId {
        TransactionId(self.ids.random())
    }

    fn shop(&self, place: usize) -> anyhow::Result<MerchantId> {
        self.shops
            .get(&place)
            .copied()
            .context("the shop is not open")
    }

    fn person(&self, place: usize) -> anyhow::Result<WalletId> {
        self.people
            .get(&place)
            .copied()
            .context("the person has no wallet")
    }
}

fn answer(outcome: Outcome) -> Answer<Outcome> {
    match outcome {
        Outcome::Refused(refusal) => Err(Trouble::Refused {
            code: refusal.code().to_owned(),
        }),
        outcome => Ok(outcome),
    }
}

/// A shop's number is used for one order.
fn once(shop: usize, number: &OrderNumber, amount: Money) -> anyhow::Result<Unique> {
    Ok(Unique {
        key: OnceKey::of_text(u64::try_from(shop)?, number.as_str()),
        fingerprint: Fingerprint::of(amount.to_string().as_bytes()),
        remember: Remember::Successes,
    })
}

fn unexpected(outcome: &Outcome) -> Trouble {
    Trouble::Broken(anyhow!("an outcome of another kind: {outcome:?}"))
}

fn id_of(order: &OrderId) -> anyhow::Result<PayOrderId> {
    Ok(order.0.parse()?)
}

/// The town in process is scored by nobody: the same journal must come of the same seed whatever
/// rules the scorer has that day.
fn unscored(transaction: TransactionId) -> Scored {
    let assessment = Assessment {
        verdict: Risk::Allow,
        score_ppm: 0,
        reasons: Vec::new(),
        rules_version: 0,
        model_version: 0,
    };
    let attempt = fraud::Attempt {
        id: transaction.0,
        at: 0,
        kind: fraud::Kind::Payment,
        channel: fraud::Channel::MerchantCode,
        payer: fraud::Key(0),
        payee: None,
        device: None,
        link: None,
        place: None,
        amount: 0,
        currency: fraud::CurrencyCode::new(""),
    };
    Scored {
        assessment,
        attempt,
        evidence: Vec::new(),
        shadow: Vec::new(),
        challenger_ppm: None,
        whence: Whence::default(),
    }
}

impl Rail for EngineRail {
    async fn open_shop(&self, place: usize, shop: &Shop) -> Answer<()> {
        let mut house = self.lock();
        let id = MerchantId(house.ids.random());
        let command = Command::OpenMerchant(NewMerchant {
            id,
            name: shop.name.clone(),
            city: shop.city.to_owned(),
            country: None,
            category: None,
            currencies: vec![shop.currency],
            fee: Fee {
                basis_points: shop.fee_basis_points,
            },
        });
        house.submit(&command, &[])?;
        house.shops.insert(place, id);
        Ok(())
    }

    async fn open_wallet(&self, place: usize, person: &Person) -> Answer<()> {
        let mut house = self.lock();
        let id = WalletId(house.ids.random());
        let currencies = person
            .savings
            .iter()
            .map(|amount| amount.currency)
            .collect();
        let command = Command::OpenWallet {
            id,
            holder: person.holder.clone(),
            currencies,
        };
        house.submit(&command, &[])?;
        house.people.insert(place, id);
        Ok(())
    }

    async fn top_up(&self, person: usize, amount: Money) -> Answer<()> {
        let mut house = self.lock();
        let (transaction, wallet) = (house.transaction(), house.person(person)?);
        let reference = "savings".to_owned();
        house.submit(
            &Command::TopUp {
                transaction,
                wallet,
                amount,
                reference,
            },
            &[],
        )?;
        Ok(())
    }

    async fn order(&self, shop: usize, order: NewOrder) -> Answer<OrderId> {
        let mut house = self.lock();
        let merchant = house.shop(shop)?;
        let number = OrderNumber::new(&order.number)?;
        let unique = once(shop, &number, order.amount)?;
        let new = NewPayOrder {
            id: PayOrderId(house.ids.random()),
            merchant,
            number,
            amount: order.amount,
            description: order.description.to_owned(),
            life_secs: order.life_secs,
        };
        match house.submit(&Command::CreateOrder(new), &[unique])? {
            Outcome::Order(order) => Ok(OrderId(order.id.to_string())),
            other => Err(unexpected(&other)),
        }
    }

    async fn scan(&self, _shop: usize, order: &OrderId) -> Answer<OrderId> {
        let code = qr::CodeRef::new(&order.0).context("an order's id is no code")?;
        let link = qr::link::of_code(PUBLIC_URL, &code);
        let symbol = Matrix::encode(&link, Level::default())?;
        let png = symbol.to_png(Drawing::default())?;
        Ok(phone::read(&png)?)
    }

    async fn pay(&self, attempt: Attempt<'_>) -> Answer<Receipt> {
        if attempt.forged {
            // There are no signatures in process; this is where one would have been found wrong.
            return Err(Trouble::Refused {
                code: "signature_mismatch".to_owned(),
            });
        }
        let mut house = self.lock();
        let transaction = house.transaction();
        let pay = Pay {
            order: id_of(attempt.order)?,
            wallet: house.person(attempt.person)?,
            using: Using::default(),
            confirm: false,
            transaction,
            scored: Some(Box::new(unscored(transaction))),
        };
        let unique = Unique {
            // As a text: a random number may look like an id made in the future.
            key: OnceKey::of_text(u64::MAX, &format!("{:032x}", attempt.key)),
            fingerprint: Fingerprint::of(attempt.order.0.as_bytes()),
            remember: Remember::Always,
        };
        match house.submit(&Command::Pay(pay), &[unique])? {
            Outcome::Paid {
                order,
                wallet_balance,
                ..
            } => {
                let payment = order.payment.context("a paid order has no payment")?;
                let transaction = payment.transaction.to_string();
                Ok(Receipt {
                    transaction,
                    wallet_balance,
                })
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn close(&self, shop: usize, order: &OrderId) -> Answer<()> {
        let mut house = self.lock();
        let (order, merchant) = (Lookup::Id(id_of(order)?), house.shop(shop)?);
        house.submit(&Command::CloseOrder { order, merchant }, &[])?;
        Ok(())
    }

    async fn refund(
        &self,
        shop: usize,
        order: &OrderId,
        number: String,
        amount: Money,
    ) -> Answer<()> {
        let mut house = self.lock();
        let new = NewRefund {
            id: RefundId(house.ids.random()),
            order: Lookup::Id(id_of(order)?),
            merchant: house.shop(shop)?,
            number: OrderNumber::new(&number)?,
            amount,
            reason: "as agreed".to_owned(),
            transaction: house.transaction(),
        };
        match house.submit(&Command::Refund(new), &[])? {
            Outcome::Refunded { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn wait_secs(&self, secs: u64) {
        let mut house = self.lock();
        house.now = house.now.plus_secs(secs);
    }

    async fn state(&self, _shop: usize, order: &OrderId) -> Answer<String> {
        match self
            .lock()
            .submit(&Command::FindOrder(Lookup::Id(id_of(order)?)), &[])?
        {
            Outcome::Order(order) => Ok(order.state.name().to_owned()),
            other => Err(unexpected(&other)),
        }
    }

    async fn wallet_balance(&self, person: usize, currency: Currency) -> Answer<i128> {
        let mut house = self.lock();
        let wallet = house.person(person)?;
        match house.submit(&Command::FindWallet(wallet), &[])? {
            Outcome::Wallet { accounts, .. } => Ok(balance(&accounts, currency)?),
            other => Err(unexpected(&other)),
        }
    }

    async fn shop_balance(&self, shop: usize, currency: Currency) -> Answer<i128> {
        let mut house = self.lock();
        let merchant = house.shop(shop)?;
        match house.submit(&Command::FindMerchant(merchant), &[])? {
            Outcome::Merchant { accounts, .. } => Ok(balance(&accounts, currency)?),
            other => Err(unexpected(&other)),
        }
    }

    async fn house(&self) -> Answer<BTreeMap<String, HouseLine>> {
        match self.lock().submit(&Command::TrialBalance, &[])? {
            Outcome::TrialBalance { sums, house } => {
                let line = |sum: &ledger::TrialBalance| {
                    let of = |role: Role| {
                        let id = role.account(sum.currency);
                        let account = house.iter().find(|account| account.id == id);
                        account.map_or(0, ledger::Account::net)
                    };
                    let held = HouseLine {
                        difference: sum.sum.debits - sum.sum.credits,
                        bank: of(Role::Bank),
                        fees: of(Role::Fees),
                    };
                    (sum.currency.code().to_owned(), held)
                };
                Ok(sums.iter().map(line).collect())
            }
            other => Err(unexpected(&other)),
        }
    }
}

fn balance(accounts: &[ledger::Account], currency: Currency) -> anyhow::Result<i128> {
    let Some(account) = accounts.iter().find(|account| account.currency == currency) else {
        bail!("no account in {currency}")
    };
    Ok(account.net())
}
