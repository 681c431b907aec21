//! Combined orders: all are paid, or none; each stays its merchant's; and nobody is held up by a basket that waits.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    CombinedId, CombinedState, Command, MerchantNo, OrderId, Outcome, PayCombined, Payments,
    WalletId, WalletNo,
};
use ledger::{Engine, TransactionId};
use proptest::prelude::*;

use super::property::code;
use super::world::{SECOND, World, cny, scored};

const MERCHANTS: usize = 3;
const FEE_BASIS_POINTS: u16 = 60;

/// Pays orders together, and says under which id.
fn pay(world: &mut World, orders: &[u128], wallet: u128, risk: Risk) -> (u128, Outcome) {
    let id = world.transaction();
    let orders = orders.iter().map(|order| {
        let transaction = TransactionId((id.0 << 64) | order);
        (OrderId(*order), transaction)
    });
    let command = Command::PayCombined(PayCombined {
        id: CombinedId(id.0),
        wallet: WalletId(wallet),
        orders: orders.collect(),
        scored: Some(Box::new(scored(id, risk))),
    });
    (id.0, world.ask(command, Vec::new()))
}

fn net(world: &World, role: Role) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(Currency::CNY));
    account.map_or(0, ledger::Account::net)
}

fn state(world: &mut World, id: u128) -> CombinedState {
    match world.must(Command::FindCombined(CombinedId(id))) {
        Outcome::Combined { combined, .. } => combined.state,
        other => panic!("no combined order: {other:?}"),
    }
}

#[test]
fn all_are_paid_or_none() {
    let mut world = World::with(3, 1, 60);
    world.top_up(1, cny(6_000));
    for (order, amount) in [(1, 1_000), (2, 2_000), (3, 3_001)] {
        world.create(order, order, cny(amount), 600);
    }
    let (_, said) = pay(&mut world, &[1, 2, 3], 1, Risk::Allow);
    assert_eq!(code(&said), "insufficient_funds");
    assert_eq!(net(&world, Role::Wallet(WalletNo(0))), 6_000);
    world.top_up(1, cny(1));
    let (id, said) = pay(&mut world, &[1, 2, 3], 1, Risk::Allow);
    let Outcome::Combined {
        combined, balance, ..
    } = said
    else {
        panic!("{said:?}")
    };
    assert_eq!((balance, combined.amount), (Some(0), cny(6_001)));
    for (at, expected) in [(0, 1_000 - 6), (1, 2_000 - 12), (2, 3_001 - 18)] {
        assert_eq!(net(&world, Role::Merchant(MerchantNo(at))), expected);
    }
    // Each is refunded by itself, also when all has left memory.
    world.evict();
    assert_eq!(code(&world.refund(1, 2, 2, cny(2_000))), "ok");
    assert_eq!(net(&world, Role::Wallet(WalletNo(0))), 2_000);
    assert_eq!(state(&mut world, id), CombinedState::Paid);
    let (_, said) = pay(&mut world, &[1, 3], 1, Risk::Allow);
    assert_eq!(code(&said), "order_already_paid");
}

#[test]
fn a_basket_in_review_is_nobodys_else_and_opens_again() {
    let mut world = World::with(2, 2, 0);
    world.top_up(1, cny(3_000));
    world.create(1, 1, cny(1_000), 600);
    world.create(2, 2, cny(2_000), 600);
    let (id, said) = pay(&mut world, &[1, 2], 1, Risk::Review);
    assert!(
        matches!(
            said,
            Outcome::Combined {
                decision: Some(_),
                ..
            }
        ),
        "{said:?}"
    );
    assert_eq!(code(&world.pay(1, 2, Risk::Allow)), "order_in_review");
    assert_eq!(
        code(&world.close(1, 1)),
        "order_in_review",
        "one merchant does not end it for the others"
    );
    world.evict();
    assert_eq!(code(&world.deny(id)), "ok");
    assert_eq!(state(&mut world, id), CombinedState::Cancelled);
    let (id, _) = pay(&mut world, &[2, 1], 1, Risk::Review);
    assert_eq!(code(&world.release(id)), "ok");
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 1_000);
    assert_eq!(net(&world, Role::Merchant(MerchantNo(1))), 2_000);
    // One that nobody looks at opens again after a day, if there is time.
    world.top_up(1, cny(3_000));
    world.create(3, 1, cny(1_000), 100_000);
    world.create(4, 2, cny(2_000), 100);
    let (id, _) = pay(&mut world, &[3, 4], 1, Risk::Review);
    world.wait(24 * 3600 * SECOND + SECOND);
    assert_eq!(state(&mut world, id), CombinedState::Cancelled);
    assert_eq!(code(&world.pay(4, 1, Risk::Allow)), "order_expired");
    assert_eq!(code(&world.pay(3, 1, Risk::Allow)), "ok");
}

#[test]
fn a_basket_that_awaits_its_payer_holds_nobody_up() {
    let mut world = World::with(2, 2, 0);
    for wallet in [1, 2] {
        world.top_up(wallet, cny(5_000));
        world.set_pin(wallet);
    }
    world.create(1, 1, cny(1_000), 600);
    world.create(2, 2, cny(2_000), 600);
    let (id, _) = pay(&mut world, &[1, 2], 1, Risk::Challenge);
    assert_eq!(code(&world.pay(2, 2, Risk::Allow)), "ok");
    world.evict();
    assert_eq!(code(&world.confirm(id, 1)), "order_already_paid");
    assert_eq!(net(&world, Role::Wallet(WalletNo(0))), 5_000);
    world.create(3, 2, cny(2_000), 600);
    let (second, _) = pay(&mut world, &[1, 3], 1, Risk::Challenge);
    assert_eq!(code(&world.confirm(second, 1)), "ok");
    assert_eq!(net(&world, Role::Wallet(WalletNo(0))), 2_000);
    world.wait(301 * SECOND);
    assert_eq!(state(&mut world, id), CombinedState::Cancelled);
}

/// More than the ledger gives back in one step: the house was away for a day, and so were its analysts.
#[test]
fn any_number_of_baskets_can_lapse_at_the_same_moment() {
    let mut world = World::with(1, 8, 60);
    let mut order = 0;
    for wallet in 1..=8 {
        world.top_up(wallet, cny(1_000_000));
        for _ in 0..8 {
            let orders: Vec<u128> = (order..order + 50).collect();
            for id in &orders {
                world.create(*id, 1, cny(1_000), 1_000_000);
            }
            order += 50;
            let (_, said) = pay(&mut world, &orders, wallet, Risk::Review);
            assert_eq!(code(&said), "ok");
        }
    }
    world.wait_by(25 * 3600 * SECOND, 1_000);
    for id in 0..order {
        assert_eq!(
            code(&world.pay(id, 1, Risk::Deny)),
            "risk_denied",
            "it is open again"
        );
    }
    assert!(world.engine.machine().pending().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    TopUp {
        wallet: usize,
        amount: i64,
    },
    Create {
        merchant: usize,
        amount: i64,
        life_secs: u64,
    },
    Together {
        orders: Vec<usize>,
        wallet: usize,
        risk: Risk,
    },
    Alone {
        order: usize,
        wallet: usize,
    },
    Close {
        order: usize,
    },
    Look {
        basket: usize,
        release: bool,
    },
    Confirm {
        basket: usize,
    },
    Wait {
        secs: u64,
    },
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0usize..8;
    let risk = prop_oneof![
        4 => Just(Risk::Allow), 2 => Just(Risk::Challenge), 2 => Just(Risk::Review), 1 => Just(Risk::Deny)
    ];
    prop_oneof![
        2 => (0usize..2, 1i64..4_000).prop_map(|(wallet, amount)| Step::TopUp { wallet, amount }),
        4 => (0..MERCHANTS, 1i64..1_000, 50u64..500)
            .prop_map(|(merchant, amount, life_secs)| Step::Create { merchant, amount, life_secs }),
        6 => (prop::collection::vec(order.clone(), 1..5), 0usize..2, risk)
            .prop_map(|(orders, wallet, risk)| Step::Together { orders, wallet, risk }),
        2 => (order.clone(), 0usize..2).prop_map(|(order, wallet)| Step::Alone { order, wallet }),
        1 => order.prop_map(|order| Step::Close { order }),
        2 => (0usize..4, any::<bool>()).prop_map(|(basket, release)| Step::Look { basket, release }),
        2 => (0usize..4).prop_map(|basket| Step::Confirm { basket }),
        1 => prop_oneof![4 => 1u64..100, 1 => 86_000u64..90_000].prop_map(|secs| Step::Wait { secs }),
        1 => Just(Step::Evict),
    ]
}

/// The rules again, by plain lists.
#[derive(Debug, Default)]
struct Naive {
    purses: [i128; 2],
    shops: [i128; MERCHANTS],
    fees: i128,
    /// Merchant, amount, state, last moment.
    orders: Vec<(usize, i128, &'static str, u64)>,
    baskets: Vec<Basket>,
}

#[derive(Debug)]
struct Basket {
    id: u128,
    orders: Vec<usize>,
    wallet: usize,
    state: &'static str,
    due: u64,
}

impl Naive {
    fn available(&self, wallet: usize) -> i128 {
        let held = self
            .baskets
            .iter()
            .filter(|one| one.state == "held" && one.wallet == wallet);
        self.purses[wallet] - held.map(|one| self.sum(&one.orders)).sum::<i128>()
    }

    fn sum(&self, orders: &[usize]) -> i128 {
        orders.iter().map(|order| self.orders[*order].1).sum()
    }

    fn not_open(&self, orders: &[usize]) -> Option<&'static str> {
        orders.iter().find_map(|order| match self.orders[*order].2 {
            "open" => None,
            "paid" => Some("order_already_paid"),
            "closed" => Some("order_closed"),
            "expired" => Some("order_expired"),
            _ => Some("order_in_review"),
        })
    }

    fn set(&mut self, orders: &[usize], state: &'static str) {
        for order in orders {
            self.orders[*order].2 = state;
        }
    }

    fn take(&mut self, orders: &[usize], wallet: usize) {
        for order in orders {
            let (shop, amount, ..) = self.orders[*order];
            let (whole, rest) = (amount * 60 / 10_000, amount * 60 % 10_000);
            let fee = whole + i128::from(rest > 5_000 || (rest == 5_000 && whole % 2 == 1));
            self.purses[wallet] -= amount;
            self.shops[shop] += amount - fee;
            self.fees += fee;
        }
        self.set(orders, "paid");
    }

    fn together(
        &mut self,
        id: u128,
        orders: &[usize],
        wallet: usize,
        risk: Risk,
        now: u64,
    ) -> &'static str {
        if orders.iter().any(|order| *order >= self.orders.len()) {
            return "order_not_found";
        }
        let mut once = orders.to_vec();
        once.sort_unstable();
        once.dedup();
        if once.len() < orders.len() || orders.len() < 2 {
            return "combination_invalid";
        }
        if let Some(refusal) = self.not_open(orders) {
            return refusal;
        }
        if risk == Risk::Deny {
            return "risk_denied";
        }
        let pending =
            |one: &&Basket| one.wallet == wallet && ["held", "asked"].contains(&one.state);
        if risk != Risk::Allow && self.baskets.iter().filter(pending).count() >= 8 {
            return "pending_too_many";
        }
        // Only the first has a PIN.
        let asks = risk == Risk::Challenge && wallet == 0;
        if !asks && self.available(wallet) < self.sum(orders) {
            return "insufficient_funds";
        }
        let first = orders
            .iter()
            .map(|order| self.orders[*order].3)
            .min()
            .unwrap();
        let (state, due) = match risk {
            Risk::Allow => {
                self.take(orders, wallet);
                return "ok";
            }
            Risk::Challenge if asks => ("asked", first.min(now + 300 * SECOND)),
            _ => {
                self.set(orders, "held");
                ("held", now + 24 * 3600 * SECOND)
            }
        };
        self.baskets.push(Basket {
            id,
            orders: orders.to_vec(),
            wallet,
            state,
            due,
        });
        "ok"
    }

    fn reopen(&mut self, basket: usize, now: u64) {
        let orders = self.baskets[basket].orders.clone();
        if self.baskets[basket].state == "held" {
            for order in orders {
                let one = &mut self.orders[order];
                one.2 = if now <= one.3 { "open" } else { "expired" };
            }
        }
        self.baskets[basket].state = "cancelled";
    }

    fn pass_time(&mut self, now: u64) {
        for order in &mut self.orders {
            if order.2 == "open" && order.3 < now {
                order.2 = "expired";
            }
        }
        for basket in 0..self.baskets.len() {
            if ["held", "asked"].contains(&self.baskets[basket].state)
                && self.baskets[basket].due < now
            {
                self.reopen(basket, now);
            }
        }
    }

    fn look(&mut self, basket: usize, release: bool, now: u64) -> &'static str {
        let Basket {
            orders,
            wallet,
            state,
            ..
        } = &self.baskets[basket];
        match (*state, release) {
            ("held", true) => {
                let (orders, wallet) = (orders.clone(), *wallet);
                self.baskets[basket].state = "paid";
                self.take(&orders, wallet);
            }
            ("held" | "asked", false) => self.reopen(basket, now),
            _ => return "decision_not_pending",
        }
        "ok"
    }

    fn confirm(&mut self, basket: usize) -> &'static str {
        let Basket {
            orders,
            wallet,
            state,
            ..
        } = &self.baskets[basket];
        if *state != "asked" {
            return "decision_not_pending";
        }
        let (orders, wallet) = (orders.clone(), *wallet);
        if let Some(refusal) = self.not_open(&orders) {
            return refusal;
        }
        if self.available(wallet) < self.sum(&orders) {
            return "insufficient_funds";
        }
        self.baskets[basket].state = "paid";
        self.take(&orders, wallet);
        "ok"
    }
}

fn id_of(place: usize) -> u128 {
    u128::try_from(place).unwrap()
}

fn both(world: &mut World, naive: &mut Naive, step: &Step) -> (&'static str, &'static str) {
    match step {
        Step::TopUp { wallet, amount } => {
            world.top_up(id_of(wallet + 1), cny(*amount));
            naive.purses[*wallet] += i128::from(*amount);
            ("ok", "ok")
        }
        Step::Create {
            merchant,
            amount,
            life_secs,
        } => {
            let order = naive.orders.len();
            world.create(
                id_of(order),
                id_of(merchant + 1),
                Money::new(*amount, Currency::CNY),
                *life_secs,
            );
            naive.orders.push((
                *merchant,
                (*amount).into(),
                "open",
                world.now.0 + life_secs * SECOND,
            ));
            ("ok", "ok")
        }
        Step::Together {
            orders,
            wallet,
            risk,
        } => {
            let ids: Vec<u128> = orders.iter().copied().map(id_of).collect();
            let (id, said) = pay(world, &ids, id_of(wallet + 1), *risk);
            (
                code(&said),
                naive.together(id, orders, *wallet, *risk, world.now.0),
            )
        }
        Step::Alone { order, wallet } => {
            let said = world.pay(id_of(*order), id_of(wallet + 1), Risk::Allow);
            let expected = if *order >= naive.orders.len() {
                "order_not_found"
            } else if let Some(refusal) = naive.not_open(&[*order]) {
                refusal
            } else if naive.available(*wallet) < naive.orders[*order].1 {
                "insufficient_funds"
            } else {
                naive.take(&[*order], *wallet);
                "ok"
            };
            (code(&said), expected)
        }
        Step::Close { order } => {
            let shop = naive.orders.get(*order).map_or(1, |one| id_of(one.0 + 1));
            let said = world.close(id_of(*order), shop);
            let expected = match naive.orders.get(*order).map(|one| one.2) {
                None => "order_not_found",
                Some("open" | "closed") => {
                    naive.orders[*order].2 = "closed";
                    "ok"
                }
                Some(_) => naive.not_open(&[*order]).unwrap(),
            };
            (code(&said), expected)
        }
        Step::Look { basket, release } => {
            let Some(id) = naive.baskets.get(*basket).map(|one| one.id) else {
                return ("ok", "ok");
            };
            let said = if *release {
                world.release(id)
            } else {
                world.deny(id)
            };
            (code(&said), naive.look(*basket, *release, world.now.0))
        }
        Step::Confirm { basket } => {
            let Some((id, wallet)) = naive.baskets.get(*basket).map(|one| (one.id, one.wallet))
            else {
                return ("ok", "ok");
            };
            let said = world.confirm(id, id_of(wallet + 1));
            (code(&said), naive.confirm(*basket))
        }
        Step::Wait { secs } => {
            world.wait(secs * SECOND);
            naive.pass_time(world.now.0);
            ("ok", "ok")
        }
        Step::Evict => {
            world.evict();
            ("ok", "ok")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever baskets are paid, held, confirmed, let go or forgotten beside single payments: each purse, each shop and the
    /// house have what plain sums say, and replay equals live.
    #[test]
    fn baskets_agree_with_plain_sums(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::with(id_of(MERCHANTS), 2, FEE_BASIS_POINTS);
        world.set_pin(1);
        let mut naive = Naive::default();
        for step in &steps {
            let (said, expected) = both(&mut world, &mut naive, step);
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        for (at, purse) in (0..).zip(naive.purses) {
            prop_assert_eq!(net(&world, Role::Wallet(WalletNo(at))), purse);
        }
        for (at, shop) in (0..).zip(naive.shops) {
            prop_assert_eq!(net(&world, Role::Merchant(MerchantNo(at))), shop);
        }
        prop_assert_eq!(net(&world, Role::Fees), naive.fees);
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
