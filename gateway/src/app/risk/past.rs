//! The past, lived through again.
//!
//! What became of decisions is folded in the order of the journal into a memory of its own, and before each attempt its
//! features are computed as they were then. So rules are tried, and models trained, on what the scorer itself sees. Of
//! attempts that were under way at the same time, one may be seen as settled that was not yet when the other was scored;
//! apart from those the features are the same, to the bit.

use fraud::{Limits, Profiles, Registry};
use ledger::shell::Reading;

use super::memory::{PAGE, fold};
use crate::pay::Decision;
use crate::store::risk_log::{self, Became, Entry, Place};

#[derive(Debug)]
pub struct Past {
    registry: Registry,
    profiles: Profiles,
    place: Place,
    vector: Vec<f64>,
}

impl Past {
    /// The past from its beginning.
    pub fn new(limits: Limits) -> Self {
        Self {
            registry: Registry::new(),
            profiles: Profiles::new(limits),
            place: Place::START,
            vector: Vec::new(),
        }
    }

    /// Lives on for some thousand entries, and shows each decision with its features at that time, in the order of the
    /// registry. Whether there was anything.
    pub async fn live_on(
        &mut self,
        reading: &mut Reading,
        mut see: impl FnMut(&Decision, &[f64]),
    ) -> Result<bool, sqlx::Error> {
        let entries = risk_log::after(reading, self.place, PAGE).await?;
        for entry in &entries {
            self.place = entry.place;
            if let Some(decision) = begins(entry) {
                let attempt = &decision.scored.attempt;
                self.registry
                    .fill(&self.profiles, attempt, &mut self.vector);
                see(decision, &self.vector);
            }
            fold(&mut self.profiles, entry);
        }
        Ok(!entries.is_empty())
    }
}

/// The decision that an entry is the beginning of, if it is one.
fn begins(entry: &Entry) -> Option<&Decision> {
    let begins = matches!(
        entry.became,
        Became::Settled | Became::Pending | Became::Ended
    );
    entry.decision.as_ref().filter(|_| begins)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use fraud::{Channel, Key, Kind};
    use fx::{Currency, Money};
    use ledger::{Sequence, Submission, TransactionId};

    use super::super::{Moving, Risk, follow};
    use super::*;
    use crate::app::{App, Origin, Payer, new_id};
    use crate::config::Config;
    use crate::pay::desk::{self, Said};
    use crate::pay::{
        Command, DecisionId, KeyId, Label, Mode, NewTransfer, Outcome, RiskCommand, TransferId,
        WalletId,
    };

    type Bits = Vec<u64>;

    /// A gateway whose scorer learns when the test says so.
    struct World {
        app: std::sync::Arc<App>,
        place: Place,
        /// What the scorer saw of each attempt.
        online: BTreeMap<u128, Bits>,
    }

    impl World {
        async fn start(config: &Config) -> Self {
            let app = App::start(config).await.expect("it starts").app;
            let following = app.risk.following.lock().await.take();
            following.expect("it follows").abort();
            Self {
                app,
                place: Place::START,
                online: BTreeMap::new(),
            }
        }

        fn risk(&self) -> &Risk {
            &self.app.risk
        }

        async fn submit(&mut self, command: Command) -> Outcome {
            let committed = self.app.handle.submit(Submission::new(command)).await;
            let committed = committed.expect("it is committed");
            self.learn(committed.sequence).await;
            committed.outcome
        }

        /// Learns up to a row.
        async fn learn(&mut self, row: Sequence) {
            let shown = self
                .app
                .handle
                .projected_at_least(row, Duration::from_secs(30))
                .await;
            assert!(shown, "the views show row {row:?}");
            let mut learned = 1;
            while learned > 0 {
                let learning = follow::learn(&self.app.risk, &mut self.place).await;
                learned = learning.expect("the log is readable");
            }
        }

        async fn send(&mut self, (from, to): (u128, u128), amount: i64) {
            let transaction = TransactionId(new_id());
            let amount = Money::new(amount, Currency::CNY);
            let payer = Payer {
                wallet: WalletId(from),
                origin: Origin {
                    device: (amount.amount % 3 > 0).then_some("phone"),
                    place: (amount.amount % 5 > 0).then_some("wtw3s"),
                },
            };
            let attempt = self.risk().attempt(&Moving {
                transaction,
                kind: Kind::Transfer,
                channel: Channel::App,
                payer,
                payee: Some(Key::from(to)),
                amount,
            });
            let seen = self.risk().scorer().features(&attempt);
            self.online.insert(attempt.id, bits(&seen));
            let scored = self.risk().assess(&attempt);
            self.submit(Command::Transfer(NewTransfer {
                id: TransferId(new_id()),
                from: WalletId(from),
                to: WalletId(to),
                amount,
                note: String::new(),
                mode: Mode::Instant,
                bill: None,
                transaction,
                scored: Some(Box::new(scored)),
            }))
            .await;
        }
    }

    fn bits(vector: &[f64]) -> Bits {
        vector.iter().map(|value| value.to_bits()).collect()
    }

    #[tokio::test]
    async fn what_is_learned_from_the_past_is_what_the_scorer_saw_to_the_bit() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut world = World::start(&Config::in_directory(directory.path())).await;
        for wallet in 1..=4_u128 {
            world
                .submit(Command::OpenWallet {
                    id: WalletId(wallet),
                    holder: format!("holder {wallet}"),
                    currencies: vec![Currency::CNY],
                })
                .await;
            // The fourth has nothing, so that its attempts fail.
            if wallet < 4 {
                world
                    .submit(Command::TopUp {
                        transaction: TransactionId(new_id()),
                        wallet: WalletId(wallet),
                        amount: Money::new(1_000_000, Currency::CNY),
                        reference: "in".to_owned(),
                    })
                    .await;
            }
        }
        for turn in 0..60_u32 {
            let from = turn % 4;
            let to = (from + 1 + turn * 7 % 3) % 4;
            let parties = (u128::from(from + 1), u128::from(to + 1));
            let amount = i64::from(turn * turn % 977 + 1);
            world.send(parties, amount).await;
            if turn % 5 == 0 {
                let newest = *world.online.keys().next_back().expect("one was sent");
                let said = Said::Label {
                    decision: DecisionId(newest),
                    label: Label::ALL[usize::from(turn % 2 == 1)],
                    by: KeyId(1),
                    note: String::new(),
                };
                let say = RiskCommand::Desk(desk::Command::Say(said));
                world.submit(Command::Risk(say)).await;
            }
        }

        let mut past = Past::new(Limits::default());
        let mut again = BTreeMap::new();
        let views = world.app.handle.views();
        loop {
            let mut reading = views.read().await.expect("the views are readable");
            let see = |decision: &Decision, vector: &[f64]| {
                again.insert(decision.scored.attempt.id, bits(vector));
            };
            let more = past.live_on(&mut reading, see).await;
            if !more.expect("the log is readable") {
                break;
            }
        }
        assert_eq!(again.len(), 60);
        let (once, now): (Vec<_>, Vec<_>) = (world.online.keys().collect(), again.keys().collect());
        assert_eq!(once, now, "every attempt has a decision");
        let features = world.risk().registry().features();
        for (attempt, (once, now)) in (1..).zip(world.online.values().zip(again.values())) {
            let differing = (features.iter().zip(once).zip(now))
                .filter(|((_, once), now)| once != now)
                .map(|((feature, once), now)| {
                    let [once, now] = [*once, *now].map(f64::from_bits);
                    format!("{}: {once} then, {now} now", feature.name)
                });
            let differing: Vec<String> = differing.collect();
            assert!(differing.is_empty(), "attempt {attempt}: {differing:#?}");
        }
        world.app.shutdown().await;
    }
}
