//! What the desk says, given to the scorer: rules, lists and models.
//!
//! Everything that takes time (compiling, reading, looking through) is done beside the running scorer; only the exchange
//! itself is done between two attempts. What cannot be loaded never stops payments: without a model the scorecard
//! speaks, without the rules the house's own do.

use std::sync::{Arc, LazyLock};

use fraud::rule::{Lists, Rule, RuleSet, RulesError};
use fraud::{Action, Ready, Registry, Role};
use ledger::Submission;

use super::Risk;
use crate::pay::desk::{self, Desk, List, Subject};
use crate::pay::{Command, Decision, Outcome, RiskCommand};

/// Models that the scorer has, by version.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    champion: u32,
    challenger: u32,
}

/// What the lists mean. These rules run beside all others, so that blocking somebody needs nobody to write one.
pub(super) static HOUSE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |name: &str, when: &str, action, because: &str, priority, shadow| Rule {
        name: name.to_owned(),
        when: when.to_owned(),
        action,
        because: because.to_owned(),
        priority,
        shadow,
    };
    let listed =
        |list| format!("payer in lists.{list} || payee in lists.{list} || device in lists.{list}");
    vec![
        rule(
            "on_block_list",
            &listed(List::Block.name()),
            Action::Deny,
            "Payer, shop or device is on the block list",
            i32::MAX,
            false,
        ),
        rule(
            "on_allow_list",
            &listed(List::Allow.name()),
            Action::Allow,
            "Payer, shop or device is on the allow list",
            i32::MAX - 1,
            false,
        ),
        rule(
            Decision::WATCHED,
            &listed(List::Watch.name()),
            Action::Review,
            "Payer, shop or device is on the watch list",
            i32::MAX - 2,
            true,
        ),
    ]
});

pub(super) fn no_lists() -> Lists {
    Lists::new(&List::ALL.map(List::name))
}

fn lists(desk: &Desk) -> Lists {
    let mut lists = no_lists();
    for entry in desk.entries.values() {
        let role = match entry.subject {
            Subject::Wallet(_) | Subject::Merchant(_) => Role::Payer,
            Subject::Device(_) => Role::Device,
        };
        let until = entry.until.map(|until| until.0);
        lists.add(entry.list.name(), role, entry.subject.key(), until);
    }
    lists
}

/// Rules with the house's own, ready to run.
pub(super) fn rule_set(
    version: u32,
    rules: &[Rule],
    registry: &Registry,
    lists: &Lists,
) -> Result<RuleSet, Vec<RulesError>> {
    let all: Vec<Rule> = HOUSE.iter().chain(rules).cloned().collect();
    RuleSet::compile(version, &all, registry, lists)
}

impl Risk {
    /// Gives the scorer what the desk now says.
    pub(crate) async fn load_desk(&self) {
        let mut loaded = self.loading.lock().await;
        let question = Submission::new(Command::Risk(RiskCommand::Desk(desk::Command::Look)));
        let answer = self.handle.submit(question).await;
        let outcome = answer.map(|committed| committed.outcome);
        let desk = match outcome {
            Ok(Outcome::Desk(outcome)) => match *outcome {
                desk::Outcome::Desk(desk) => desk,
                _ => return,
            },
            Ok(_) => return,
            Err(error) => {
                tracing::error!(%error, "the desk could not be read; the scorer goes on as it is");
                return;
            }
        };
        self.load_rules(&desk);
        self.load_models(&desk, &mut loaded).await;
    }

    /// Rules that do not fit, which only another version of the gateway can have published, leave those that run as they
    /// are; after a start those are the lists' own.
    fn load_rules(&self, desk: &Desk) {
        let lists = Arc::new(lists(desk));
        let rules = desk.running().map_or(&[][..], |running| &running.rules);
        let set = rule_set(desk.running_version(), rules, &self.registry, &lists);
        let set = set.map(Arc::new).map_err(|errors| {
            tracing::error!(
                version = desk.running_version(),
                first = errors.first().map(ToString::to_string),
                "the published rules do not fit this version of the gateway; those before go on"
            );
        });
        let mut scorer = self.scorer();
        let former_lists = scorer.set_lists(lists);
        let former_rules = set.ok().map(|set| scorer.set_rules(set));
        drop(scorer);
        // They may be long; nobody waits for the scorer while they are cleared away.
        drop((former_lists, former_rules));
    }

    async fn load_models(&self, desk: &Desk, loaded: &mut Loaded) {
        if desk.champion != loaded.champion {
            match self.model(desk, desk.champion).await {
                Some(ready) => self.scorer().set_champion(ready),
                None => self.scorer().retire_champion(),
            }
            loaded.champion = desk.champion;
        }
        if desk.challenger != loaded.challenger {
            let ready = self.model(desk, desk.challenger).await;
            self.scorer().set_challenger(ready);
            loaded.challenger = desk.challenger;
        }
    }

    /// A model, read and made ready while the scorer goes on.
    async fn model(&self, desk: &Desk, version: u32) -> Option<Ready> {
        let card = desk.models.get(&version)?;
        match self.models.load(card, &self.registry).await {
            Ok(ready) => Some(ready),
            Err(error) => {
                tracing::error!(version, %error, "a model could not be read; the scorecard speaks");
                None
            }
        }
    }
}
