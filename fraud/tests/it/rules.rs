//! Stories of rules: what analysts may write, what is refused, what it does.

use std::sync::Arc;

use fraud::rule::{Backtest, LONGEST, Lists, MOST, Past, Rule, RuleSet, Tally};
use fraud::{Action, Key, Label, Policies, Registry, Role, Scorer, Settings};

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
        policies: Policies::WATCH,
        ..Settings::default()
    });
    scorer.set_lists(Arc::new(lists()));
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
        ("currency = \"CNY\"", "; write == to compare"),
        ("kind == 'a = b' &&", "this is not CEL"),
        ("amount >= 5 AND hour == 3", "; write && for and, || for or"),
        ("amount > 5 or hour > 3", "; write && for and, || for or"),
        (
            "device == 'phone-9'",
            "line 1, column 8: an entity cannot be compared with a text this way; entities are compared with lists, as in \
             `device in lists.blocked`",
        ),
        (
            "merchant in lists.blocked",
            "there is no feature `merchant`; did you mean `payee`?",
        ),
        (
            "shop.count_1h > 3",
            "there is no feature `shop.count_1h`; did you mean `payee.count_1h`?",
        ),
        (
            "has(customer.maen)",
            "there is no feature `customer.maen`; did you mean `payer.mean`?",
        ),
        ("wallet == 5", "did you mean `payer`?"),
        ("user in lists.trusted", "did you mean `payer`?"),
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

/// Whatever somebody sends, a thread of a server with its small stack answers it, and soon.
#[test]
fn absurd_rules_are_refused_and_not_run() {
    let filled = |start: &str, part: &str, end: &str| {
        let many = (LONGEST - start.len() - end.len()) / part.len();
        format!("{start}{}{end}", part.repeat(many))
    };
    let deep = |open: &str, middle: &str, close: &str| {
        let many = (LONGEST - middle.len()) / (open.len() + close.len());
        format!("{}{middle}{}", open.repeat(many), close.repeat(many))
    };
    let absurd = [
        format!("amount > {}", "1 + ".repeat(LONGEST) + "1"),
        deep("(", "amount > 1", ")"),
        deep("[", "1", "]"),
        deep("{1:", "1", "}"),
        deep("f(", "1", ")"),
        deep("[1].all(x,", "true", ")"),
        deep("true ? ", "true", " : true"),
        filled("", "(", ""),
        filled("", "[", ""),
        filled("", "-", "1"),
        filled("", "true ? ", "true"),
        filled("amount", ".a", " > 1"),
        filled("amount", "[0]", " > 1"),
        filled("amount", ".f()", " > 1"),
        filled("'", "\\", "' == kind"),
        filled("\"", "字", ""),
        filled("", "\0", ""),
        filled("amount in [", "1,", ""),
    ];
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let tried = small.spawn(move || {
        for when in absurd {
            let rules = [rule("it", &when, Action::Deny)];
            let refused = RuleSet::compile(1, &rules, &Registry::new(), &lists());
            let shape: String = when.chars().take(20).collect();
            assert!(refused.is_err(), "{shape}…");
        }
    });
    tried
        .expect("a thread starts")
        .join()
        .expect("no rule is too much for it");
    let twice = [
        rule("a", "true", Action::Deny),
        rule("a", "false", Action::Deny),
    ];
    assert!(RuleSet::compile(1, &twice, &Registry::new(), &lists()).is_err());
}

/// A hundred rules of a thousand cases each would hold up every payment, though each of them is sound.
#[test]
fn rules_that_take_too_many_steps_together_are_refused() {
    let cases = vec!["7"; 1_000].join(",");
    let when = format!("amount in [{cases}]");
    let rules = |many: usize| -> Vec<Rule> {
        let named = |place| rule(&format!("rule_{place}"), &when, Action::Review);
        (0..many).map(named).collect()
    };
    let compile = |many| RuleSet::compile(1, &rules(many), &Registry::new(), &lists());
    assert_eq!(compile(10).expect("these are few").len(), 10);
    let refused = compile(100).expect_err("these are many");
    let text = refused[0].to_string();
    assert!(
        text.contains("100200 steps together, at most 20000"),
        "{text}"
    );
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

    let mut trusting = lists();
    assert!(trusting.add("trusted", Role::Payee, Key(2), Some(START + DAY)));
    let former = scorer.set_lists(Arc::new(trusting));
    assert_eq!(former.names(), scorer.lists().names());
    assert_eq!(
        scorer.score(&payment(2, START, 1, 2, 9_000)).action,
        Action::Allow,
        "trusted"
    );
    for (at, action) in [
        (START + DAY, Action::Allow),
        (START + DAY + 1, Action::Deny),
    ] {
        let decision = scorer.score(&payment(3, at, 1, 2, 9_000));
        assert_eq!(
            decision.action, action,
            "its last moment is {DAY} later: {at}"
        );
    }
}

/// A device's name is the sender's to choose, so its key can be made to be a wallet's.
#[test]
fn keys_of_different_families_never_meet_on_a_list() {
    let listed = |role: Role| format!("{} in lists.trusted", role.name());
    let on = |role| {
        let mut trusting = lists();
        assert!(trusting.add("trusted", role, Key(7), None));
        Arc::new(trusting)
    };
    let mut attempt = payment(1, START, 7, 7, 100);
    (attempt.device, attempt.link, attempt.place) = (Some(Key(7)), Some(Key(7)), Some(Key(7)));
    let party = |role| matches!(role, Role::Payer | Role::Payee);
    for asked in Role::ALL {
        let mut scorer = scorer(&[rule("it", &listed(asked), Action::Review)]);
        for role in Role::ALL {
            scorer.set_lists(on(role));
            let held = scorer.score(&attempt).action == Action::Review;
            let same = asked == role || (party(asked) && party(role));
            assert_eq!(held, same, "{asked:?} asked, {role:?} listed");
        }
    }
}

#[test]
fn the_house_has_room_for_its_own_rules_beside_all_that_people_may_have() {
    let rules: Vec<Rule> = (0..MOST + 17)
        .map(|place| rule(&format!("rule_{place}"), "amount > 5", Action::Review))
        .collect();
    let compile = |many| RuleSet::compile(1, &rules[..many], &Registry::new(), &lists());
    assert_eq!(compile(MOST + 16).expect("so many fit").len(), MOST + 16);
    let refused = compile(MOST + 17).expect_err("these are too many");
    assert!(refused[0].to_string().contains("at most 500 are allowed"));
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
