//! Random days of two shops and three customers, on the rules and on the naive model: the same
//! answers and the same balances, whatever leaves memory in between; and replay equals live.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{FeeLine, MerchantNo, Method, Outcome, Payments, Terms, WalletNo};
use ledger::{Engine, Verdict};
use proptest::prelude::*;

use super::model::{Model, OK};
use super::till;
use super::world::{SECOND, World};

pub(super) const MERCHANTS: u128 = 2;
pub(super) const WALLETS: u128 = 3;
const CURRENCIES: [Currency; 2] = [Currency::CNY, Currency::JPY];

#[derive(Clone, Debug)]
enum Step {
    TopUp {
        wallet: u128,
        amount: Money,
    },
    Create {
        merchant: u128,
        amount: Money,
        life_secs: u64,
    },
    Pay {
        order: u128,
        wallet: u128,
        risk: Risk,
    },
    /// What becomes of a decision: the eighth last one at most.
    Confirm {
        back: usize,
        wallet: u128,
        right: bool,
    },
    Release {
        back: usize,
    },
    Deny {
        back: usize,
    },
    Close {
        order: u128,
        merchant: u128,
    },
    Refund {
        order: u128,
        merchant: u128,
        amount: Money,
    },
    Wait {
        secs: u64,
    },
    Evict,
    AtTill(till::Step),
    SetFees {
        merchant: u128,
        lines: Vec<FeeLine>,
    },
}

pub(super) fn money() -> impl Strategy<Value = Money> {
    let currency =
        prop_oneof![8 => Just(CURRENCIES[0]), 4 => Just(CURRENCIES[1]), 1 => Just(Currency::EUR)];
    let amount = prop_oneof![8 => 1i64..3_000, 1 => -2i64..=0, 1 => Just(i64::MAX)];
    (amount, currency).prop_map(|(amount, currency)| Money::new(amount, currency))
}

fn small() -> impl Strategy<Value = Money> {
    (1i64..3_000, 0usize..2).prop_map(|(amount, at)| Money::new(amount, CURRENCIES[at]))
}

fn step() -> impl Strategy<Value = Step> {
    let wallet = || 0..=WALLETS;
    let merchant = || 0..=MERCHANTS;
    let order = || 0u128..8;
    let risk = prop_oneof![
        8 => Just(Risk::Allow), 4 => Just(Risk::Challenge), 3 => Just(Risk::Review), 1 => Just(Risk::Deny)
    ];
    prop_oneof![
        3 => (wallet(), small()).prop_map(|(wallet, amount)| Step::TopUp { wallet, amount }),
        5 => (merchant(), money(), 1u64..100)
            .prop_map(|(merchant, amount, life_secs)| Step::Create { merchant, amount, life_secs }),
        8 => (order(), wallet(), risk)
            .prop_map(|(order, wallet, risk)| Step::Pay { order, wallet, risk }),
        4 => (0usize..4, 1..=WALLETS, prop::bool::weighted(0.7))
            .prop_map(|(back, wallet, right)| Step::Confirm { back, wallet, right }),
        2 => (0usize..4).prop_map(|back| Step::Release { back }),
        1 => (0usize..4).prop_map(|back| Step::Deny { back }),
        1 => (order(), merchant()).prop_map(|(order, merchant)| Step::Close { order, merchant }),
        5 => (order(), merchant(), money())
            .prop_map(|(order, merchant, amount)| Step::Refund { order, merchant, amount }),
        1 => prop_oneof![4 => 1u64..60, 1 => 60u64..100_000].prop_map(|secs| Step::Wait { secs }),
        2 => Just(Step::Evict),
        12 => till::step().prop_map(Step::AtTill),
        1 => (1..=MERCHANTS, prop::collection::btree_map((0usize..4, 0usize..2, 0i64..2_000), terms(), 0..4))
            .prop_map(|(merchant, lines)| Step::SetFees { merchant, lines: lines.into_iter().map(line).collect() }),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let most = prop::option::of(50i64..200);
    (0u16..=10_000, 0i64..50, 0i64..50, most, any::<bool>()).prop_map(
        |(basis_points, fixed, least, most, kept)| Terms {
            basis_points,
            fixed,
            least,
            most,
            kept,
        },
    )
}

fn line(((method, currency, from), terms): ((usize, usize, i64), Terms)) -> FeeLine {
    let methods = [Method::Order, Method::PaymentCode, Method::PrintedCode];
    FeeLine {
        method: methods.get(method).copied(),
        currency: CURRENCIES[currency],
        from,
        terms,
    }
}

/// The code of a refusal, or "ok".
pub(super) fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Refused(refusal) => refusal.code(),
        _ => OK,
    }
}

/// One of the last decisions; before there is any, one that never was.
fn recent(decisions: &[u128], back: usize) -> u128 {
    let place = decisions.len().checked_sub(back + 1);
    place.map_or(u128::MAX, |place| decisions[place])
}

/// Does a step on both sides and returns what each said.
fn both(
    world: &mut World,
    model: &mut Model,
    orders: &mut u128,
    decisions: &mut Vec<u128>,
    step: &Step,
) -> (&'static str, &'static str) {
    match *step {
        Step::TopUp { wallet, amount } => {
            let said = code(&world.top_up(wallet, amount));
            (said, model.top_up(wallet, amount.amount, amount.currency))
        }
        Step::Create {
            merchant,
            amount,
            life_secs,
        } => {
            let verdict = world.create(*orders, merchant, amount, life_secs);
            let Verdict::New(outcome) = verdict else {
                panic!("{verdict:?}")
            };
            let expires_at = world.now.0 + life_secs * SECOND;
            let id = *orders;
            *orders += 1;
            (
                code(&outcome),
                model.create(id, merchant, amount.amount, amount.currency, expires_at),
            )
        }
        Step::Pay {
            order,
            wallet,
            risk,
        } => {
            let (decision, outcome) = world.try_to_pay(order, wallet, risk);
            decisions.push(decision);
            let now = world.now.0;
            (
                code(&outcome),
                model.pay(decision, order, wallet, risk, now),
            )
        }
        Step::Confirm {
            back,
            wallet,
            right,
        } => {
            let decision = recent(decisions, back);
            if right {
                let said = code(&world.confirm(decision, wallet));
                (said, model.confirm(decision, wallet, world.now.0))
            } else {
                let said = code(&world.wrong_proof(decision, wallet));
                (said, model.wrong_proof(decision, wallet, world.now.0))
            }
        }
        Step::Release { back } => {
            let decision = recent(decisions, back);
            let said = code(&world.release(decision));
            (said, model.release(decision, world.now.0))
        }
        Step::Deny { back } => {
            let decision = recent(decisions, back);
            let said = code(&world.deny(decision));
            (said, model.deny(decision, world.now.0))
        }
        Step::Close { order, merchant } => (
            code(&world.close(order, merchant)),
            model.close(order, merchant),
        ),
        Step::Refund {
            order,
            merchant,
            amount,
        } => {
            let refund = world.transaction().0;
            let said = code(&world.refund(refund, order, merchant, amount));
            (
                said,
                model.refund(order, merchant, amount.amount, amount.currency),
            )
        }
        Step::Wait { secs } => {
            world.wait(secs * SECOND);
            model.pass_time(world.now.0);
            (OK, OK)
        }
        Step::Evict => {
            world.evict();
            (OK, OK)
        }
        Step::SetFees {
            merchant,
            ref lines,
        } => {
            let said = code(&world.set_fees(merchant, lines.clone()));
            (said, model.set_fees(merchant, lines.clone()))
        }
        Step::AtTill(ref step) => till::both(world, model, orders, decisions, step),
    }
}

fn balances_agree(engine: &Engine<Payments>, model: &Model) -> Result<(), TestCaseError> {
    let ledger = engine.machine().ledger();
    let net = |role: Role, currency| {
        ledger
            .account(PAYMENTS_BOOK, role.account(currency))
            .map_or(0, ledger::Account::net)
    };
    for currency in CURRENCIES {
        for id in 1..=WALLETS {
            let role = Role::Wallet(WalletNo(u32::try_from(id - 1).unwrap()));
            let expected = model
                .wallet
                .get(&(id, currency))
                .copied()
                .unwrap_or_default();
            prop_assert_eq!(net(role, currency), expected, "{} {}", role, currency);
            let account = ledger.account(PAYMENTS_BOOK, role.account(currency));
            let held = account.map_or(0, |account| account.held.debits);
            prop_assert_eq!(
                held,
                model.held(id, currency),
                "held of {} {}",
                role,
                currency
            );
        }
        for id in 1..=MERCHANTS {
            let role = Role::Merchant(MerchantNo(u32::try_from(id - 1).unwrap()));
            let expected = model
                .merchant
                .get(&(id, currency))
                .copied()
                .unwrap_or_default();
            prop_assert_eq!(net(role, currency), expected, "{} {}", role, currency);
        }
        let of = |map: &std::collections::BTreeMap<Currency, i128>| {
            map.get(&currency).copied().unwrap_or_default()
        };
        prop_assert_eq!(net(Role::Fees, currency), of(&model.fees));
        prop_assert_eq!(net(Role::Bank, currency), of(&model.bank));
    }
    for line in ledger.trial_balance() {
        prop_assert!(line.balances(), "{:?}", line);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_rules_agree_with_the_naive_model(
        fee in 0u16..=10_000,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = World::with(MERCHANTS, WALLETS, fee);
        let mut model = Model::new(MERCHANTS, WALLETS, fee);
        world.set_pin(1);
        model.pins.insert(1, 0);
        till::phones(&mut world, &mut model);
        let (mut orders, mut decisions) = (0, Vec::new());
        for step in &steps {
            let (said, expected) = both(&mut world, &mut model, &mut orders, &mut decisions, step);
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        balances_agree(&world.engine, &model)?;

        let mut replayed = Engine::<Payments>::default();
        for (sequence, record) in &world.records {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        prop_assert_eq!(replayed.digest().unwrap(), world.engine.digest().unwrap());
        let snapshot = replayed.snapshot().unwrap();
        prop_assert_eq!(Engine::<Payments>::restore(&snapshot).unwrap().snapshot().unwrap(), snapshot);
    }
}
