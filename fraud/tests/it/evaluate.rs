//! Stories of files that are not ours.

use std::fmt::Write;

use std::sync::Arc;

use fraud::evaluate::{Columns, EvaluateError, Evaluation, evaluate, train};
use fraud::{Action, Boosting, Model, Outcome, Ready, Role, Scorer, Settings};

use crate::world::{DAY, START, payment};

/// Cards that mostly pay little; a thief spends much, and one shop in ten is bad every other day.
fn file(rows: u64) -> String {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = String::from("when,card,shop,amount,city,noise,is_fraud\n");
    for row in 0..rows {
        let (card, shop, stolen) = (draw(200), draw(40), draw(60) == 0);
        let base = 10 + card % 50;
        let amount = if stolen { base * 6 } else { base + draw(base) };
        let bad_shop = shop < 4 && (row / 3_000) % 2 == 1;
        let fraud = stolen || (bad_shop && draw(2) == 0);
        let minute = row * 7;
        let (day, hour) = (1 + minute / 1_440, minute / 60 % 24);
        let city = ["north", "south", "east"][usize::try_from(draw(3)).expect("below three")];
        writeln!(
            text,
            "2024-{:02}-{:02} {hour:02}:{:02}:00,card-{card},shop-{shop},{amount}.50,{city},{},{}",
            1 + day / 28,
            1 + day % 28,
            minute % 60,
            draw(1_000),
            u8::from(fraud)
        )
        .expect("writing to a string");
    }
    text
}

fn columns() -> Columns {
    Columns {
        time: "when".to_owned(),
        label: "is_fraud".to_owned(),
        amount: Some("amount".to_owned()),
        entities: roles(&["card", "shop"]).expect("there are two"),
        ..Columns::default()
    }
}

fn roles(names: &[&str]) -> Result<Vec<(Role, String)>, EvaluateError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Columns::roles(&names)
}

fn run(text: &str, columns: &Columns) -> Result<Evaluation, EvaluateError> {
    evaluate(
        text.as_bytes(),
        columns,
        &Boosting {
            rounds: 60,
            rate: 0.1,
            ..Boosting::default()
        },
        &mut |_| {},
    )
}

#[test]
fn streaming_features_find_what_columns_alone_cannot() {
    let text = file(20_000);
    let with = run(&text, &columns()).expect("the file is sound");
    let without = run(
        &text,
        &Columns {
            entities: Vec::new(),
            ignored: vec!["card".to_owned(), "shop".to_owned()],
            ..columns()
        },
    )
    .expect("the file is sound");
    assert!(
        with.auc > 0.8 && with.ap > without.ap + 0.1,
        "{with:#?} {without:#?}"
    );
    assert_eq!(
        (with.rows, with.skipped, with.test_rows),
        (20_000, 0, 6_000)
    );
    assert!(with.calibration_error < 0.03, "{with:#?}");
    assert!(
        with.top_features
            .iter()
            .any(|it| it.feature.starts_with("shop.fraud_rate")),
        "{:?}",
        with.top_features
    );
    assert!(with.warnings.is_empty(), "{:?}", with.warnings);
    // After a month of history a window of thirty days is full, one of thirty-five is not, and ages only grow.
    for ending in [".age", ".settled", "_35d"] {
        let grows = with.drifted.iter().any(|it| it.feature.ends_with(ending));
        assert!(!grows, "{:?}", with.drifted);
    }
}

#[test]
fn a_model_trained_on_a_file_decides_and_says_why() {
    let trainer = Boosting {
        rounds: 60,
        rate: 0.1,
        ..Boosting::default()
    };
    let model = train(
        file(20_000).as_bytes(),
        &columns(),
        &trainer,
        4,
        &mut |_| {},
    )
    .expect("the file is sound");
    let loaded = Model::from_json(&model.to_json()).expect("it was just written");
    let mut scorer = Scorer::new(Settings::default());
    let ready = Ready::new(Arc::new(loaded), scorer.registry());
    scorer.set_champion(ready.expect("its features are the registry's"));
    let mut decide = |id: u128, day, amount| {
        let attempt = payment(id, START + day * DAY, 1, 2, amount);
        let decision = scorer.score(&attempt);
        scorer.observe(&attempt, Outcome::Settled);
        decision
    };
    for day in 0..30 {
        assert_eq!(
            decide(u128::from(day), day, 2_000).action,
            Action::Allow,
            "day {day}"
        );
    }
    let mut decide =
        |id: u128, day, amount| scorer.score(&payment(id, START + day * DAY, 1, 2, amount));
    let decision = decide(99, 30, 15_000);
    assert!(
        decision.action > Action::Allow && decision.score_ppm > 100_000,
        "{decision:?}"
    );
    assert_eq!(decision.model_version, 4);
    let reasons: Vec<String> = decision.reasons.iter().map(fraud::Reason::text).collect();
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("7.5 times the payer's")),
        "{reasons:?}"
    );
}

#[test]
fn a_file_of_noise_teaches_nothing() {
    let mut shuffled = String::new();
    for (row, line) in file(8_000).lines().enumerate() {
        let (kept, label) = line.rsplit_once(',').expect("there are commas");
        let label = match row {
            0 => label,
            row if row % 10 == 3 => "1",
            _ => "0",
        };
        writeln!(shuffled, "{kept},{label}").expect("writing to a string");
    }
    let result = run(
        &shuffled,
        &Columns {
            entities: Vec::new(),
            ..columns()
        },
    )
    .expect("the file is sound");
    assert!((result.auc - 0.5).abs() < 0.08, "{result:#?}");
}

/// The same attempts as other programs would write them.
#[test]
fn a_file_says_the_same_however_it_is_written() {
    let text = file(6_000);
    let expected = run(&text, &columns()).expect("the file is sound");
    let mut lines: Vec<String> = text.lines().map(elsewhere).collect();
    // The order of rows does not matter either.
    lines[1..].rotate_left(2_500);
    let columns = Columns {
        fraud: Some("Stolen".to_owned()),
        ..columns()
    };
    let found = run(&lines.join("\n"), &columns).expect("the file is sound");
    assert_eq!(found, expected);
}

/// A line with the day first, semicolons, decimal commas and words for labels.
fn elsewhere(line: &str) -> String {
    let cells: Vec<&str> = line.split(',').collect();
    let [when, card, shop, amount, city, noise, label] = cells[..] else {
        return line.to_owned();
    };
    let Some((day, time)) = when.split_once(' ') else {
        return cells.join(";");
    };
    let day: Vec<&str> = day.split('-').rev().collect();
    let (day, amount) = (day.join("/"), amount.replace('.', ","));
    let label = if label == "1" { "stolen" } else { "in order" };
    format!("{day} {time};{card};{shop};{amount};\"{city}\";{noise};{label}")
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let text = file(100);
    let named = |name: &str| Columns {
        label: name.to_owned(),
        ..columns()
    };
    let rare = text
        .replace("0\n", "genuine\n")
        .replace(",1\n", ",chargeback\n");
    let cases: [(&str, Columns, &str); 8] = [
        (
            &text,
            named("fraud"),
            "there is no column `fraud`; there are: when, card, shop",
        ),
        (
            &text,
            named("city"),
            "the column `city` is neither yes nor no in 100 of 100 rows, as in `",
        ),
        (
            &text,
            Columns {
                time: "city".to_owned(),
                ..columns()
            },
            "the column `city` is no time in 100 of 100 rows, as in `",
        ),
        (
            "when,is_fraud\n,0\n2,\n",
            Columns {
                amount: None,
                entities: Vec::new(),
                ..columns()
            },
            "no row has a time and a label (2 were skipped)",
        ),
        (
            "when,is_fraud\n1,0\n2,0\n3,0\n4,0\n",
            Columns {
                amount: None,
                entities: Vec::new(),
                ..columns()
            },
            "says fraud in 0 of 4 rows",
        ),
        ("", columns(), "the file is empty"),
        (
            &text,
            Columns {
                amount: Some("city".to_owned()),
                ..columns()
            },
            "the column of amounts is no number in 100 of 100 rows, as in `",
        ),
        // However rare the word for fraud is, it is not taken for a row without a label.
        (&rare, columns(), "rows, as in `chargeback`; labels are 0/1"),
    ];
    for (text, columns, expected) in cases {
        let error = run(text, &columns).expect_err(expected).to_string();
        assert!(
            error.contains(expected),
            "expected `{expected}`, but got `{error}`"
        );
    }
    let packed = evaluate(
        &b"\x1f\x8b\x08"[..],
        &columns(),
        &Boosting::default(),
        &mut |_| {},
    );
    let packed = packed.expect_err("it is compressed").to_string();
    assert!(packed.contains("unpack it first"), "{packed}");
    let too_many = roles(&["card"; 6]).expect_err("there are five roles");
    assert_eq!(
        too_many.to_string(),
        "6 entity columns are too many; name at most five"
    );
}

/// The hint fits what is wrong.
#[test]
fn what_to_name_instead_is_said() {
    let text = file(1_000);
    let plain = || Columns {
        amount: None,
        entities: Vec::new(),
        ..columns()
    };
    let two = |label: &str| format!("when,is_fraud\n1,{label}\n2,{label}\n");
    let hundred = |time: fn(u32) -> u32, fraud: fn(u32) -> bool| {
        let line = |row| format!("\n{},{}", time(row), u8::from(fraud(row)));
        let lines: Vec<String> = (0..100).map(line).collect();
        "when,is_fraud".to_owned() + &lines.concat()
    };
    let names: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
    let cases: [(String, Columns, &str); 9] = [
        (
            "when,is_fraud\n7200000000,0\n7200000001,1\n".to_owned(),
            plain(),
            "times after the year 2106",
        ),
        (
            text.clone(),
            Columns {
                fraud: Some("charge_back".to_owned()),
                ..columns()
            },
            "`charge_back` occurs nowhere in the column `is_fraud`, whose values are such as `0`, `1`;",
        ),
        (
            two("0"),
            plain(),
            "says fraud in 0 of 2 rows, so there is nothing to tell apart; name another column with --label",
        ),
        (two("1"), plain(), "says fraud in 2 of 2 rows"),
        (
            names.join(",") + "\n1\n",
            columns(),
            "c18, c19 and 10 more; name it with --time",
        ),
        (
            text,
            Columns {
                amount: Some("money".to_owned()),
                ..columns()
            },
            "is_fraud; name it with --amount",
        ),
        (
            "[{\"when\": 1}]".to_owned(),
            columns(),
            "it looks like JSON; write it as CSV or Parquet",
        ),
        (
            hundred(
                |row| if row < 90 { row } else { row * 10_000 },
                |row| row % 10 == 0,
            ),
            plain(),
            "the column `when` cannot be times of attempts (name another with --time)",
        ),
        (
            hundred(|row| row * 1_000, |row| row >= 90),
            plain(),
            "by the column `when`, has 0 frauds in 66 rows",
        ),
    ];
    for (text, columns, expected) in cases {
        let error = run(&text, &columns).expect_err(expected).to_string();
        assert!(
            error.contains(expected),
            "expected `{expected}`, but got `{error}`"
        );
    }
    // Training looks at all of the file, and says nothing of a part.
    let genuine = two("0");
    let trainer = Boosting::default();
    let untaught = train(genuine.as_bytes(), &plain(), &trainer, 1, &mut |_| {});
    let untaught = untaught.expect_err("there is no fraud").to_string();
    assert!(
        untaught.contains("--label") && !untaught.contains("older part"),
        "{untaught}"
    );
}

/// A file that says twice what was decided.
#[test]
fn what_tells_the_outcome_is_left_out_where_all_of_it_is_there() {
    let text = file(6_000);
    let asked = Columns {
        outcomes: vec!["verdict".to_owned(), "standing".to_owned()],
        ..columns()
    };
    let decided = |names: &str| {
        let line = |(row, line): (usize, &str)| match row {
            0 => format!("{line},{names}"),
            _ if line.ends_with(",1") => format!("{line},deny,deny"),
            _ => format!("{line},allow,allow"),
        };
        let lines: Vec<String> = text.lines().enumerate().map(line).collect();
        run(&lines.join("\n"), &asked).expect("the file is sound")
    };
    let knows = |found: &Evaluation| {
        let mut warnings = found.warnings.iter();
        warnings.any(|warning| warning.contains("may already know the outcome"))
    };
    let both = decided("verdict,standing");
    assert_eq!(both.left_out, ["verdict", "standing"]);
    assert!(both.auc < 0.99 && !knows(&both), "{both:#?}");
    let one = decided("verdict,other");
    assert!(one.left_out.is_empty(), "{one:#?}");
    assert!(one.auc > 0.995 && knows(&one), "{one:#?}");
}

#[test]
fn what_could_not_be_used_is_said() {
    let mut text = String::new();
    for (row, line) in file(2_000).lines().enumerate() {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[3] = match row % 50 {
            1 => "",
            2 => "-3.00",
            _ => cells[3],
        };
        cells.push(if row == 0 { "when" } else { "noon" });
        writeln!(text, "{}", cells.join(",")).expect("writing to a string");
    }
    let found = run(&text, &columns()).expect("the file is sound");
    let mut at_once = "when,is_fraud,size\n".to_owned();
    for row in 0..200 {
        let (fraud, size) = (u8::from(row % 10 == 0), row * 37 % 101);
        writeln!(at_once, "5,{fraud},{size}.5").expect("writing to a string");
    }
    let plain = Columns {
        amount: None,
        entities: Vec::new(),
        ..columns()
    };
    let at_once = run(&at_once, &plain).expect("the file is sound");
    for (found, said) in [
        (&found, "more than one column is called `when`"),
        (&found, "40 of 2000 amounts are missing or no number"),
        (&found, "40 of 2000 amounts are negative"),
        (&found, "and 7 tested on"),
        (&at_once, "all 200 rows are at the same time"),
        (&at_once, "there is no column of amounts"),
    ] {
        let is_said = found.warnings.iter().any(|it| it.contains(said));
        assert!(is_said, "{said}: {:?}", found.warnings);
    }
}

#[test]
fn columns_are_found_by_default_however_their_names_are_written() {
    let text = file(6_000).replacen("when,card,shop,amount,", "when,PAYER,Payee,Amount,", 1);
    let by_default = Columns {
        amount: None,
        entities: Vec::new(),
        ..columns()
    };
    let by_name = Columns {
        amount: Some("Amount".to_owned()),
        entities: roles(&["PAYER", "Payee"]).expect("there are two"),
        ..columns()
    };
    let found = run(&text, &by_default).expect("the file is sound");
    assert_eq!(found, run(&text, &by_name).expect("the file is sound"));
    // What compares amounts says nothing without any.
    let without = Columns {
        ignored: vec!["Amount".to_owned()],
        ..by_default
    };
    let without = run(&text, &without).expect("the file is sound");
    assert!(without.features + 30 < found.features, "{without:#?}");
    let is_of_amounts = |name: &str| name.contains("amount") || name.contains("ratio_");
    let mut named = without.top_features.iter().chain(&without.drifted);
    assert!(named.all(|it| !is_of_amounts(&it.feature)), "{without:#?}");
}
