//! What is documented: every route, every code, and nothing that is not so.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gateway::api::{self, Retry, code_of};
use gateway::pay::Refusal;
use gateway::problem::Code;
use reqwest::Method;
use serde_json::Value;

/// Set to anything, it writes the snapshots anew.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

fn snapshot_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name)
}

fn must_be_as_committed(name: &str, text: &str) {
    let file = snapshot_file(name);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = committed
        .lines()
        .zip(text.lines())
        .position(|(old, new)| old != new);
    assert!(
        committed == text,
        "{} is not what the code says (first difference at line {:?}). If the change is meant, run\n  \
         {UPDATE}=1 cargo test -p gateway --test it api::documents\nand commit the file; clients will see it.",
        file.display(),
        differs.map(|line| line + 1),
    );
}

fn openapi() -> Value {
    serde_json::to_value(api::openapi()).unwrap()
}

#[test]
fn the_openapi_document_is_as_committed() {
    let text = serde_json::to_string_pretty(&openapi()).unwrap();
    must_be_as_committed("openapi.json", &format!("{text}\n"));
}

#[test]
fn the_error_catalogue_is_as_committed() {
    let mut text = "| code | status | meaning | what to do |\n|---|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let (name, status) = (code.as_str(), code.status().as_u16());
        writeln!(
            text,
            "| `{name}` | {status} | {} | {} |",
            code.title(),
            code.advice()
        )
        .unwrap();
    }
    must_be_as_committed("errors.md", &text);
}

#[test]
fn no_route_lacks_words_access_or_a_rule_of_retries() {
    let mut names = BTreeSet::new();
    for route in api::routes() {
        for words in [route.tag, route.name, route.summary, route.description] {
            assert!(!words.is_empty(), "{route:?} is not described");
        }
        assert!(
            names.insert(route.name),
            "{} is the name of two routes",
            route.name
        );
        assert_eq!(
            route.is_public(),
            !route.path.starts_with("/v1/"),
            "{route:?} is signed or not under /v1"
        );
        let has_effect = route.retry == Retry::NeedsKey;
        let harmless = [
            "/v1/scan",
            "/v1/webhook-deliveries/{id}/replay",
            "/v1/rules/check",
            "/v1/rules/backtest",
            "/v1/ledger/balances",
            "/v1/ledger/import",
            "/v1/rates",
            "/v1/rates/held",
        ]
        .contains(&route.path);
        assert_eq!(
            has_effect,
            route.method == Method::POST && !harmless,
            "{route:?} is retried safely"
        );
        assert_eq!(
            (route.shape)().id.is_some(),
            route.path.contains("{id}"),
            "{route:?} reads its id"
        );
    }
}

#[test]
fn the_document_has_every_route_and_every_reference_leads_somewhere() {
    let document = openapi();
    for route in api::routes() {
        let method = route.method.as_str().to_lowercase();
        let operation = &document["paths"][route.path][&method];
        assert_eq!(operation["operationId"], route.name, "{route:?}");
        assert_eq!(
            operation["security"].is_array(),
            !route.is_public(),
            "{route:?}"
        );
        let parameters = operation["parameters"].to_string();
        assert_eq!(
            parameters.contains("Idempotency-Key"),
            route.retry == Retry::NeedsKey,
            "{route:?}"
        );
    }
    let mut references = Vec::new();
    collect(&document, "$ref", &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn collect<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(name).and_then(Value::as_str));
            members
                .values()
                .for_each(|member| collect(member, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
        _ => {}
    }
}

#[test]
fn every_refusal_of_the_rules_is_in_the_catalogue() {
    let text = String::new;
    for refusal in [
        Refusal::MerchantNotFound,
        Refusal::WalletNotFound,
        Refusal::KeyNotFound,
        Refusal::EndpointNotFound,
        Refusal::OrderNotFound,
        Refusal::IdTaken,
        Refusal::CurrencyUnknown { code: text() },
        Refusal::CurrencyNotHeld { code: text() },
        Refusal::TermsInvalid { what: text() },
        Refusal::OrderPaid,
        Refusal::OrderClosed,
        Refusal::OrderExpired,
        Refusal::OrderNotPaid,
        Refusal::ExpiryInvalid,
        Refusal::AmountInvalid,
        Refusal::InsufficientFunds,
        Refusal::MerchantBalanceTooLow,
        Refusal::RefundTooLarge { refundable: 0 },
        Refusal::RefundTooLate,
        Refusal::RefundsTooMany,
        Refusal::RiskDenied,
        Refusal::EndpointsTooMany,
        Refusal::OrderInReview,
        Refusal::DecisionNotPending,
        Refusal::ProofWrong { left: 0 },
        Refusal::PendingTooMany,
        Refusal::DevicesTooMany,
        Refusal::SamePerson,
        Refusal::DraftNotFound,
        Refusal::DraftsTooMany,
        Refusal::DraftOutdated { running: 0 },
        Refusal::VersionNotFound,
        Refusal::EntryNotFound,
        Refusal::EntriesTooMany,
        Refusal::ModelNotFound,
        Refusal::ModelsTooMany,
        Refusal::PayeeNotFound,
        Refusal::PayeeIsPayer,
        Refusal::CurrencyNotTaken { code: text() },
        Refusal::SendingTooMuch,
        Refusal::TransferNotFound,
        Refusal::TransferCompleted,
        Refusal::TransferDeclined,
        Refusal::TransferExpired,
        Refusal::RedPacketNotFound,
        Refusal::RedPacketClaimed,
        Refusal::RedPacketEmpty,
        Refusal::RedPacketExpired,
        Refusal::SharesInvalid { what: text() },
        Refusal::BillNotFound,
        Refusal::BillSettled,
        Refusal::BillCancelled,
        Refusal::BillExpired,
        Refusal::BillInvalid { what: text() },
        Refusal::BillsTooMany,
        Refusal::SharePaid,
        Refusal::ReminderTooSoon,
        Refusal::CombinationInvalid { what: text() },
        Refusal::CombinedNotFound,
        Refusal::SharingInvalid { what: text() },
        Refusal::SharesTooLarge { left: 0 },
        Refusal::SharingTooLate,
        Refusal::ShareNotFound,
        Refusal::ShareReturnTooLarge { left: 0 },
        Refusal::MandateNotFound,
        Refusal::MandateNotAccepted,
        Refusal::MandateEnded,
        Refusal::MandateExceeded { what: text() },
        Refusal::MandatesTooMany,
        Refusal::BillerNotFound,
        Refusal::BillerRetired,
        Refusal::BillersTooMany,
        Refusal::ReferenceInvalid { what: text() },
        Refusal::BillerAmount { what: text() },
        Refusal::CouponNotFound,
        Refusal::CouponNotForOrder,
        Refusal::CouponNotValid,
        Refusal::CouponMinimum { minimum: 0 },
        Refusal::CouponUsedUp,
        Refusal::CouponLimitReached,
        Refusal::CouponsDoNotStack,
        Refusal::CouponsTooMany,
        Refusal::PointsNotTaken,
        Refusal::PointsInvalid { what: text() },
    ] {
        assert_eq!(code_of(&refusal).as_str(), refusal.code());
    }
}

#[test]
fn every_code_that_a_route_names_can_be_told() {
    // A code that no route documents is told only outside of routes, or is for what comes with the next routes.
    let named: BTreeSet<Code> = api::routes().iter().flat_map(api::Route::codes).collect();
    for code in [
        Code::OrderAlreadyPaid,
        Code::InsufficientFunds,
        Code::RiskDenied,
        Code::KeyRevoked,
    ] {
        assert!(
            named.contains(&code),
            "{} is told by no route",
            code.as_str()
        );
    }
}
