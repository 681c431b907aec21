//! Mandates: who consents to what, how far a merchant may go, and when it ends.

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    Bounds, Command, Mandate, MandateId, MandateState, MerchantId, MerchantNo, NewDebit,
    NewMandate, OrderId, OrderNumber, Outcome, Party, Payments, WalletId, WalletNo,
};
use ledger::Engine;
use proptest::prelude::*;

use super::property::code;
use super::world::{SECOND, World, cny, scored};

const DAY: u64 = 24 * 3600 * SECOND;

fn bounds(per_debit: i64, per_period: i64, debits: Option<u32>) -> Bounds {
    Bounds {
        currency: Currency::CNY,
        per_debit,
        per_period,
        period_days: 30,
        debits,
        days: 365,
    }
}

fn propose(world: &mut World, id: u128, bounds: Bounds) -> Outcome {
    let new = NewMandate {
        id: MandateId(id),
        merchant: MerchantId(1),
        number: OrderNumber::new(&format!("M{id}")).unwrap(),
        description: "films".to_owned(),
        bounds,
    };
    world.ask(Command::Propose(new), Vec::new())
}

fn accept(world: &mut World, id: u128, wallet: u128, holds: bool) -> Outcome {
    let command = Command::AcceptMandate {
        id: MandateId(id),
        wallet: WalletId(wallet),
        proof: Some(Box::new(world.proof(wallet, holds))),
    };
    world.ask(command, Vec::new())
}

/// Debits, and says under which id it was decided.
fn debit(world: &mut World, mandate: u128, amount: i64, risk: Risk) -> (u128, Outcome) {
    let transaction = world.transaction();
    let new = NewDebit {
        mandate: MandateId(mandate),
        merchant: MerchantId(1),
        order: OrderId(transaction.0 << 64),
        number: OrderNumber::new(&format!("D{}", transaction.0)).unwrap(),
        amount: cny(amount),
        description: "a month of films".to_owned(),
        transaction,
        scored: Some(Box::new(scored(transaction, risk))),
    };
    (
        transaction.0,
        world.ask(Command::Debit(Box::new(new)), Vec::new()),
    )
}

fn revoke(world: &mut World, id: u128, by: Party) -> Outcome {
    world.ask(
        Command::RevokeMandate {
            id: MandateId(id),
            by,
        },
        Vec::new(),
    )
}

fn find(world: &mut World, id: u128) -> Mandate {
    match world.must(Command::FindMandate(MandateId(id))) {
        Outcome::Mandate(mandate) => *mandate,
        other => panic!("no mandate: {other:?}"),
    }
}

fn net(world: &World, role: Role) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(Currency::CNY));
    account.map_or(0, ledger::Account::net)
}

/// A payer with a PIN and money, and one with nothing to confirm with.
fn world() -> World {
    let mut world = World::with(2, 2, 0);
    world.top_up(1, cny(100_000));
    world.set_pin(1);
    world
}

#[test]
fn a_payer_consents_and_the_merchant_debits_within_the_bounds() {
    let mut world = world();
    propose(&mut world, 1, bounds(3_000, 5_000, None));
    assert_eq!(
        code(&debit(&mut world, 1, 1_000, Risk::Allow).1),
        "mandate_not_accepted"
    );
    assert_eq!(code(&accept(&mut world, 1, 2, true)), "step_up_missing");
    assert_eq!(code(&accept(&mut world, 1, 1, false)), "proof_wrong");
    assert_eq!(code(&accept(&mut world, 1, 1, true)), "ok");
    assert_eq!(
        code(&accept(&mut world, 1, 1, true)),
        "ok",
        "once more changes nothing"
    );
    world.set_pin(2);
    assert_eq!(
        code(&accept(&mut world, 1, 2, true)),
        "mandate_not_found",
        "it is somebody's"
    );
    for (amount, wanted) in [
        (3_001, "mandate_exceeded"),
        (3_000, "ok"),
        (2_001, "mandate_exceeded"),
        (2_000, "ok"),
        (1, "mandate_exceeded"),
        (0, "amount_invalid"),
    ] {
        assert_eq!(
            code(&debit(&mut world, 1, amount, Risk::Allow).1),
            wanted,
            "{amount}"
        );
    }
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 5_000);
    // A period later there is room again.
    world.evict();
    world.wait(30 * DAY);
    assert_eq!(code(&debit(&mut world, 1, 3_000, Risk::Allow).1), "ok");
    let mandate = find(&mut world, 1);
    assert_eq!((mandate.debited.debits, mandate.debited.total), (3, 8_000));
    assert_eq!(mandate.debited.period, 1);
}

#[test]
fn it_ends_by_either_side_by_time_and_by_number() {
    let mut world = world();
    for id in 1..=4 {
        propose(&mut world, id, bounds(10, 10_000, (id == 3).then_some(2)));
    }
    for id in 1..=3 {
        accept(&mut world, id, 1, true);
    }
    assert_eq!(
        code(&revoke(&mut world, 1, Party::Merchant(MerchantId(2)))),
        "mandate_not_found"
    );
    assert_eq!(
        code(&revoke(&mut world, 1, Party::Payer(WalletId(2)))),
        "mandate_not_found"
    );
    assert_eq!(
        code(&revoke(&mut world, 1, Party::Payer(WalletId(1)))),
        "ok"
    );
    assert_eq!(
        code(&debit(&mut world, 1, 10, Risk::Allow).1),
        "mandate_ended"
    );
    revoke(&mut world, 2, Party::Merchant(MerchantId(1)));
    world.evict();
    assert_eq!(
        code(&debit(&mut world, 2, 10, Risk::Allow).1),
        "mandate_ended"
    );
    assert_eq!(
        code(&revoke(&mut world, 2, Party::Payer(WalletId(1)))),
        "ok",
        "ending what has ended is nothing"
    );
    for wanted in ["ok", "ok", "mandate_exceeded"] {
        assert_eq!(code(&debit(&mut world, 3, 10, Risk::Allow).1), wanted);
    }
    world.wait(7 * DAY + SECOND);
    assert_eq!(code(&accept(&mut world, 4, 1, true)), "mandate_ended");
    assert_eq!(find(&mut world, 4).state, MandateState::Expired);
    world.wait(365 * DAY);
    assert_eq!(find(&mut world, 3).state, MandateState::Expired);
    let machine = world.engine.machine();
    assert!(machine.mandate_in_memory(MandateId(3)).is_some());
}

#[test]
fn a_debit_that_comes_to_nothing_counts_no_more() {
    let mut world = world();
    propose(&mut world, 1, bounds(1_000, 1_000, None));
    accept(&mut world, 1, 1, true);
    let (held, said) = debit(&mut world, 1, 1_000, Risk::Review);
    assert!(matches!(said, Outcome::Pending { .. }), "{said:?}");
    assert_eq!(
        code(&debit(&mut world, 1, 1, Risk::Allow).1),
        "mandate_exceeded"
    );
    world.deny(held);
    let (asked, _) = debit(&mut world, 1, 1_000, Risk::Challenge);
    assert_eq!(
        code(&debit(&mut world, 1, 1, Risk::Allow).1),
        "mandate_exceeded"
    );
    // The payer revokes, and what waits is still theirs to confirm, or not.
    revoke(&mut world, 1, Party::Payer(WalletId(1)));
    assert_eq!(code(&world.confirm(asked, 1)), "ok");
    assert_eq!(find(&mut world, 1).debited.total, 1_000);
    assert_eq!(net(&world, Role::Wallet(WalletNo(0))), 99_000);
}

#[test]
fn bounds_that_cannot_be_are_refused() {
    let mut world = world();
    let fine = bounds(10, 10, Some(1));
    for wrong in [
        Bounds {
            per_debit: 0,
            ..fine.clone()
        },
        Bounds {
            per_period: 9,
            ..fine.clone()
        },
        Bounds {
            period_days: 0,
            ..fine.clone()
        },
        Bounds {
            period_days: 367,
            ..fine.clone()
        },
        Bounds {
            days: 0,
            ..fine.clone()
        },
        Bounds {
            debits: Some(0),
            ..fine.clone()
        },
    ] {
        assert_eq!(
            code(&propose(&mut world, 1, wrong.clone())),
            "terms_invalid",
            "{wrong:?}"
        );
    }
    let abroad = Bounds {
        currency: Currency::EUR,
        ..fine
    };
    assert_eq!(code(&propose(&mut world, 1, abroad)), "currency_not_held");
}

#[derive(Clone, Debug)]
enum Step {
    Debit {
        mandate: usize,
        amount: i64,
        risk: Risk,
    },
    Look {
        debit: usize,
        release: bool,
    },
    Refund {
        debit: usize,
        amount: i64,
    },
    Revoke {
        mandate: usize,
    },
    Wait {
        hours: u64,
    },
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    let risk = prop_oneof![6 => Just(Risk::Allow), 2 => Just(Risk::Review), 1 => Just(Risk::Deny)];
    prop_oneof![
        8 => (0usize..2, 1i64..400, risk).prop_map(|(mandate, amount, risk)| Step::Debit { mandate, amount, risk }),
        2 => (0usize..6, any::<bool>()).prop_map(|(debit, release)| Step::Look { debit, release }),
        1 => (0usize..6, 1i64..100).prop_map(|(debit, amount)| Step::Refund { debit, amount }),
        1 => (0usize..2).prop_map(|mandate| Step::Revoke { mandate }),
        2 => (1u64..60).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Evict),
    ]
}

/// The bounds again: every debit that counts is looked at each time.
#[derive(Debug)]
struct Naive {
    purse: i64,
    shop: i64,
    /// Per debit, per period, in all; and whether it was revoked.
    mandates: Vec<(i64, i64, Option<u32>, bool)>,
    /// Mandate, amount, period, state, decision, refunded.
    debits: Vec<(usize, i64, u64, &'static str, u128, i64)>,
}

const PERIOD_DAYS: u16 = 2;

impl Naive {
    fn debit(
        &mut self,
        (mandate, amount, risk): (usize, i64, Risk),
        period: u64,
        decision: u128,
    ) -> &'static str {
        let (per_debit, per_period, most, revoked) = self.mandates[mandate];
        if revoked {
            return "mandate_ended";
        }
        let counted = self
            .debits
            .iter()
            .filter(|one| one.0 == mandate && one.3 != "none");
        let in_period: i64 = counted
            .clone()
            .filter(|one| one.2 == period)
            .map(|one| one.1)
            .sum();
        let too_often = most.is_some_and(|most| counted.count() >= most as usize);
        if amount > per_debit || in_period + amount > per_period || too_often {
            return "mandate_exceeded";
        }
        if risk == Risk::Deny {
            return "risk_denied";
        }
        let held = self.debits.iter().filter(|one| one.3 == "held");
        if risk == Risk::Review && held.clone().count() == 8 {
            return "pending_too_many";
        }
        if self.purse - held.map(|one| one.1).sum::<i64>() < amount {
            return "insufficient_funds";
        }
        self.debits
            .push((mandate, amount, period, "held", decision, 0));
        if risk == Risk::Allow {
            self.let_go(self.debits.len() - 1);
        }
        "ok"
    }

    fn let_go(&mut self, debit: usize) {
        let one = &mut self.debits[debit];
        one.3 = "paid";
        self.purse -= one.1;
        self.shop += one.1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is debited, held, refused, refunded and revoked over the days: a merchant gets as far as the sum of what
    /// counts lets it, and replay equals live.
    #[test]
    fn debits_stay_within_what_was_allowed(
        mandates in prop::collection::vec((1i64..400, 1i64..900, prop::option::of(1u32..6)), 2),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = world();
        let mut naive = Naive { purse: 100_000, shop: 0, mandates: Vec::new(), debits: Vec::new() };
        for ((per_debit, more, debits), id) in mandates.into_iter().zip(1..) {
            let per_period = per_debit + more;
            let terms = Bounds { period_days: PERIOD_DAYS, ..bounds(per_debit, per_period, debits) };
            propose(&mut world, id, terms);
            accept(&mut world, id, 1, true);
            naive.mandates.push((per_debit, per_period, debits, false));
        }
        let accepted: Vec<u64> = (1..=2).map(|id| find(&mut world, id).accepted_at.unwrap().0).collect();
        for step in &steps {
            let (said, expected) = match *step {
                Step::Debit { mandate, amount, risk } => {
                    let id = u128::try_from(mandate + 1).unwrap();
                    let (decision, said) = debit(&mut world, id, amount, risk);
                    let period = (world.now.0 - accepted[mandate]) / (u64::from(PERIOD_DAYS) * DAY);
                    (code(&said), naive.debit((mandate, amount, risk), period, decision))
                }
                Step::Look { debit, release } => {
                    let held = naive.debits.get(debit).filter(|one| one.3 == "held");
                    let Some(decision) = held.map(|one| one.4) else { continue };
                    if release {
                        naive.let_go(debit);
                        (code(&world.release(decision)), "ok")
                    } else {
                        naive.debits[debit].3 = "none";
                        (code(&world.deny(decision)), "ok")
                    }
                }
                Step::Refund { debit, amount } => {
                    let paid = naive.debits.get_mut(debit).filter(|one| one.3 == "paid" && one.5 + amount <= one.1);
                    let Some(paid) = paid else { continue };
                    paid.5 += amount;
                    naive.purse += amount;
                    naive.shop -= amount;
                    let order = paid.4 << 64;
                    let id = world.transaction().0;
                    (code(&world.refund(id, order, 1, cny(amount))), "ok")
                }
                Step::Revoke { mandate } => {
                    naive.mandates[mandate].3 = true;
                    let id = u128::try_from(mandate + 1).unwrap();
                    (code(&revoke(&mut world, id, Party::Payer(WalletId(1)))), "ok")
                }
                Step::Wait { hours } => {
                    let before = world.now.0;
                    world.wait(hours * 3600 * SECOND);
                    prop_assert!(world.now.0 > before);
                    // What nobody looked at within a day has lapsed.
                    for one in naive.debits.iter_mut().filter(|one| one.3 == "held") {
                        let decision = gateway::pay::DecisionId(one.4);
                        if world.engine.machine().pending().get(decision).is_none() {
                            one.3 = "none";
                        }
                    }
                    ("ok", "ok")
                }
                Step::Evict => {
                    world.evict();
                    ("ok", "ok")
                }
            };
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        prop_assert_eq!(net(&world, Role::Wallet(WalletNo(0))), i128::from(naive.purse));
        prop_assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), i128::from(naive.shop));
        for line in world.engine.machine().ledger().trial_balance() {
            prop_assert!(line.balances(), "{:?}", line);
        }
        let mut replayed = Engine::<Payments>::default();
        for (sequence, record) in &world.records {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        prop_assert_eq!(replayed.digest().unwrap(), world.engine.digest().unwrap());
    }
}
