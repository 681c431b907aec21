//! How fast decisions are, with a million profiles.
//!
//! The whole way is measured: attempt, features, fifty rules, a model of two hundred trees, decision
//! with reasons. The town is made by a fixed sequence, so runs differ only by the machine. The caller
//! brings the clock.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::attempt::{Attempt, Channel, CurrencyCode, Key, Kind, NANOS_PER_SECOND, Outcome, mix};
use crate::decision::Action;
use crate::model::{Boosting, Dataset, Model, TrainError};
use crate::profile::Limits;
use crate::rule::{Lists, MOST_STEPS, Rule, RuleSet};
use crate::scorer::{Ready, Scorer, Settings};

/// The first second of the town.
const START: u64 = 1_700_000_000;
/// Attempts whose features train the model.
const LESSONS: u64 = 60_000;
const TREES: usize = 200;
const RULES: usize = 50;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Profiles there are before anything is measured.
    pub profiles: u64,
    /// Decisions measured.
    pub decisions: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            profiles: 1_000_000,
            decisions: 300_000,
        }
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Decisions a second on one core, the settling of each payment included.
    pub decisions_per_s: f64,
    /// Half of the decisions took no longer.
    pub p50_us: f64,
    /// All but one in a hundred took no longer.
    pub p99_us: f64,
    /// Memory of profiles and pairs over the number of profiles.
    pub bytes_per_entity: usize,
    /// Profiles there were.
    pub entities: usize,
    /// Features computed for each decision.
    pub features: usize,
    /// Rules judged for each decision.
    pub rules: usize,
    /// Trees walked for each decision.
    pub trees: usize,
    /// Decisions that were not *allow*.
    pub stopped: usize,
    /// Half of the decisions took no longer with the longest rules that are allowed, each read to its end.
    pub longest_rules_p50_us: f64,
}

/// Builds a town, then measures decisions. `now` tells nanoseconds that only grow.
pub fn measure(load: Load, now: impl Fn() -> u64) -> Result<Speed, TrainError> {
    let mut town = Town::of(load.profiles);
    let limits = Limits {
        entities_per_role: 1_200_000,
        pairs: 4_000_000,
        in_flight: 1_000,
    };
    let mut scorer = Scorer::new(Settings {
        limits,
        ..Settings::default()
    });
    for _ in 0..2 * town.people {
        scorer.observe(&town.pay(), Outcome::Settled);
    }
    let model = lessons(&mut scorer, &mut town)?;
    let (rules, trees) = (rules(&scorer), model.forest.trees());
    let rule_count = rules.len();
    scorer.set_rules(Arc::new(rules));
    // The model was made of this registry's own names, so it is always taken.
    let ready = Ready::new(Arc::new(model), scorer.registry());
    let taken = ready.map(|ready| scorer.set_champion(ready)).is_ok();

    let (spent, stopped) = throughput(&mut scorer, &mut town, load.decisions, &now);
    let times = latencies(&mut scorer, &mut town, load.decisions, &now);
    scorer.set_rules(Arc::new(longest_rules(&scorer)));
    let longest = latencies(&mut scorer, &mut town, load.decisions.min(AHEAD), &now);
    let entities = scorer.profiles().entities();
    Ok(Speed {
        decisions_per_s: load.decisions as f64 / (spent.max(1) as f64 / 1e9),
        p50_us: micros(&times, 50),
        p99_us: micros(&times, 99),
        bytes_per_entity: scorer.profiles().bytes() / entities.max(1),
        entities,
        features: scorer.registry().features().len(),
        rules: rule_count,
        trees: if taken { trees } else { 0 },
        stopped,
        longest_rules_p50_us: micros(&longest, 50),
    })
}

/// The time that so many in a hundred of sorted times do not exceed.
fn micros(times: &[u64], percent: usize) -> f64 {
    times
        .get(times.len() * percent / 100)
        .map_or(0.0, |nanos| *nanos as f64 / 1e3)
}

/// Attempts made beforehand, so that making them is not measured.
const AHEAD: u64 = 10_000;

/// Nanoseconds for so many attempts scored and settled, without a clock in between, and how many were not
/// allowed.
fn throughput(
    scorer: &mut Scorer,
    town: &mut Town,
    decisions: u64,
    now: impl Fn() -> u64,
) -> (u64, usize) {
    let (mut spent, mut stopped, mut left) = (0, 0, decisions);
    while left > 0 {
        let attempts: Vec<Attempt> = (0..left.min(AHEAD)).map(|_| town.pay()).collect();
        left -= attempts.len() as u64;
        let begun = now();
        for attempt in &attempts {
            let decision = scorer.score(attempt);
            scorer.observe(attempt, Outcome::Settled);
            stopped += usize::from(decision.action != Action::Allow);
        }
        spent += now() - begun;
    }
    (spent, stopped)
}

/// Nanoseconds from attempt to decision, one by one, the shortest first.
fn latencies(
    scorer: &mut Scorer,
    town: &mut Town,
    decisions: u64,
    now: impl Fn() -> u64,
) -> Vec<u64> {
    let time = |_| {
        let attempt = town.pay();
        let begun = now();
        let decision = scorer.score(&attempt);
        let decided = now();
        std::hint::black_box(decision);
        scorer.observe(&attempt, Outcome::Settled);
        decided - begun
    };
    let mut times: Vec<u64> = (0..decisions).map(time).collect();
    times.sort_unstable();
    times
}

impl fmt::Display for Speed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            decisions_per_s,
            p50_us,
            p99_us,
            bytes_per_entity,
            ..
        } = self;
        writeln!(
            out,
            "{decisions_per_s:.0} decisions/s, p50 {p50_us:.2} us, p99 {p99_us:.2} us, {bytes_per_entity} bytes an entity"
        )?;
        let Self {
            entities,
            features,
            rules,
            trees,
            stopped,
            longest_rules_p50_us,
            ..
        } = self;
        writeln!(
            out,
            "({entities} profiles, {features} features, {rules} rules, {trees} trees, {stopped} stopped)"
        )?;
        write!(
            out,
            "with the longest rules that are allowed: p50 {longest_rules_p50_us:.0} us"
        )
    }
}

/// Who pays whom, by a fixed sequence: people with a phone each, one shop to twenty people.
#[derive(Clone, Copy, Debug)]
pub struct Town {
    /// How many people there are.
    pub people: u64,
    attempts: u64,
}

impl Town {
    /// A town in which about so many profiles arise: people pay, are paid, and have a phone.
    pub const fn of(profiles: u64) -> Self {
        Self {
            people: if profiles < 60 { 20 } else { profiles / 3 },
            attempts: 0,
        }
    }

    /// The next attempt: four a second. First everyone pays a neighbour; then four in five attempts go to
    /// shops, and one person in a hundred is twenty times as active as the others.
    #[must_use]
    pub fn pay(&mut self) -> Attempt {
        self.attempts += 1;
        let draw = |purpose: u64, below: u64| mix(self.attempts * 16 + purpose) % below.max(1);
        let arriving = self.attempts <= self.people;
        let active = draw(0, 6) == 0;
        let payer = match (arriving, active) {
            (true, _) => self.attempts - 1,
            (false, true) => draw(1, self.people / 100),
            (false, false) => draw(1, self.people),
        };
        let transfer = arriving || draw(2, 5) == 0;
        let payee = match (arriving, transfer) {
            (true, _) => self.attempts % self.people,
            (false, true) => draw(3, self.people),
            (false, false) => self.people + draw(4, self.people / 20),
        };
        let large = draw(8, 400) == 0;
        let stranger = !arriving && draw(5, 500) == 0;
        Attempt {
            id: u128::from(self.attempts),
            at: START * NANOS_PER_SECOND + self.attempts * (NANOS_PER_SECOND / 4),
            kind: if transfer {
                Kind::Transfer
            } else {
                Kind::Payment
            },
            channel: if transfer {
                Channel::App
            } else {
                Channel::MerchantCode
            },
            payer: Key(payer),
            payee: Some(Key(payee)),
            device: Some(Key(if stranger {
                draw(6, self.people)
            } else {
                payer
            })),
            link: None,
            place: None,
            amount: i64::try_from((100 + draw(7, 5_000)) * if large { 20 } else { 1 })
                .unwrap_or(100),
            currency: CurrencyCode::new("CNY"),
        }
    }
}

/// A model of made-up labels: a large amount is often fraud, anything else almost never.
fn lessons(scorer: &mut Scorer, town: &mut Town) -> Result<Model, TrainError> {
    let names: Vec<String> = scorer
        .registry()
        .features()
        .iter()
        .map(|feature| feature.name.clone())
        .collect();
    let mut data = Dataset::new(names.len());
    for _ in 0..LESSONS {
        let attempt = town.pay();
        let suspicious = attempt.amount > 20_000;
        let fraud = mix(town.attempts) % 10_000 < if suspicious { 4_000 } else { 2 };
        data.push(&scorer.features(&attempt), fraud);
        scorer.observe(&attempt, Outcome::Settled);
    }
    let forest = crate::model::Trainer::train(
        &Boosting {
            rounds: TREES,
            features: 1.0,
            ..Boosting::default()
        },
        &data,
    )?;
    let reference = Vec::new();
    let calibration = crate::model::Calibration::plain();
    Ok(Model {
        version: 1,
        features: names,
        forest,
        calibration,
        trained_on: (data.len(), data.frauds()),
        reference,
        pictures: crate::model::pictures(&data),
    })
}

/// Fifty rules of the kind analysts write; they seldom hold.
fn rules(scorer: &Scorer) -> RuleSet {
    let conditions = [
        "payer.count_1h > NN && amount > 50000",
        "payee.fraud_rate_35d > 0.NN",
        "device.others_30d >= 1NN",
        "kind == 'transfer' && pair.count == 0 && amount > payer.mean * NN + 90000",
        "payer.failed_1d > NN || payee in lists.blocked",
    ];
    let rule = |place: usize| Rule {
        name: format!("rule {place}"),
        when: conditions[place % conditions.len()].replace("NN", &format!("{}", 20 + place)),
        action: Action::Review,
        because: "the rule holds".to_owned(),
        priority: 0,
        shadow: false,
    };
    let rules: Vec<Rule> = (0..RULES).map(rule).collect();
    RuleSet::compile(1, &rules, scorer.registry(), &Lists::new(&["blocked"]))
        .unwrap_or_else(|_| RuleSet::empty())
}

/// As much as rules may ask, and nothing of it holds, so that all of it is asked.
fn longest_rules(scorer: &Scorer) -> RuleSet {
    let values = vec!["-1"; 1_000].join(", ");
    let rule = |place: usize| Rule {
        name: format!("rule {place}"),
        when: format!("amount in [{values}]"),
        action: Action::Review,
        because: "the rule holds".to_owned(),
        priority: 0,
        shadow: false,
    };
    let rules: Vec<Rule> = (0..MOST_STEPS / 1_003).map(rule).collect();
    RuleSet::compile(1, &rules, scorer.registry(), &Lists::default())
        .unwrap_or_else(|_| RuleSet::empty())
}
