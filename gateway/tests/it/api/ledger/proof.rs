//! Checkpoints and proofs, checked by a program that is not ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::tenant::{Tenant, posting};
use crate::api::house::{House, text};
use crate::layering::workspace;

/// What `docs/prove.py` says of a proof, and whether it holds.
fn prove(proof: &Value, folder: &Path, key: Option<&str>) -> (bool, String) {
    let file = folder.join("proof.json");
    fs::write(&file, proof.to_string()).unwrap();
    let run = Command::new("python3")
        .arg(workspace().join("docs/prove.py"))
        .arg(&file)
        .args(key)
        .output()
        .expect("python3 runs; Debian has it in the package python3");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let why = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.success(), format!("{said}{why}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_proven_to_whoever_has_a_checkpoint() {
    let house = House::start().await;
    let (tea, rice) = (Tenant::open(&house).await, Tenant::open(&house).await);
    let folder = tempfile::tempdir().unwrap();
    let mut paid = Vec::new();
    for amount in 1..=40 {
        paid.push(tea.pay("assets:bank", "customers:alice", amount).await);
    }
    let last = text(&paid[39]["sequence"]).to_owned();
    let checkpoint = house
        .operator
        .get(&format!("/v1/checkpoint?at_least={last}"))
        .await
        .ok();
    let key = text(&checkpoint["key"]);
    assert!(
        text(&checkpoint["sums"]).contains(" CNY 820 820\n"),
        "{checkpoint}"
    );
    let tenants = tea
        .client
        .get(&format!("/v1/checkpoint?at_least={last}"))
        .await
        .ok();
    assert_eq!(tenants["checkpoint"], checkpoint["checkpoint"]);
    assert_eq!(tenants["sums"], Value::Null);

    for index in [0, 17, 39] {
        let id = text(&paid[index]["id"]);
        let path = format!("/v1/ledger/transactions/{id}/proof?at_least={last}");
        let proof = tea.client.get(&path).await.ok();
        let (holds, said) = prove(&proof, folder.path(), Some(key));
        assert!(
            holds && said.contains(&format!(": {}\n", index + 1)),
            "{said}"
        );
        let hashes = proof["tree"]["beside"].as_array().unwrap().len();
        assert!(hashes <= 8, "{hashes} hashes for a few dozen rows");
        rice.client
            .get(&path)
            .await
            .refused("transaction_not_found");
    }
    let path = format!("/v1/ledger/transactions/{}/proof", text(&paid[17]["id"]));
    let proof = tea.client.get(&path).await.ok();
    // Whatever is changed, the proof does not hold any more.
    let other = text(&paid[18]["id"]);
    for (pointer, value) in [
        ("/id", json!(other)),
        (
            "/record",
            json!(text(&proof["record"]).replacen('A', "B", 1)),
        ),
        (
            "/row/sequence",
            json!(proof["row"]["sequence"].as_u64().unwrap() + 1),
        ),
        ("/row/epoch", json!(9)),
        ("/row/prev_hash", json!("00".repeat(32))),
        ("/row/records/count", json!(9)),
        ("/tree/index", json!(1)),
        ("/tree/beside/0", json!("00".repeat(32))),
        (
            "/checkpoint",
            json!(text(&proof["checkpoint"]).replacen("sums ", "sums 0", 1)),
        ),
    ] {
        let mut forged = proof.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        assert_ne!(forged, proof, "{pointer}");
        let (holds, said) = prove(&forged, folder.path(), Some(key));
        assert!(!holds, "{pointer}: {said}");
    }
    // A reference may say whatever it likes: what it says is no transaction.
    let forged = forged_in_a_reference(&tea, folder.path()).await;
    assert!(forged.contains("of another transaction"), "{forged}");
    let stranger = "jiaozi-00000000+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(!prove(&proof, folder.path(), Some(stranger)).0);
}

/// What is said of a proof of something that only stands, byte for byte as a transaction would, in a reference.
async fn forged_in_a_reference(tea: &Tenant, folder: &Path) -> String {
    // A transaction as the journal writes it: number, id, kind, no reference, one posting.
    let id = "4".repeat(32);
    let body = format!("\u{1}{}\u{1}\u{0}\u{1}\u{1}\u{2}\u{7e}", "D".repeat(16));
    let moved = posting("assets:bank", "customers:alice", 1);
    let asked = json!({"postings": [moved], "reference": body});
    let posted = tea.client.post("/v1/ledger/transactions", &asked).await;
    let posted = posted.created();
    let (true_id, sequence) = (text(&posted["id"]), text(&posted["sequence"]));
    let path = format!("/v1/ledger/transactions/{true_id}/proof?at_least={sequence}");
    let mut proof = tea.client.get(&path).await.ok();
    assert!(prove(&proof, folder, None).0);
    proof["id"] = json!(format!("txn_{id}"));
    let (holds, said) = prove(&proof, folder, None);
    assert!(!holds);
    said
}
