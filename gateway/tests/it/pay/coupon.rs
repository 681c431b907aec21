//! Coupons and points: what they take off, what goes back to whom, and how often they can be used.

mod sums;

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    Command, Coupon, CouponId, CouponState, CouponsOf, Earning, MerchantId, MerchantNo, Off, Order,
    Outcome, Scheme, Spending, Using, WalletId, WalletNo,
};
use ledger::Timestamp;

use super::property::code;
use super::world::{SECOND, World, cny};

pub(super) fn points() -> Currency {
    Currency::own("POINTS", 0).unwrap()
}

/// A world in which wallets hold points too.
fn world(fee: u16) -> World {
    let mut world = World::new();
    world.must(Command::RegisterAsset(points()));
    world.open(2, 2, fee, &[Currency::CNY, points()]);
    world
}

/// Of the first merchant, or of the house.
fn coupon(world: &World, id: u128, owner: Option<u128>, off: Off) -> Coupon {
    Coupon {
        id: CouponId(id),
        owner: owner.map(MerchantId),
        name: format!("coupon {id}"),
        off,
        currency: Currency::CNY,
        minimum: 0,
        merchants: Vec::new(),
        stock: 100,
        per_person: 100,
        stacks: true,
        from: Timestamp::ZERO,
        until: world.now.plus_secs(1_000),
        state: CouponState::Running,
    }
}

fn make(world: &mut World, coupon: Coupon) -> Outcome {
    world.ask(Command::MakeCoupon(Box::new(coupon)), Vec::new())
}

fn scheme(world: &mut World, earning: (i64, i64), spending: (i64, i64, u16)) {
    world.must(Command::SetScheme(Scheme {
        asset: points(),
        currency: Currency::CNY,
        earning: Earning {
            points: earning.0,
            per: earning.1,
        },
        spending: Spending {
            points: spending.0,
            worth: spending.1,
            most_basis_points: spending.2,
        },
    }));
}

fn using(coupons: &[u128], points: Option<i64>) -> Using {
    Using {
        coupons: coupons.iter().copied().map(CouponId).collect(),
        points,
    }
}

fn net(world: &World, role: Role, currency: Currency) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(currency));
    account.map_or(0, ledger::Account::net)
}

fn order(outcome: &Outcome) -> &Order {
    match outcome {
        Outcome::Paid { order, .. } | Outcome::Refunded { order, .. } => order,
        other => panic!("no payment: {other:?}"),
    }
}

const SHOP: Role = Role::Merchant(MerchantNo(0));
const ANN: Role = Role::Wallet(WalletNo(0));

#[test]
fn what_a_merchant_gives_it_has_less_of_and_what_the_house_gives_it_is_paid() {
    let mut world = world(100);
    world.top_up(1, cny(100_000));
    world.top_up(1, Money::new(300, points()));
    scheme(&mut world, (1, 100), (100, 100, 5_000));
    let tenth = Off::Percent {
        basis_points: 1_000,
        most: None,
    };
    let first = coupon(&world, 1, Some(1), tenth);
    make(&mut world, first);
    let second = coupon(&world, 2, None, Off::Fixed(500));
    make(&mut world, second);
    world.create(1, 1, cny(10_000), 60);
    // 100.00, less 10 percent of the shop's, 5.00 of the house's, and 3.00 in points: 82.00.
    let (_, paid) = world.pay_using(1, 1, Risk::Allow, using(&[2, 1], Some(300)));
    let payment = order(&paid).payment.clone().unwrap();
    let breakdown = payment.breakdown.unwrap();
    let off: Vec<i64> = breakdown.discounts.iter().map(|one| one.amount).collect();
    assert_eq!(
        off,
        [1_000, 500],
        "percentages go first, however they are named"
    );
    assert_eq!(breakdown.spent.unwrap().worth, 300);
    assert_eq!(breakdown.earned.unwrap().points.amount, 82);
    assert_eq!(payment.fee, cny(90), "of what the shop is paid, 90.00");
    assert_eq!(net(&world, ANN, Currency::CNY), 100_000 - 8_200);
    assert_eq!(net(&world, SHOP, Currency::CNY), 9_000 - 90);
    assert_eq!(net(&world, Role::Promotions, Currency::CNY), 800);
    assert_eq!(net(&world, ANN, points()), 82);
    assert_eq!(net(&world, Role::Promotions, points()), 82 - 300);

    // Half of it goes back: half of each part, and half of the points that were earned.
    let half = world.refund(1, 1, 1, cny(5_000));
    let Outcome::Refunded { refund, .. } = &half else {
        panic!("{half:?}")
    };
    let parts = refund.parts.clone().unwrap();
    assert_eq!((parts.paid, parts.worth, parts.spent), (4_100, 150, 150));
    assert_eq!(parts.discounts, [500, 250]);
    assert_eq!(parts.earned, 41);
    assert_eq!(net(&world, ANN, Currency::CNY), 100_000 - 4_100);
    assert_eq!(net(&world, ANN, points()), 82 + 150 - 41);
    assert_eq!(net(&world, Role::Promotions, Currency::CNY), 400);
    world.refund(2, 1, 1, cny(5_000));
    for role in [SHOP, Role::Promotions, Role::Fees] {
        assert_eq!(net(&world, role, Currency::CNY), 0, "{role}");
    }
    assert_eq!(net(&world, ANN, points()), 300);
}

#[test]
fn a_use_comes_back_with_all_of_the_money_and_not_before() {
    let mut world = world(0);
    world.top_up(1, cny(100_000));
    let once = Coupon {
        per_person: 1,
        ..coupon(&world, 1, Some(1), Off::Fixed(100))
    };
    make(&mut world, once);
    for number in 1..=6 {
        world.create(number, 1, cny(1_000), 1_000_000);
    }
    let pay = |world: &mut World, order, risk| world.pay_using(order, 1, risk, using(&[1], None));
    let said = |outcome: &Outcome| code(outcome);
    assert_eq!(said(&pay(&mut world, 1, Risk::Allow).1), "ok");
    assert_eq!(
        said(&pay(&mut world, 2, Risk::Allow).1),
        "coupon_limit_reached"
    );
    world.refund(1, 1, 1, cny(999));
    assert_eq!(
        said(&pay(&mut world, 2, Risk::Allow).1),
        "coupon_limit_reached"
    );
    world.evict();
    world.refund(2, 1, 1, cny(1));
    // What waits has it, until an analyst says no; what is let go keeps it.
    let (held, outcome) = pay(&mut world, 2, Risk::Review);
    assert!(matches!(outcome, Outcome::Pending { .. }), "{outcome:?}");
    assert_eq!(
        said(&pay(&mut world, 3, Risk::Allow).1),
        "coupon_limit_reached"
    );
    world.deny(held);
    assert_eq!(said(&pay(&mut world, 3, Risk::Deny).1), "risk_denied");
    let (held, _) = pay(&mut world, 3, Risk::Review);
    // It has ended meanwhile, and what waits keeps it.
    world.wait(2_000 * SECOND);
    assert_eq!(said(&pay(&mut world, 4, Risk::Allow).1), "coupon_not_valid");
    let released = world.release(held);
    assert_eq!(
        order(&released)
            .payment
            .as_ref()
            .unwrap()
            .breakdown
            .as_ref()
            .unwrap()
            .off(),
        100
    );
    assert_eq!(net(&world, ANN, Currency::CNY), 100_000 - 900);
}

#[test]
fn who_is_asked_to_confirm_is_asked_the_same_again() {
    let mut world = world(0);
    world.top_up(1, cny(100_000));
    world.set_pin(1);
    let once = Coupon {
        stock: 1,
        ..coupon(&world, 1, None, Off::Fixed(100))
    };
    make(&mut world, once);
    world.create(1, 1, cny(1_000), 600);
    let (first, _) = world.pay_using(1, 1, Risk::Challenge, using(&[1], None));
    let (_, again) = world.pay_using(1, 1, Risk::Challenge, using(&[1], None));
    let Outcome::Pending { decision, .. } = again else {
        panic!("{again:?}")
    };
    assert_eq!(decision.id.0, first);
    let confirmed = world.confirm(first, 1);
    assert_eq!(order(&confirmed).state.name(), "paid");
    assert_eq!(net(&world, Role::Promotions, Currency::CNY), 100);
}

#[test]
fn each_condition_has_its_own_refusal() {
    let mut world = world(0);
    world.top_up(1, cny(100_000));
    let base = coupon(&world, 1, Some(1), Off::Fixed(100));
    let later = world.now.plus_secs(100);
    for (id, coupon) in [
        (1, base.clone()),
        (
            2,
            Coupon {
                owner: Some(MerchantId(2)),
                ..base.clone()
            },
        ),
        (
            3,
            Coupon {
                owner: None,
                merchants: vec![MerchantId(2)],
                ..base.clone()
            },
        ),
        (
            4,
            Coupon {
                minimum: 1_001,
                ..base.clone()
            },
        ),
        (
            5,
            Coupon {
                from: later,
                ..base.clone()
            },
        ),
        (
            6,
            Coupon {
                stacks: false,
                ..base.clone()
            },
        ),
        (7, base),
    ] {
        let made = make(
            &mut world,
            Coupon {
                id: CouponId(id),
                ..coupon
            },
        );
        assert_eq!(code(&made), "ok", "{id}");
    }
    let withdraw = Command::WithdrawCoupon {
        id: CouponId(7),
        owner: Some(MerchantId(1)),
    };
    world.must(withdraw);
    world.create(1, 1, cny(1_000), 60);
    for (coupons, spent, wanted) in [
        (&[2][..], None, "coupon_not_for_order"),
        (&[3], None, "coupon_not_for_order"),
        (&[4], None, "coupon_minimum"),
        (&[5], None, "coupon_not_valid"),
        (&[7], None, "coupon_not_valid"),
        (&[9], None, "coupon_not_found"),
        (&[1, 6], None, "coupons_do_not_stack"),
        (&[1, 1], None, "coupons_do_not_stack"),
        (&[], Some(1), "points_not_taken"),
    ] {
        let (_, said) = world.pay_using(1, 1, Risk::Allow, using(coupons, spent));
        assert_eq!(code(&said), wanted, "{coupons:?}");
    }
    scheme(&mut world, (0, 1), (10, 1, 10_000));
    world.top_up(1, Money::new(100_000, points()));
    for (spent, wanted) in [
        (5, "points_invalid"),
        (10_000, "points_invalid"),
        (9_990, "ok"),
    ] {
        let (_, said) = world.pay_using(1, 1, Risk::Allow, using(&[], Some(spent)));
        assert_eq!(code(&said), wanted, "{spent}");
    }
    assert_eq!(
        net(&world, ANN, Currency::CNY),
        99_999,
        "a unit is always paid"
    );
}

#[test]
fn points_that_are_gone_are_not_taken_back() {
    let mut world = world(0);
    world.top_up(1, cny(1_000));
    scheme(&mut world, (1, 1), (1, 1, 10_000));
    world.create(1, 1, cny(500), 60);
    world.pay_using(1, 1, Risk::Allow, Using::default());
    world.create(2, 1, cny(500), 60);
    world.pay_using(2, 1, Risk::Allow, using(&[], Some(400)));
    // 500 were earned, 400 spent and 100 earned again.
    assert_eq!(net(&world, ANN, points()), 200);
    world.refund(1, 1, 1, cny(500));
    assert_eq!(net(&world, ANN, points()), 0);
    assert_eq!(net(&world, ANN, Currency::CNY), 900);
}

#[test]
fn coupons_that_cannot_be_are_refused_and_those_that_are_usable_are_listed() {
    let mut world = world(0);
    let base = coupon(&world, 1, Some(1), Off::Fixed(1));
    let percent = |basis_points| Off::Percent {
        basis_points,
        most: None,
    };
    for wrong in [
        Coupon {
            off: Off::Fixed(0),
            ..base.clone()
        },
        Coupon {
            off: percent(0),
            ..base.clone()
        },
        Coupon {
            off: percent(10_001),
            ..base.clone()
        },
        Coupon {
            minimum: -1,
            ..base.clone()
        },
        Coupon {
            stock: 0,
            ..base.clone()
        },
        Coupon {
            per_person: 0,
            ..base.clone()
        },
        Coupon {
            merchants: vec![MerchantId(1)],
            ..base.clone()
        },
        Coupon {
            until: Timestamp::ZERO,
            ..base.clone()
        },
        Coupon {
            until: world.now.plus_secs(400 * 24 * 3600),
            ..base.clone()
        },
    ] {
        assert_eq!(
            code(&make(&mut world, wrong.clone())),
            "terms_invalid",
            "{wrong:?}"
        );
    }
    make(&mut world, base.clone());
    assert_eq!(code(&make(&mut world, base)), "id_taken");
    for id in 2..=5 {
        let owner = [Some(1), Some(2), None, None][usize::try_from(id - 2).unwrap()];
        let new = Coupon {
            stock: 1,
            ..coupon(&world, id, owner, Off::Fixed(1))
        };
        make(&mut world, new);
    }
    world.top_up(1, cny(100));
    world.create(1, 1, cny(100), 60);
    world.pay_using(1, 1, Risk::Allow, using(&[4], None));
    let mut listed = |of, after: Option<u128>| {
        let after = after.map(CouponId);
        match world.must(Command::Coupons {
            of,
            after,
            limit: 2,
        }) {
            Outcome::Coupons(found) => found.iter().map(|uses| uses.coupon.id.0).collect(),
            _ => Vec::new(),
        }
    };
    let usable = CouponsOf::Usable(MerchantId(1), WalletId(1));
    assert_eq!(listed(usable, None), [1, 2]);
    assert_eq!(listed(usable, Some(2)), [5], "the fourth is used up");
    assert_eq!(listed(CouponsOf::Owner(None), None), [4, 5]);
    assert_eq!(listed(CouponsOf::Owner(Some(MerchantId(2))), None), [3]);
}
