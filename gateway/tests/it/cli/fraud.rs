//! Models of fraud on the command line: what a labelled file teaches, and what is said of one that teaches nothing.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::sync::Arc;

use gateway::report::attempts::COLUMNS;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{gateway, in_folder};

/// Time, card, shop, amount, and whether it was fraud: every so often a thief spends ten times the usual.
fn rows() -> impl Iterator<Item = (i64, String, String, f64, i64)> {
    (0..6_000_i64).map(|row| {
        let (card, shop) = (row * 7 % 61, row * 11 % 23);
        let stolen = row % 37 == 5;
        let usual = f64::from(i32::try_from(10 + card).expect("a small number"));
        let amount = if stolen { 10.0 * usual } else { usual };
        (
            1_700_000_000 + row * 400,
            format!("card-{card}"),
            format!("Shop, No. {shop}"),
            amount,
            i64::from(stolen),
        )
    })
}

fn csv(folder: &TempDir) -> String {
    let mut text = "\u{feff}When;\"Card No\";shop;amt;Is Fraud?\n".to_owned();
    for (at, card, shop, amount, fraud) in rows() {
        writeln!(text, "{at};{card};\"{shop}\";{amount};{fraud}").expect("writing to a string");
    }
    let file = in_folder(folder, "attempts.csv");
    fs::write(&file, text).expect("the folder is writable");
    file
}

/// The same rows, with the names that attempts have.
fn parquet(folder: &TempDir) -> String {
    let file = in_folder(folder, "attempts.parquet");
    let schema = "message attempts { required int64 time; required binary payer (UTF8); \
                  required binary payee (UTF8); required double amount; required int64 label; }";
    let schema = Arc::new(parse_message_type(schema).expect("the schema is sound"));
    let out = File::create(&file).expect("the folder is writable");
    let mut writer =
        SerializedFileWriter::new(out, schema, Arc::default()).expect("it can be begun");
    let mut group = writer.next_row_group().expect("there is a first");
    let text = |text: String| ByteArray::from(text.into_bytes());
    let times: Vec<i64> = rows().map(|row| row.0).collect();
    let payers: Vec<ByteArray> = rows().map(|row| text(row.1)).collect();
    let payees: Vec<ByteArray> = rows().map(|row| text(row.2)).collect();
    let amounts: Vec<f64> = rows().map(|row| row.3).collect();
    let labels: Vec<i64> = rows().map(|row| row.4).collect();
    for place in 0..5 {
        let mut column = group
            .next_column()
            .expect("it goes on")
            .expect("there are five");
        let written = match place {
            0 => column.typed::<Int64Type>().write_batch(&times, None, None),
            1 => column
                .typed::<ByteArrayType>()
                .write_batch(&payers, None, None),
            2 => column
                .typed::<ByteArrayType>()
                .write_batch(&payees, None, None),
            3 => column
                .typed::<DoubleType>()
                .write_batch(&amounts, None, None),
            _ => column.typed::<Int64Type>().write_batch(&labels, None, None),
        };
        assert_eq!(written.expect("the column can be written"), times.len());
        column.close().expect("the column can be closed");
    }
    group.close().expect("the group can be closed");
    writer.close().expect("the file can be closed");
    file
}

#[test]
fn a_labelled_csv_with_odd_headers_is_judged() {
    let folder = TempDir::new().expect("a folder");
    let file = csv(&folder);
    let line = [
        "fraud",
        "evaluate",
        "--data",
        &file,
        "--time",
        "when",
        "--label",
        "Is Fraud?",
    ];
    let named = [
        "--amount", "amt", "--entity", "Card No", "--entity", "shop", "--json",
    ];
    let (code, out, error) = gateway(&[&line[..], &named[..]].concat());
    assert_eq!(code, 0, "{error}");
    let report: Value = serde_json::from_str(&out).expect("standard output is JSON");
    for key in [
        "auc",
        "ap",
        "recall_at_0_1_percent",
        "recall_at_0_5_percent",
    ] {
        assert!(report[key].as_f64().expect(key) > 0.9, "{key}: {report:#}");
    }
    assert_eq!(report["rows"], 6_000);
    assert!(
        report["calibration_error"].as_f64().expect("a number") < 0.02,
        "{report:#}"
    );
    assert!(report["psi"].is_number(), "{report:#}");

    let (code, out, _) = gateway(&[&line[..], &named[..6]].concat());
    assert!(code == 0 && out.contains("average precision"), "{out}");
}

#[test]
fn a_model_is_trained_on_parquet_and_loads() {
    let folder = TempDir::new().expect("a folder");
    let (file, model) = (parquet(&folder), in_folder(&folder, "model.json"));
    let (code, out, error) = gateway(&[
        "fraud",
        "train",
        "--data",
        &file,
        "-o",
        &model,
        "--version",
        "3",
    ]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("version 3") && out.contains("6000 rows"),
        "{out}"
    );
    let text = fs::read_to_string(&model).expect("it was written");
    let model = fraud::Model::from_json(&text).expect("it can be read");
    assert_eq!((model.version, model.trained_on.0), (3, 6_000));
    let mut scorer = fraud::Scorer::new(fraud::Settings::default());
    let ready = fraud::Ready::new(Arc::new(model), scorer.registry());
    scorer.set_champion(ready.expect("the gateway computes what it reads"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_nothing_is_written() {
    let folder = TempDir::new().expect("a folder");
    let (file, model) = (csv(&folder), in_folder(&folder, "model.json"));
    let cases = [
        (in_folder(&folder, "nowhere.csv"), "time", "cannot be read"),
        (
            file.clone(),
            "time",
            "there is no column `time`; there are: When, Card No",
        ),
        (
            file,
            "shop",
            "the column `shop` is no time in 6000 of 6000 rows",
        ),
    ];
    for (file, time, expected) in cases {
        let line = [
            "fraud", "train", "--data", &file, "-o", &model, "--time", time,
        ];
        let (code, out, error) = gateway(&[&line[..], &["--label", "Is Fraud?"]].concat());
        assert_eq!(code, 2, "{error}");
        assert!(out.is_empty() && error.contains(expected), "{error}");
    }
    assert!(!fs::exists(&model).expect("it can be looked for"));
}

/// A file as a gateway exports it, with what was decided and what became of it; few were frauds.
fn exported(folder: &TempDir) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for (row, (at, card, shop, amount, fraud)) in rows().take(1_500).enumerate() {
        let verdict = if fraud == 1 { "deny" } else { "allow" };
        let cell = |column: &&str| match *column {
            "time" => at.to_string(),
            "label" => fraud.to_string(),
            "amount" => amount.to_string(),
            "payer" => card.clone(),
            "payee" => shop.replace(',', ""),
            "verdict" | "standing" => verdict.to_owned(),
            "score_ppm" => (fraud * 900_000 + 10).to_string(),
            "decision" => format!("dec_{row}"),
            _ => String::new(),
        };
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        writeln!(text, "{}", cells.join(",")).expect("writing to a string");
    }
    let file = in_folder(folder, "exported.csv");
    fs::write(&file, text).expect("the folder is writable");
    file
}

#[test]
fn of_an_export_the_outcome_is_left_out_and_doubts_are_told() {
    let folder = TempDir::new().expect("a folder");
    let (file, model) = (exported(&folder), in_folder(&folder, "model.json"));
    let (code, out, error) = gateway(&["fraud", "evaluate", "--data", &file]);
    assert_eq!(code, 0, "{error}");
    for told in [
        "verdict, score_ppm, decision, standing: they tell",
        "frauds were trained on",
        "may already know the outcome",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (code, out, error) = gateway(&["fraud", "evaluate", "--data", &file, "--json"]);
    assert_eq!(code, 0, "{error}");
    let report: Value = serde_json::from_str(&out).expect("standard output is JSON");
    let left_out = json!(["verdict", "score_ppm", "decision", "standing"]);
    assert_eq!(report["left_out"], left_out);
    let warnings = report["warnings"].as_array().expect("a list");
    assert_eq!(warnings.len(), 2, "{report:#}");

    let (code, out, error) = gateway(&["fraud", "train", "--data", &file, "-o", &model]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("warning: 41 frauds were learned from"),
        "{out}"
    );
}

#[test]
fn a_directory_is_told_from_a_file_and_from_a_gateways() {
    let folder = TempDir::new().expect("a folder");
    let data = in_folder(&folder, "data");
    fs::create_dir(&data).expect("the folder is writable");
    let file = in_folder(&folder, "new");
    let cases: [(&[&str], &str); 5] = [
        (
            &["fraud", "evaluate", "--data", &data],
            "exported first, with `gateway fraud export --data",
        ),
        (
            &["fraud", "train", "--data", &data, "-o", &file],
            "no gateway has run there",
        ),
        (
            &["fraud", "train", "--data", &data, "--label", "foo"],
            "nothing needs a name; leave out --label",
        ),
        (
            &["fraud", "export", "--data", &data, "-o", &file],
            "no gateway has run there; name the gateway's with --data",
        ),
        (
            &["report", "fraud", "--data", &data],
            "no gateway has run there; name the gateway's with --data",
        ),
    ];
    for (line, expected) in cases {
        let (code, out, error) = gateway(line);
        assert_eq!(code, 2, "{error}");
        assert!(out.is_empty() && error.contains(expected), "{error}");
    }
    assert!(!fs::exists(&file).expect("it can be looked for"));
}

#[test]
fn the_speed_of_decisions_is_told() {
    let line = [
        "bench",
        "fraud",
        "--profiles",
        "1000",
        "--decisions",
        "1000",
        "--json",
    ];
    let (code, out, error) = gateway(&line);
    assert_eq!(code, 0, "{error}");
    let speed: Value = serde_json::from_str(&out).expect("standard output is JSON");
    for key in ["decisions_per_s", "p50_us", "p99_us", "bytes_per_entity"] {
        assert!(speed[key].as_f64().expect(key) > 0.0, "{key}: {speed:#}");
    }
    assert_eq!(
        (&speed["rules"], &speed["trees"]),
        (&50.into(), &200.into())
    );
}
