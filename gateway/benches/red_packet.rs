//! How fast shares are taken out of one red packet that a whole group opens at the same moment.
//!
//! ```text
//! cargo bench -p gateway --bench red_packet
//! ```
//!
//! Every claim is durable before it is answered: it goes through the sequencer into a journal on disk, with the views
//! written beside. Three loads take turns, each of 500 commands that are given at once: everybody claims from one packet
//! (hot), everybody claims from a packet of their own (cold), and 500 top-ups, which are postings and nothing else (the
//! peer). Run as a test, everything is done once.

use std::time::{Duration, Instant};

use fx::{Currency, Money};
use gateway::api::event;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::{
    Assessment, Command, NewRedPacket, Outcome, Payments, RedPacketId, Scored, Split, WalletId,
    Whence,
};
use gateway::store::PaymentsView;
use ledger::shell::{Handle, Settings, Store};
use ledger::{Submission, TransactionId};
use tokio::task::JoinSet;

/// As many as a group has.
const PEOPLE: u16 = 500;

struct House {
    handle: Handle<Payments>,
    ids: u128,
}

impl House {
    fn id(&mut self) -> u128 {
        self.ids += 1;
        self.ids
    }

    async fn must(&self, command: Command) {
        let committed = self.handle.submit(Submission::new(command)).await;
        let outcome = committed.expect("it is committed").outcome;
        assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    }

    fn top_up(&mut self, wallet: u128, amount: i64) -> Command {
        Command::TopUp {
            transaction: TransactionId(self.id()),
            wallet: WalletId(wallet),
            amount: Money::new(amount, Currency::CNY),
            reference: "in".to_owned(),
        }
    }

    /// Sends a red packet of one share for each of these, from the first wallet.
    async fn packet(&mut self, members: Vec<WalletId>) -> RedPacketId {
        let id = RedPacketId(self.id());
        let transaction = TransactionId(self.id());
        let shares = u16::try_from(members.len()).expect("a group");
        let new = NewRedPacket {
            id,
            from: WalletId(1),
            amount: Money::new(i64::from(shares) * 100, Currency::CNY),
            split: Split::Lucky,
            shares,
            greeting: "happy new year".to_owned(),
            members,
            seed: [7; 32],
            transaction,
            scored: Some(Box::new(scored(transaction))),
        };
        self.must(Command::RedPacket(new)).await;
        id
    }

    fn claim(&mut self, packet: RedPacketId, wallet: WalletId) -> Command {
        Command::Claim {
            packet,
            wallet,
            transaction: TransactionId(self.id()),
        }
    }

    /// Gives all of these at once; how long until the last is answered, and how long each took.
    async fn at_once(&self, commands: Vec<Command>) -> (Duration, Vec<Duration>) {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for command in commands {
            let handle = self.handle.clone();
            tasks.spawn(async move {
                let given = Instant::now();
                let committed = handle.submit(Submission::new(command)).await;
                let outcome = committed.expect("it is committed").outcome;
                assert!(!matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
                given.elapsed()
            });
        }
        let took = tasks.join_all().await;
        (started.elapsed(), took)
    }
}

fn scored(transaction: TransactionId) -> Scored {
    Scored {
        assessment: Assessment {
            verdict: Risk::Allow,
            score_ppm: 0,
            reasons: Vec::new(),
            rules_version: 0,
            model_version: 0,
        },
        attempt: fraud::Attempt {
            id: transaction.0,
            at: 0,
            kind: fraud::Kind::RedPacket,
            channel: fraud::Channel::App,
            payer: fraud::Key(1),
            payee: None,
            device: None,
            link: None,
            place: None,
            amount: 0,
            currency: fraud::CurrencyCode::new("CNY"),
        },
        evidence: Vec::new(),
        shadow: Vec::new(),
        challenger_ppm: None,
        whence: Whence::default(),
    }
}

/// What one load came to over all rounds.
#[derive(Default)]
struct Load {
    rates: Vec<f64>,
    took: Vec<Duration>,
}

impl Load {
    fn add(&mut self, (all, took): (Duration, Vec<Duration>)) {
        self.rates.push(f64::from(PEOPLE) / all.as_secs_f64());
        self.took.extend(took);
    }

    fn median(&mut self) -> f64 {
        self.rates.sort_unstable_by(f64::total_cmp);
        self.rates[self.rates.len() / 2]
    }

    fn quantile(&mut self, per_mille: usize) -> f64 {
        self.took.sort_unstable();
        let rank = (self.took.len() * per_mille).div_ceil(1_000).max(1) - 1;
        self.took[rank].as_secs_f64() * 1e3
    }
}

#[tokio::main]
async fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let rounds = if full { 60 } else { 1 };
    let directory = tempfile::tempdir().expect("a directory");
    let view = PaymentsView::new(event::body);
    let store = Store::open(directory.path(), view, Settings::default()).await;
    let store = store.expect("a store");
    let mut house = House {
        handle: store.handle(),
        ids: 1 << 40,
    };
    let people: Vec<WalletId> = (1..=u128::from(PEOPLE)).map(WalletId).collect();
    for id in &people {
        let open = Command::OpenWallet {
            id: *id,
            holder: format!("holder {}", id.0),
            currencies: vec![Currency::CNY],
        };
        house.must(open).await;
    }
    let purse = house.top_up(1, i64::MAX / 2);
    house.must(purse).await;
    let (mut hot, mut cold, mut peer) = (Load::default(), Load::default(), Load::default());
    for _ in 0..rounds {
        let packet = house.packet(people.clone()).await;
        let claims = people.iter().map(|person| house.claim(packet, *person));
        let claims = claims.collect();
        hot.add(house.at_once(claims).await);
        let mut claims = Vec::new();
        for (person, other) in people.iter().zip(people.iter().skip(1).chain(&people)) {
            let packet = house.packet(vec![*person, *other]).await;
            claims.push(house.claim(packet, *person));
        }
        cold.add(house.at_once(claims).await);
        let top_ups = people.iter().map(|person| house.top_up(person.0, 100));
        let top_ups = top_ups.collect();
        peer.add(house.at_once(top_ups).await);
    }
    let best = peer.median();
    println!("{PEOPLE} commands at once, {rounds} rounds, durable (median of the rounds)");
    for (name, load) in [
        ("claims from one packet", &mut hot),
        ("claims from packets of one's own", &mut cold),
        ("top-ups (peer)", &mut peer),
    ] {
        let rate = load.median();
        println!(
            "  {name:<34} {rate:>9.0}/s   {:.2} of the peer   p50 {:.1} ms   p99 {:.1} ms",
            rate / best,
            load.quantile(500),
            load.quantile(990)
        );
    }
    store.shutdown().await;
}
