//! Stories of rules: what analysts may write, what is refused, what it does.

use std::sync::Arc;

use fraud::rule::{
    Backtest, Draft, Entry, LONGEST, Lists, Past, PublishError, Rule, RuleSet, Tally,
};
use fraud::{Action, Key, Label, Policy, Registry, Scorer, Settings};

use crate::world::{DAY, START, payment};

fn rule(name: &str, when: &str, action: Action) -> Rule {
    Rule {
        name: name.to_owned(),
        when: when.to_owned(),
        action,
        because: format!("rule {name} says so"),
        priority: 0,
        shadow: false,
    }
}

fn lists() -> Lists {
    Lists::new(&["blocked", "trusted"])
}

/// A scorer without a policy of its own, so that only rules act.
fn scorer(rules: &[Rule]) -> Scorer {
    let mut scorer = Scorer::new(Settings {
        policy: Policy::WATCH,
        ..Settings::default()
    });
    scorer.set_lists(lists());
    let set =
        RuleSet::compile(7, rules, scorer.registry(), scorer.lists()).expect("the rules are sound");
    scorer.set_rules(Arc::new(set));
    scorer
}

#[test]
fn conditions_mean_what_cel_says() {
    // The payment is of 12.50 by a payer never seen, at midnight on a Tuesday.
    let cases = [
        ("amount == 1250", true),
        ("amount == 1250.0 && hour == 0", true),
        ("amount > 1250 || amount < 1250", false),
        ("!(amount > 1250)", true),
        ("amount + 50 >= 1300 && amount - 50 <= 1200", true),
        (
            "amount * 2 == 2500 && amount / 100 == 12.5 && amount % 100 == 50",
            true,
        ),
        ("-amount < 0", true),
        ("kind == 'payment' && channel != 'web'", true),
        ("kind in ['transfer', 'withdrawal']", false),
        ("weekday in [1, 2]", true),
        ("currency == 'CNY' && currency != 'USD'", true),
        ("payer.count_1d == 0", true),
        ("has(payer.mean) || has(device.count_1h)", false),
        (
            "payer.mean > 0 || payer.mean <= 0 || payer.mean != 5",
            false,
        ),
        ("amount / payer.count_1d > 3", false),
        ("amount > 1000 ? payer.settled < 1 : false", true),
        ("(amount > 1000 ? 1 : 2) == 1", true),
        ("(amount > 1000) == true", true),
        ("score_ppm < 1000000", true),
        ("payee in lists.blocked", false),
    ];
    for (when, expected) in cases {
        let mut scorer = scorer(&[rule("it", when, Action::Review)]);
        let action = scorer.score(&payment(1, START, 1, 2, 1_250)).action;
        assert_eq!(action == Action::Review, expected, "{when}");
    }
}

#[test]
fn mistakes_are_found_before_a_rule_is_saved_and_the_place_is_named() {
    let cases = [
        (
            "amuont > 5",
            "line 1, column 1: there is no feature `amuont`; did you mean `amount`?",
        ),
        (
            "amount > 5 &&\n  payer.count_2h > 3",
            "line 2, column 8: there is no feature `payer.count_2h`; did you mean `payer.count_1h`?",
        ),
        (
            "amount",
            "line 1, column 1: a yes or no is needed here, but this is a number",
        ),
        (
            "amount > 'five'",
            "line 1, column 8: a number cannot be compared with a text this way",
        ),
        (
            "kind == 'payement'",
            "line 1, column 6: `payement` is none of",
        ),
        (
            "kind > 'payment'",
            "line 1, column 6: a word feature cannot be compared with a text this way",
        ),
        (
            "payee in lists.mules",
            "line 1, column 15: there is no list `mules`; there are [\"blocked\", \"trusted\"]",
        ),
        (
            "payee == 5",
            "line 1, column 7: an entity cannot be compared with a number this way",
        ),
        (
            "amount + true > 1",
            "line 1, column 10: a number is needed here, but this is a yes or no",
        ),
        ("amount > 1 ? 3 : true", "both sides must be alike"),
        ("[1, 2].all(x, x > 0)", "rules do not repeat"),
        ("size(payer) > 1", "rules have no function `size`"),
        ("amount >", "this is not CEL"),
        ("", "this is not CEL"),
    ];
    for (when, expected) in cases {
        let errors = RuleSet::compile(
            1,
            &[rule("it", when, Action::Deny)],
            &Registry::new(),
            &lists(),
        )
        .expect_err(&format!("`{when}` is wrong"));
        let text = errors[0].to_string();
        assert!(
            text.contains(expected),
            "`{when}`: expected `{expected}`, but got `{text}`"
        );
    }
}

#[test]
fn absurd_rules_are_refused_and_not_run() {
    let long = format!("amount > {}", "1 + ".repeat(LONGEST) + "1");
    let deep = format!("{}amount > 1{}", "(".repeat(900), ")".repeat(900));
    for when in [long, deep] {
        let refused = RuleSet::compile(
            1,
            &[rule("it", &when, Action::Deny)],
            &Registry::new(),
            &lists(),
        );
        assert!(refused.is_err(), "{} bytes", when.len());
    }
    let twice = [
        rule("a", "true", Action::Deny),
        rule("a", "false", Action::Deny),
    ];
    assert!(RuleSet::compile(1, &twice, &Registry::new(), &lists()).is_err());
}

#[test]
fn priority_speaks_first_allow_overrides_and_shadow_only_tells() {
    let mut trust = rule("trust", "payee in lists.trusted", Action::Allow);
    trust.priority = 10;
    let mut quiet = rule("quiet", "amount > 0", Action::Deny);
    quiet.shadow = true;
    let rules = [
        rule("large", "amount > 1000", Action::Review),
        rule("huge", "amount > 5000", Action::Deny),
        trust,
        quiet,
    ];
    let mut scorer = scorer(&rules);

    let decision = scorer.score(&payment(1, START, 1, 2, 9_000));
    assert_eq!(
        decision.action,
        Action::Deny,
        "of equal priority the most severe"
    );
    assert_eq!(decision.rule_version, 7);
    assert_eq!(
        decision
            .shadow
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<&str>>(),
        ["quiet"]
    );
    assert_eq!(decision.reasons[0].text(), "rule huge says so");

    let entry = Entry {
        author: "ann".to_owned(),
        until: Some(START + DAY),
    };
    assert!(scorer.lists_mut().add("trusted", Key(2), entry));
    assert_eq!(
        scorer.score(&payment(2, START, 1, 2, 9_000)).action,
        Action::Allow,
        "trusted"
    );
    assert_eq!(
        scorer.score(&payment(3, START + DAY, 1, 2, 9_000)).action,
        Action::Deny,
        "trust has ended"
    );
}

#[test]
fn a_backtest_counts_what_would_have_been_caught_and_disturbed() {
    let registry = Registry::new();
    let amounts = [
        (100, false),
        (2_000, true),
        (3_000, false),
        (4_000, true),
        (50, true),
    ];
    let past: Vec<Past> = amounts
        .iter()
        .map(|(amount, fraud)| {
            let mut vector = vec![f64::NAN; registry.features().len()];
            vector[registry.slot("amount").expect("it is a feature")] = f64::from(*amount);
            let label = Some(if *fraud { Label::Fraud } else { Label::Genuine });
            Past {
                attempt: payment(1, START, 1, 2, i64::from(*amount)),
                vector,
                score_ppm: 0,
                label,
            }
        })
        .collect();
    let mut shadow = rule("small", "amount < 1000", Action::Deny);
    shadow.shadow = true;
    let rules = [rule("large", "amount > 1000", Action::Review), shadow];
    let set = RuleSet::compile(1, &rules, &registry, &lists()).expect("the rules are sound");
    let outcome = Backtest::run(&set, &lists(), &past);

    let large = Tally {
        frauds: 2,
        fraud_amount: 6_000,
        genuine: 1,
        genuine_amount: 3_000,
    };
    assert_eq!((outcome.stopped, outcome.by_rule["large"]), (large, large));
    assert_eq!(
        outcome.by_rule["small"],
        Tally {
            frauds: 1,
            fraud_amount: 50,
            genuine: 1,
            genuine_amount: 100
        }
    );
    assert_eq!((outcome.all.frauds, outcome.all.genuine), (3, 2));
}

#[test]
fn four_eyes_publish() {
    let draft = Draft {
        version: 2,
        author: "ann".to_owned(),
        rules: vec![rule("large", "amount > 1000", Action::Review)],
    };
    let (running, registry) = (RuleSet::empty(), Registry::new());
    assert_eq!(
        draft
            .approve("ann", &running, &registry, &lists())
            .expect_err("ann wrote it"),
        PublishError::SamePerson("ann".to_owned())
    );
    let set = draft
        .approve("bob", &running, &registry, &lists())
        .expect("bob may");
    assert_eq!(set.version(), 2);
    assert!(matches!(
        draft.approve("bob", &set, &registry, &lists()),
        Err(PublishError::NotNewer { .. })
    ));
}
