//! The ledger side by side with the oracle: every command runs on both and every answer is compared.

use ledger::{
    Account, Command, Engine, Event, Ledger, Moment, Outcome, Record, Sequence, Submission, Verdict,
};

use crate::core_oracle::{Oracle, worsened};

/// The ledger beside the oracle, and everything the ledger wrote.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub(crate) engine: Engine<Ledger>,
    oracle: Oracle,
    journal: Vec<(Sequence, Record<Ledger>)>,
}

impl Pair {
    /// Runs a command on both; whatever they disagree on fails the test.
    pub(crate) fn run(&mut self, command: Command) -> Outcome {
        let moment = Moment {
            sequence: self.engine.applied().next(),
            at: self.engine.clock().plus_secs(60),
        };
        let shown = format!("{command:?}");
        let expected = self.oracle.run(moment.at, &command);
        let before = self.engine.machine().accounts().to_vec();
        let (verdict, record) = self.engine.submit(moment, &Submission::new(command));
        let Verdict::New(outcome) = verdict else {
            panic!("{verdict:?} to {shown}")
        };
        assert_eq!(outcome, expected, "{shown}");
        let is_refusal = matches!(outcome, Outcome::Refused(_));
        assert!(
            !is_refusal || record.is_none(),
            "a refusal changed something: {shown}"
        );
        assert_eq!(
            self.engine.machine().accounts(),
            self.oracle.accounts(),
            "{shown}"
        );
        for sum in self.engine.machine().trial_balance() {
            assert!(sum.balances(), "{sum:?} after {shown}");
        }
        if let Some(record) = record {
            check_limits(before, record.events());
            self.journal.push((moment.sequence, record));
        }
        outcome
    }

    /// Replay gives the live state, and a snapshot gives the same state again.
    pub(crate) fn check_replay(&self) {
        let mut replayed = Engine::<Ledger>::default();
        for (sequence, record) in &self.journal {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        let digest = self.engine.digest().unwrap();
        assert_eq!(replayed.digest().unwrap(), digest);
        let restored = Engine::<Ledger>::restore(&self.engine.snapshot().unwrap()).unwrap();
        assert_eq!(restored.digest().unwrap(), digest);
    }
}

/// Folds the events by hand, one at a time: no transaction worsened a breach of a limit.
fn check_limits(mut accounts: Vec<Account>, events: &[Event]) {
    for event in events {
        let Event::Posted { transaction, .. } = event else {
            continue;
        };
        let before = accounts.clone();
        for posting in &transaction.postings {
            let amount = i128::from(posting.amount);
            accounts[posting.debit.0 as usize].balance.debits += amount;
            accounts[posting.credit.0 as usize].balance.credits += amount;
        }
        for (before, after) in before.iter().zip(&accounts) {
            assert_eq!(worsened(before, after), [], "{transaction:?}");
        }
    }
}
