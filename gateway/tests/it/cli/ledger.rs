//! The speed of the ledger, measured by anyone.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::gateway;

fn bench(folder: &TempDir, more: &[&str]) -> (i32, String, String) {
    let data = folder.path().to_str().expect("a path in UTF-8");
    let line = [
        "bench",
        "ledger",
        "--transfers",
        "3000",
        "--accounts",
        "50",
        "--data",
        data,
    ];
    gateway(&[&line[..], more].concat())
}

#[test]
fn the_speed_of_the_ledger_is_told_beside_the_limit_of_the_disk() {
    let folder = TempDir::new().expect("a folder");
    for more in [
        &["--batch", "500"][..],
        &["--batch", "1", "--submitters", "64", "--hot"],
        &["--batch", "500", "--random-ids"],
    ] {
        let (code, out, error) = bench(&folder, &[more, &["--json"]].concat());
        assert_eq!(code, 0, "{error}");
        let figures: Value = serde_json::from_str(&out).expect("standard output is JSON");
        for key in [
            "burst_per_s",
            "sustained_per_s",
            "disk_limit_per_s",
            "bytes_per_transfer",
            "recovery_s",
            "verify_per_s",
            "p50_ms",
            "p99_ms",
        ] {
            assert!(
                figures[key].as_f64().expect(key) > 0.0,
                "{key}: {figures:#}"
            );
        }
        assert!(figures["peak_rss_mib"].is_u64(), "{figures:#}");
        assert_eq!(figures["transfers"], 3_000);
    }
    let left = fs::read_dir(folder.path()).expect("the folder is there");
    assert_eq!(left.count(), 0, "the measured ledgers are removed");
}

#[test]
fn the_table_has_ratios_and_a_folder_that_is_not_there_is_named() {
    let folder = TempDir::new().expect("a folder");
    let (code, out, error) = bench(&folder, &["--batch", "1000"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("% of the disk's limit"), "{out}");
    assert!(error.contains("verifying"), "{error}");
    let missing = folder.path().join("missing");
    let missing = missing.to_str().expect("a path in UTF-8");
    let (code, out, error) = gateway(&["bench", "ledger", "--data", missing]);
    assert_eq!(code, 2, "{error}");
    assert!(out.is_empty() && error.contains(missing), "{error}");
}
