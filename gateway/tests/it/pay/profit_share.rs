//! Profit sharing: how much may be out to how many, what comes back, and what it has to do with refunds.

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    Command, Lookup, MerchantId, MerchantNo, NewShare, NewSharing, OrderId, OrderNumber, Outcome,
    Payments, Receiver, ReturnShare, ShareId, WalletId, WalletNo,
};
use ledger::Engine;
use proptest::prelude::*;

use super::property::code;
use super::world::{SECOND, World, cny};

const DAY: u64 = 24 * 3600 * SECOND;

/// Passes on parts of an order of the first merchant; the shares' ids follow each other.
fn share(world: &mut World, order: u128, first: u128, to: &[(Receiver, i64)]) -> Outcome {
    let shares = to
        .iter()
        .zip(first..)
        .map(|((receiver, amount), id)| NewShare {
            id: ShareId(id),
            receiver: *receiver,
            amount: *amount,
            description: "delivery".to_owned(),
            transaction: world.transaction(),
        });
    let shares = shares.collect();
    let new = NewSharing {
        order: Lookup::Id(OrderId(order)),
        merchant: MerchantId(1),
        number: OrderNumber::new(&format!("S{first}")).unwrap(),
        currency: Currency::CNY,
        shares,
    };
    world.ask(Command::Share(new), Vec::new())
}

fn give_back(
    world: &mut World,
    order: u128,
    share: u128,
    receiver: Receiver,
    amount: i64,
) -> Outcome {
    let back = ReturnShare {
        order: OrderId(order),
        share: ShareId(share),
        receiver,
        amount: cny(amount),
        transaction: world.transaction(),
    };
    world.ask(Command::ReturnShare(back), Vec::new())
}

fn net(world: &World, role: Role) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(Currency::CNY));
    account.map_or(0, ledger::Account::net)
}

/// Two merchants and two wallets; the first wallet has paid the first merchant an order of 100.00.
fn paid() -> World {
    let mut world = World::with(2, 2, 60);
    world.top_up(1, cny(100_000));
    world.create(1, 1, cny(10_000), 600);
    world.pay(1, 1, Risk::Allow);
    world
}

const OTHER: Receiver = Receiver::Merchant(MerchantId(2));
const RIDER: Receiver = Receiver::Wallet(WalletId(2));

#[test]
fn thirty_percent_are_passed_on_and_come_back() {
    let mut world = paid();
    world.evict();
    assert_eq!(
        code(&share(&mut world, 1, 1, &[(OTHER, 2_000), (RIDER, 1_000)])),
        "ok"
    );
    assert_eq!(net(&world, Role::Merchant(MerchantNo(1))), 2_000);
    assert_eq!(net(&world, Role::Wallet(WalletNo(1))), 1_000);
    assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), 9_940 - 3_000);
    assert_eq!(
        code(&share(&mut world, 1, 3, &[(RIDER, 1)])),
        "shares_too_large"
    );
    world.evict();
    // Only its receiver gives a share back, and never more than it was.
    assert_eq!(
        code(&give_back(&mut world, 1, 1, RIDER, 1)),
        "share_not_found"
    );
    assert_eq!(
        code(&give_back(&mut world, 1, 1, OTHER, 2_001)),
        "share_return_too_large"
    );
    assert_eq!(code(&give_back(&mut world, 1, 1, OTHER, 1_500)), "ok");
    assert_eq!(
        code(&give_back(&mut world, 1, 1, OTHER, 501)),
        "share_return_too_large"
    );
    assert_eq!(code(&share(&mut world, 1, 4, &[(RIDER, 1_500)])), "ok");
    assert_eq!(net(&world, Role::Wallet(WalletNo(1))), 2_500);
}

#[test]
fn of_what_is_refunded_nothing_is_passed_on() {
    let mut world = paid();
    world.refund(1, 1, 1, cny(9_000));
    assert_eq!(
        code(&share(&mut world, 1, 1, &[(RIDER, 301)])),
        "shares_too_large"
    );
    assert_eq!(code(&share(&mut world, 1, 2, &[(RIDER, 300)])), "ok");
    // The merchant has the rest of 10.00 less its fee, which does not cover the refund until the share is back.
    assert_eq!(
        code(&world.refund(2, 1, 1, cny(1_000))),
        "merchant_balance_too_low"
    );
    give_back(&mut world, 1, 2, RIDER, 300);
    assert_eq!(code(&world.refund(2, 1, 1, cny(1_000))), "ok");
    assert_eq!(
        code(&share(&mut world, 1, 3, &[(RIDER, 1)])),
        "order_refunded"
    );
}

#[test]
fn each_thing_that_cannot_be_has_its_own_refusal() {
    let mut world = paid();
    world.create(2, 1, cny(10_000), 600);
    let own = Receiver::Merchant(MerchantId(1));
    let nobody = Receiver::Merchant(MerchantId(9));
    let no_wallet = Receiver::Wallet(WalletId(9));
    for (order, to, wanted) in [
        (1, vec![], "sharing_invalid"),
        (1, vec![(OTHER, 1); 51], "sharing_invalid"),
        (1, vec![(own, 1)], "sharing_invalid"),
        (1, vec![(nobody, 1)], "merchant_not_found"),
        (1, vec![(no_wallet, 1)], "wallet_not_found"),
        (1, vec![(OTHER, 0)], "amount_invalid"),
        (
            1,
            vec![(OTHER, i64::MAX), (OTHER, i64::MAX)],
            "shares_too_large",
        ),
        (2, vec![(OTHER, 1)], "order_not_paid"),
        (3, vec![(OTHER, 1)], "order_not_found"),
    ] {
        let said = share(&mut world, order, 1, &to);
        assert_eq!(code(&said), wanted, "{to:?}");
    }
    world.wait(181 * DAY);
    assert_eq!(
        code(&share(&mut world, 1, 1, &[(OTHER, 1)])),
        "sharing_too_late"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Sell { amount: i64 },
    Share { order: usize, to: Vec<(usize, i64)> },
    Back { share: usize, amount: i64 },
    Refund { order: usize, amount: i64 },
    Spend { amount: i64 },
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0usize..4;
    let to = prop::collection::vec((0usize..2, 1i64..300), 1..5);
    prop_oneof![
        2 => (1i64..2_000).prop_map(|amount| Step::Sell { amount }),
        5 => (order.clone(), to).prop_map(|(order, to)| Step::Share { order, to }),
        4 => (0usize..8, 1i64..300).prop_map(|(share, amount)| Step::Back { share, amount }),
        4 => (order, 1i64..900).prop_map(|(order, amount)| Step::Refund { order, amount }),
        1 => (1i64..200).prop_map(|amount| Step::Spend { amount }),
        1 => Just(Step::Evict),
    ]
}

/// The rules again, by plain lists: what each of the three has, orders, and shares.
#[derive(Debug, Default)]
struct Naive {
    shop: i64,
    receivers: [i64; 2],
    /// Amount, refunded.
    orders: Vec<(i64, i64)>,
    /// Order, receiver, amount, back.
    shares: Vec<(usize, usize, i64, i64)>,
}

impl Naive {
    fn share(&mut self, order: usize, to: &[(usize, i64)]) -> &'static str {
        let Some((amount, refunded)) = self.orders.get(order).copied() else {
            return "order_not_found";
        };
        if amount == refunded {
            return "order_refunded";
        }
        let sum: i64 = to.iter().map(|one| one.1).sum();
        let of_order = self.shares.iter().filter(|share| share.0 == order);
        if of_order.clone().count() + to.len() > 50 {
            return "sharing_invalid";
        }
        let out: i64 = of_order.map(|share| share.2 - share.3).sum();
        if 10 * (out + sum) > 3 * (amount - refunded) {
            return "shares_too_large";
        }
        if sum > self.shop {
            return "merchant_balance_too_low";
        }
        self.shop -= sum;
        for (receiver, amount) in to {
            self.receivers[*receiver] += amount;
            self.shares.push((order, *receiver, *amount, 0));
        }
        "ok"
    }

    fn back(&mut self, share: usize, amount: i64) -> &'static str {
        let (_, receiver, given, back) = &mut self.shares[share];
        if amount > *given - *back {
            return "share_return_too_large";
        }
        if amount > self.receivers[*receiver] {
            return "insufficient_funds";
        }
        *back += amount;
        self.receivers[*receiver] -= amount;
        self.shop += amount;
        "ok"
    }

    fn refund(&mut self, order: usize, amount: i64) -> &'static str {
        let Some((whole, refunded)) = self.orders.get_mut(order) else {
            return "order_not_found";
        };
        if amount > *whole - *refunded {
            return "refund_exceeds_paid";
        }
        if amount > self.shop {
            return "merchant_balance_too_low";
        }
        *refunded += amount;
        self.shop -= amount;
        "ok"
    }
}

fn both(world: &mut World, naive: &mut Naive, step: &Step) -> (&'static str, &'static str) {
    let at = |place: usize| u128::try_from(place).unwrap();
    match step {
        Step::Sell { amount } => {
            let order = at(naive.orders.len());
            world.create(order, 1, cny(*amount), 600);
            naive.orders.push((*amount, 0));
            naive.shop += amount;
            (code(&world.pay(order, 1, Risk::Allow)), "ok")
        }
        Step::Share { order, to } => {
            let receivers: Vec<_> = to
                .iter()
                .map(|(place, amount)| ([OTHER, RIDER][*place], *amount))
                .collect();
            // Refused shares leave no ids behind.
            let said = share(world, at(*order), at(naive.shares.len()), &receivers);
            (code(&said), naive.share(*order, to))
        }
        Step::Back { share, amount } => {
            let Some((order, receiver, ..)) = naive.shares.get(*share).copied() else {
                return ("ok", "ok");
            };
            let said = give_back(
                world,
                at(order),
                at(*share),
                [OTHER, RIDER][receiver],
                *amount,
            );
            (code(&said), naive.back(*share, *amount))
        }
        Step::Refund { order, amount } => {
            let id = world.transaction().0;
            let said = world.refund(id, at(*order), 1, cny(*amount));
            (code(&said), naive.refund(*order, *amount))
        }
        Step::Spend { amount } => {
            // The rider buys something elsewhere, so that a share may be gone.
            let order = 1_000 + world.transaction().0;
            world.create(order, 2, cny(*amount), 600);
            let said = code(&world.pay(order, 2, Risk::Allow));
            let expected = if *amount > naive.receivers[1] {
                "insufficient_funds"
            } else {
                "ok"
            };
            if expected == "ok" {
                naive.receivers[1] -= amount;
                naive.receivers[0] += amount;
            }
            (said, expected)
        }
        Step::Evict => {
            world.evict();
            ("ok", "ok")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is passed on, given back, spent and refunded: everybody has what plain sums say, and replay equals live.
    #[test]
    fn shares_agree_with_plain_sums(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::with(2, 2, 0);
        world.top_up(1, cny(1_000_000));
        let mut naive = Naive::default();
        for step in &steps {
            let (said, expected) = both(&mut world, &mut naive, step);
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        prop_assert_eq!(net(&world, Role::Merchant(MerchantNo(0))), i128::from(naive.shop));
        prop_assert_eq!(net(&world, Role::Merchant(MerchantNo(1))), i128::from(naive.receivers[0]));
        prop_assert_eq!(net(&world, Role::Wallet(WalletNo(1))), i128::from(naive.receivers[1]));
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
