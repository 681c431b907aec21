//! In process, a seed gives the same journal to the last bit.

use serde_json::Value;
use tempfile::TempDir;

use crate::process::summary;

fn town(seed: &str) -> Value {
    let directory = TempDir::new().unwrap();
    summary(
        directory.path(),
        &["--in-process", "--seed", seed, "--errands", "400"],
    )
}

#[test]
fn the_same_seed_gives_the_same_journal_and_another_seed_another() {
    let (first, again, other) = (town("7"), town("7"), town("8"));
    assert_eq!(first["journal"], again["journal"]);
    assert_eq!(first["refused"], again["refused"]);
    assert_ne!(first["journal"]["head"], other["journal"]["head"]);
    assert_eq!(first["journal"]["verified"], true);
    assert!(first["payments"].as_u64() > Some(300), "{first}");
    for sent in ["transfers", "red_packets", "claims"] {
        assert!(first[sent].as_u64() > Some(10), "{sent}: {first}");
    }
    assert_eq!(first["differences"], serde_json::json!([]));
}
