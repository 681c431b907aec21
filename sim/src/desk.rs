//! The town's two analysts and its crooks.
//!
//! Before the shops open the analysts publish rules; while the town shops, crooks go about their schemes; in the evening the
//! analysts work the queue. They know who is a crook, as analysts do when the calls have come in, and say so. What is
//! left of the queue is for whoever visits.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use gateway::sign::Signer;
use rand::Rng as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::rail::http::{HttpRail, Tried};
use crate::rail::{Answer, NewOrder, Rail, Trouble};
use crate::run::Run;
use crate::tally::Payment;
use crate::world::crook::{Crook, Scheme, fence};
use crate::world::stream::{Actor, stream};

/// Crooks of a town: three of each kind.
pub(crate) const CROOKS: u32 = 9;
/// The file of a key with which a visitor signs in at the analysts' door.
pub(crate) const KEY_FILE: &str = "analyst.key";
/// Money on hold that is left for the visitor to decide about.
const LEFT: usize = 2;
const CASES_PER_PAGE: usize = 100;

/// What came of the crooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Caught {
    pub crooks: u32,
    pub schemes: Vec<SchemeCaught>,
    /// Cases of people who were no crooks.
    pub false_alarms: u32,
    /// Payments on hold that still wait for an analyst.
    pub waiting: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SchemeCaught {
    pub scheme: &'static str,
    pub tries: u32,
    pub got_away: u32,
    pub denied: u32,
    pub held: u32,
    /// In hundredths of a yuan.
    pub lost: i64,
    pub saved: i64,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  fraud     {:>8} crooks", self.crooks)?;
        for one in &self.schemes {
            writeln!(
                f,
                "    {:<15} {:>3} tries: {} denied, {} held, {} got away; CNY {}.{:02} saved, {}.{:02} lost",
                one.scheme,
                one.tries,
                one.denied,
                one.held,
                one.got_away,
                one.saved / 100,
                one.saved % 100,
                one.lost / 100,
                one.lost % 100
            )?;
        }
        writeln!(
            f,
            "    false alarms {}, {} cases wait for you at the analysts' door",
            self.false_alarms, self.waiting
        )
    }
}

/// Two analysts, each with a key.
#[derive(Debug)]
pub(crate) struct Desk {
    author: Signer,
    approver: Signer,
    /// A third key, for a visitor.
    visitor: Value,
}

fn rules() -> Value {
    json!([
        {
            "name": "card_testing", "action": "deny", "priority": 20,
            "when": "currency == \"CNY\" && amount < 300.0 && device.count_10m > 4.0",
            "because": "Many payments of next to nothing from one device within minutes"
        },
        {
            "name": "strange_phone", "action": "review", "priority": 10,
            "when": "currency == \"CNY\" && amount > 40000.0 && device.settled < 1.0",
            "because": "A large payment from a phone that has never paid before"
        },
        {
            "name": "straight_through", "action": "review", "priority": 15,
            "when": "currency == \"CNY\" && amount > 200000.0 && payer.settled < 2.0",
            "because": "All at once from a wallet that has hardly been used"
        }
    ])
}

impl Desk {
    /// Makes the keys and publishes the rules.
    pub(crate) async fn open(rail: &HttpRail) -> Answer<Self> {
        let mut keys = Vec::new();
        for _ in 0..3 {
            keys.push(rail.operate("/v1/keys", json!({"role": "analyst"})).await?);
        }
        let visitor = keys.pop().context("three keys were made")?;
        let signers: Vec<Signer> = keys
            .iter()
            .map(|key| {
                Ok(Signer::new(
                    text(key, "id")?,
                    text(key, "secret")?.as_bytes(),
                ))
            })
            .collect::<anyhow::Result<_>>()?;
        let [author, approver] =
            <[Signer; 2]>::try_from(signers).map_err(|_| anyhow::anyhow!("two keys are left"))?;
        let draft = json!({"rules": rules(), "note": "What the town has learned"});
        let draft = rail.act(&author, "/v1/rules/drafts", draft).await?;
        let id = text(&draft["draft"], "id")?;
        let path = format!("/v1/rules/drafts/{id}/approve");
        rail.act(&approver, &path, json!({})).await?;
        Ok(Self {
            author,
            approver,
            visitor,
        })
    }

    /// Leaves the visitor's key beside the operator's, for nobody else to read.
    pub(crate) fn leave_key(&self, data: &Path) -> anyhow::Result<()> {
        use std::io::Write as _;
        let file = data.join(KEY_FILE);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&file)?;
        let key = json!({
            "key_id": text(&self.visitor, "id")?, "secret": text(&self.visitor, "secret")?
        });
        writeln!(out, "{key}")?;
        Ok(())
    }

    /// Works the queue: says of each case what it was, and denies what is on hold of crooks.
    pub(crate) async fn work(&self, run: &Run<HttpRail>, caught: &mut Caught) -> Answer<()> {
        let rail = &run.rail;
        let crooks: BTreeSet<&str> = rail.wallets_from(run.town.people.len()).collect();
        let known: BTreeSet<&str> = rail.wallets_from(0).collect();
        let mut cursor = String::new();
        loop {
            let path = "/v1/cases";
            let query = format!("show=unlabelled&limit={CASES_PER_PAGE}{cursor}");
            let page = rail.look(&self.author, path, &query).await?;
            for case in page["data"].as_array().context("a list of cases")? {
                // What an earlier town left is not ours to judge.
                if !known.contains(text(case, "wallet")?.as_str()) {
                    continue;
                }
                self.decide(rail, case, &crooks, caught).await?;
            }
            let Some(next) = page["next_cursor"].as_str() else {
                return Ok(());
            };
            cursor = format!("&cursor={next}");
        }
    }

    async fn decide(
        &self,
        rail: &HttpRail,
        case: &Value,
        crooks: &BTreeSet<&str>,
        caught: &mut Caught,
    ) -> Answer<()> {
        let id = text(case, "id")?;
        let is_crook = crooks.contains(text(case, "wallet")?.as_str());
        let held = case["standing"] == "in_review";
        if held && is_crook && (caught.waiting as usize) < LEFT {
            caught.waiting += 1;
            return Ok(());
        }
        caught.false_alarms += u32::from(!is_crook);
        let act = if is_crook { "deny" } else { "release" };
        if held {
            let note = json!({"note": "Spoke to the wallet's owner"});
            rail.act(&self.approver, &format!("/v1/cases/{id}/{act}"), note)
                .await?;
        }
        let label = if is_crook { "fraud" } else { "genuine" };
        let said = json!({"label": label, "note": "Spoke to the wallet's owner"});
        rail.act(&self.author, &format!("/v1/cases/{id}/label"), said)
            .await?;
        Ok(())
    }
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let found = value[name].as_str();
    found
        .map(ToOwned::to_owned)
        .with_context(|| format!("no {name} in {value}"))
}

impl Run<HttpRail> {
    /// Lets the crooks go about their schemes, one after the other.
    pub(crate) async fn crooks(&self) -> Answer<Caught> {
        let shop = self.town.shops.len();
        self.rail.open_shop(shop, &fence()).await?;
        let mut caught = Caught {
            crooks: CROOKS,
            schemes: Scheme::ALL.map(SchemeCaught::of).to_vec(),
            ..Caught::default()
        };
        for number in 0..CROOKS {
            let crook = Crook::new(self.town.seed, number);
            let person = self.town.people.len() + number as usize;
            self.rail.open_wallet(person, &crook.person()).await?;
            self.top_up(person, crook.purse).await?;
            let place = Scheme::ALL
                .iter()
                .position(|scheme| *scheme == crook.scheme);
            let row = &mut caught.schemes[place.unwrap_or_default()];
            self.scheme(&crook, (person, shop), row).await?;
        }
        Ok(caught)
    }

    async fn scheme(
        &self,
        crook: &Crook,
        (person, shop): (usize, usize),
        row: &mut SchemeCaught,
    ) -> Answer<()> {
        let mut ids = stream(self.town.seed, Actor::CrookIds, u64::from(crook.number));
        for amount in &crook.tries {
            let order = NewOrder {
                number: format!("X-{:032x}", ids.random::<u128>()),
                amount: *amount,
                description: "gift cards",
                life_secs: 24 * 3_600,
            };
            let order = self.rail.order(shop, order).await?;
            self.tally().orders += 1;
            row.tries += 1;
            let key = ids.random();
            match self
                .rail
                .try_to_pay(person, &order, key, &crook.device)
                .await
            {
                Ok(Tried::Paid) => {
                    let payment = Payment {
                        person,
                        shop,
                        order: &order,
                        amount: *amount,
                    };
                    self.tally().paid(payment, fence().fee_basis_points);
                    row.got_away += 1;
                    row.lost += amount.amount;
                }
                Ok(Tried::Waits) => {
                    row.held += 1;
                    row.saved += amount.amount;
                }
                Err(Trouble::Refused { code }) => {
                    self.tally().refused(code);
                    row.denied += 1;
                    row.saved += amount.amount;
                }
                Err(broken) => return Err(broken),
            }
        }
        Ok(())
    }
}

impl SchemeCaught {
    fn of(scheme: Scheme) -> Self {
        Self {
            scheme: scheme.name(),
            ..Self::default()
        }
    }
}
