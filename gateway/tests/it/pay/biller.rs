//! Billers: paid by references that are checked before anything moves.

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    Biller, BillerId, Category, CheckDigit, Command, MerchantId, MerchantNo, OrderId, Outcome,
    PayBiller, Payments, ReferenceRule, WalletId, WalletNo,
};
use ledger::Engine;
use proptest::prelude::*;

use super::property::code;
use super::world::{World, cny, scored};

fn biller(id: u128, category: Category, pattern: &str, check: CheckDigit) -> Biller {
    Biller {
        id: BillerId(id),
        merchant: MerchantId(1),
        name: "City Water".to_owned(),
        category,
        currency: Currency::CNY,
        reference: ReferenceRule {
            label: "customer number".to_owned(),
            patterns: vec![pattern.to_owned()],
            check,
        },
        least: 100,
        most: Some(10_000),
        retired: false,
    }
}

fn register(world: &mut World, biller: Biller) -> Outcome {
    world.ask(Command::RegisterBiller(Box::new(biller)), Vec::new())
}

/// Pays, and says under which id it was decided.
fn pay(
    world: &mut World,
    biller: u128,
    reference: &str,
    amount: i64,
    risk: Risk,
) -> (u128, Outcome) {
    let transaction = world.transaction();
    let pay = PayBiller {
        order: OrderId(transaction.0 << 64),
        biller: BillerId(biller),
        wallet: WalletId(1),
        reference: reference.to_owned(),
        amount: cny(amount),
        transaction,
        scored: Some(Box::new(scored(transaction, risk))),
    };
    (
        transaction.0,
        world.ask(Command::PayBiller(Box::new(pay)), Vec::new()),
    )
}

fn net(world: &World, role: Role) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(Currency::CNY));
    account.map_or(0, ledger::Account::net)
}

#[test]
fn what_is_paid_carries_its_reference_and_what_is_mistyped_is_refused() {
    let mut world = World::with(1, 1, 60);
    world.top_up(1, cny(100_000));
    register(
        &mut world,
        biller(1, Category::Utility, "###########", CheckDigit::Luhn),
    );
    for (reference, amount, wanted) in [
        ("79927398710", 1_000, "reference_invalid"),
        ("7992739871", 1_000, "reference_invalid"),
        ("79927398713", 99, "biller_amount_invalid"),
        ("79927398713", 10_001, "biller_amount_invalid"),
        ("7992 7398 713", 1_000, "ok"),
    ] {
        let (_, said) = pay(&mut world, 1, reference, amount, Risk::Allow);
        assert_eq!(code(&said), wanted, "{reference} {amount}");
        if let Outcome::Paid { order, .. } = said {
            let direct = order.direct.unwrap();
            assert_eq!(direct.reference.as_deref(), Some("79927398713"));
        }
    }
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 994);
    let (held, _) = pay(&mut world, 1, "79927398713", 1_000, Risk::Review);
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 994);
    world.release(held);
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 2 * 994);
    world.must(Command::RetireBiller(BillerId(1)));
    let (_, said) = pay(&mut world, 1, "79927398713", 1_000, Risk::Allow);
    assert_eq!(code(&said), "biller_retired");
    assert_eq!(
        code(&pay(&mut world, 2, "1", 1_000, Risk::Allow).1),
        "biller_not_found"
    );
}

#[test]
fn billers_that_cannot_be_are_refused_and_the_others_are_listed_by_category() {
    let mut world = World::with(1, 1, 0);
    let fine = biller(1, Category::Fine, "##", CheckDigit::None);
    for (wrong, wanted) in [
        (
            biller(1, Category::Fine, "", CheckDigit::None),
            "terms_invalid",
        ),
        (
            biller(1, Category::Fine, "a", CheckDigit::None),
            "terms_invalid",
        ),
        (
            Biller {
                least: 0,
                ..fine.clone()
            },
            "terms_invalid",
        ),
        (
            Biller {
                most: Some(99),
                ..fine.clone()
            },
            "terms_invalid",
        ),
        (
            Biller {
                currency: Currency::EUR,
                ..fine.clone()
            },
            "currency_not_held",
        ),
        (
            Biller {
                merchant: MerchantId(9),
                ..fine.clone()
            },
            "merchant_not_found",
        ),
    ] {
        assert_eq!(
            code(&register(&mut world, wrong.clone())),
            wanted,
            "{wrong:?}"
        );
    }
    register(&mut world, fine.clone());
    assert_eq!(code(&register(&mut world, fine)), "id_taken");
    for (id, category) in [
        (2, Category::Health),
        (3, Category::Fine),
        (4, Category::Fine),
    ] {
        register(&mut world, biller(id, category, "##", CheckDigit::None));
    }
    world.must(Command::RetireBiller(BillerId(3)));
    let mut listed = |category, after: Option<u128>| -> Vec<u128> {
        let after = after.map(BillerId);
        match world.must(Command::Billers {
            category,
            after,
            limit: 2,
        }) {
            Outcome::Billers(found) => found.iter().map(|biller| biller.id.0).collect(),
            _ => Vec::new(),
        }
    };
    assert_eq!(listed(None, None), [1, 2]);
    assert_eq!(listed(None, Some(2)), [4]);
    assert_eq!(listed(Some(Category::Fine), None), [1, 4]);
}

/// The standard's own way for these two: by the number that the whole text writes.
fn naive(check: CheckDigit, digits: &str) -> bool {
    let numbers: Vec<u64> = digits
        .bytes()
        .map(|digit| u64::from(digit - b'0'))
        .collect();
    match check {
        CheckDigit::Luhn => {
            let mut sum = 0;
            for (place, number) in numbers.iter().rev().enumerate() {
                let doubled = number * if place % 2 == 0 { 1 } else { 2 };
                sum += if doubled > 9 { doubled - 9 } else { doubled };
            }
            sum % 10 == 0
        }
        _ => digits.parse::<u128>().unwrap() % 97 == 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever numbers are entered: what passes is what the check says by plain arithmetic, and only that is paid.
    #[test]
    fn only_references_that_check_are_paid(
        is_luhn in any::<bool>(),
        references in prop::collection::vec("[0-9]{6}", 1..12),
        amount in 100i64..2_000,
    ) {
        let check = if is_luhn { CheckDigit::Luhn } else { CheckDigit::Mod97_10 };
        let mut world = World::with(1, 1, 0);
        world.top_up(1, cny(10_000));
        register(&mut world, biller(1, Category::Tax, "######", check));
        let mut purse = 10_000;
        // A good one of each as well, made by trying.
        let good = (0..1_000_000u32).map(|number| format!("{number:06}")).find(|text| naive(check, text) && text != "000000");
        for reference in references.iter().chain(&good) {
            let (_, said) = pay(&mut world, 1, reference, amount, Risk::Allow);
            let expected = if !naive(check, reference) {
                "reference_invalid"
            } else if purse < amount {
                "insufficient_funds"
            } else {
                purse -= amount;
                "ok"
            };
            prop_assert_eq!(code(&said), expected, "{}", reference);
        }
        prop_assert_eq!(net(&world, Role::Wallet(WalletNo(0))), i128::from(purse));
        prop_assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), i128::from(10_000 - purse));
        let mut replayed = Engine::<Payments>::default();
        for (sequence, record) in &world.records {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        prop_assert_eq!(replayed.digest().unwrap(), world.engine.digest().unwrap());
    }
}
