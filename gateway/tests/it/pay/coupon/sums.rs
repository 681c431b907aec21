//! Coupons and points again, by maps and plain sums, beside the rules.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::Role;
use gateway::pay::{Coupon, CouponId, MerchantNo, Off, Payments, WalletNo};
use ledger::Engine;
use proptest::prelude::*;

use super::super::property::code;
use super::super::world::{World, cny};
use super::{coupon, make, net, points, scheme, using, world};

/// A part of the rules again, by maps and plain sums.
#[derive(Clone, Debug, Default)]
struct Naive {
    cash: [i128; 2],
    points: [i128; 2],
    shops: [i128; 2],
    house: i128,
    fees: i128,
    orders: Vec<Sale>,
    /// Which coupon each order that is paid or held uses, by whom.
    uses: Vec<(usize, u128, usize)>,
}

#[derive(Clone, Debug)]
struct Sale {
    shop: usize,
    amount: i128,
    state: &'static str,
    payer: usize,
    fee: i128,
    /// What each coupon took off and whether the house pays, in their order; then points and their worth.
    off: Vec<(i128, bool)>,
    spent: (i128, i128),
    earned: i128,
    decision: u128,
    refunded: i128,
}

impl Sale {
    fn paid(&self) -> i128 {
        self.amount - self.off.iter().map(|one| one.0).sum::<i128>() - self.spent.1
    }

    fn settled(&self) -> i128 {
        let shops: i128 = self.off.iter().filter(|one| !one.1).map(|one| one.0).sum();
        self.amount - shops
    }

    /// Cumulated: what is back with the payer, with the house, in points, and of the fee. Said unit by unit: the discounts
    /// have so many units back as fit, and within them the first coupon, and so on.
    fn back(&self, refunded: i128) -> [i128; 4] {
        let fit = |part: i128, now: i128, of: i128| {
            (0..=part)
                .take_while(|k| k * of <= part * now)
                .last()
                .unwrap()
        };
        let mut of = self.amount - self.paid();
        let mut left = fit(of, refunded, self.amount);
        let paid = refunded - left;
        let mut house = 0;
        for (off, by_house) in &self.off {
            let part = if of == 0 { 0 } else { fit(*off, left, of) };
            house += if *by_house { part } else { 0 };
            left -= part;
            of -= off;
        }
        let points = if of == 0 {
            0
        } else {
            fit(self.spent.0, left, of)
        };
        let settled = paid + house + left;
        let fee = self.fee * settled / self.settled();
        [paid, house + left, points, fee]
    }
}

#[derive(Clone, Debug)]
enum Step {
    TopUp {
        wallet: usize,
        cash: i64,
        points: i64,
    },
    Sell {
        shop: usize,
        amount: i64,
    },
    Pay {
        order: usize,
        wallet: usize,
        coupons: Vec<usize>,
        lots: Option<i64>,
        review: bool,
    },
    Look {
        order: usize,
        release: bool,
    },
    Refund {
        order: usize,
        amount: i64,
    },
    Evict,
}

const COUPONS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let order = 0usize..6;
    let coupons = prop::collection::vec(0usize..COUPONS, 0..4);
    prop_oneof![
        3 => (0usize..2, 0i64..5_000, 0i64..500).prop_map(|(wallet, cash, points)| Step::TopUp { wallet, cash, points }),
        3 => (0usize..2, 1i64..400).prop_map(|(shop, amount)| Step::Sell { shop, amount }),
        6 => (order.clone(), 0usize..2, coupons, prop::option::of(1i64..20), prop::bool::weighted(0.2)).prop_map(
            |(order, wallet, coupons, lots, review)| Step::Pay { order, wallet, coupons, lots, review }
        ),
        2 => (order.clone(), any::<bool>()).prop_map(|(order, release)| Step::Look { order, release }),
        6 => (order, 1i64..200).prop_map(|(order, amount)| Step::Refund { order, amount }),
        1 => Just(Step::Evict),
    ]
}

/// What a coupon takes off, whose it is (nobody's is the house's), how often, and whether it stacks.
type Terms = (Option<usize>, Result<i64, (u16, Option<i64>)>, u32, bool);

fn terms() -> impl Strategy<Value = Terms> {
    let off = prop_oneof![
        (1i64..100).prop_map(Ok),
        (1u16..=10_000, prop::option::of(1i64..50)).prop_map(Err)
    ];
    (
        prop::option::of(0usize..2),
        off,
        1u32..4,
        prop::bool::weighted(0.8),
    )
}

/// How points are earned and spent: so many for each so many units, and lots of so many that are worth so much.
type Rates = (i64, i64, i64, i64);

impl Naive {
    fn pay(
        &mut self,
        step: &Step,
        coupons: &[Terms],
        rates: Rates,
        fee: u16,
        decision: u128,
    ) -> &'static str {
        let Step::Pay {
            order,
            wallet,
            coupons: named,
            lots,
            review,
        } = step
        else {
            unreachable!()
        };
        let Some(sale) = self.orders.get(*order).cloned() else {
            return "order_not_found";
        };
        match sale.state {
            "open" => {}
            "held" => return "order_in_review",
            _ => return "order_already_paid",
        }
        for at in named {
            let (owner, _, times, _) = coupons[*at];
            if owner.is_some_and(|owner| owner != sale.shop) {
                return "coupon_not_for_order";
            }
            let used = self.uses.iter().filter(|(coupon, ..)| coupon == at).count();
            if used >= 5 {
                return "coupon_used_up";
            }
            let by = self
                .uses
                .iter()
                .filter(|(coupon, _, by)| coupon == at && by == wallet)
                .count();
            if by >= times as usize {
                return "coupon_limit_reached";
            }
        }
        let mut turns: Vec<usize> = named.clone();
        turns.sort_by_key(|at| (coupons[*at].1.is_ok(), coupons[*at].0.is_none(), *at));
        turns.dedup();
        let all_stack = turns.iter().all(|at| coupons[*at].3);
        if turns.len() < named.len() || (turns.len() > 1 && !all_stack) {
            return "coupons_do_not_stack";
        }
        let mut left = sale.amount;
        let mut off = Vec::new();
        for at in &turns {
            let (owner, takes, ..) = coupons[*at];
            let taken = match takes {
                Ok(amount) => i128::from(amount),
                Err((points, most)) => {
                    (left * i128::from(points) / 10_000).min(most.map_or(i128::MAX, i128::from))
                }
            };
            let taken = taken.min(left - 1);
            off.push((taken, owner.is_none()));
            left -= taken;
        }
        let (earned, per, lot, worth) = rates;
        let mut spent = (0, 0);
        if let Some(lots) = lots {
            spent = (i128::from(lots * lot), i128::from(lots * worth));
            if spent.1 > (left / 2).min(left - 1) {
                return "points_invalid";
            }
            let held: i128 = self.held(*wallet).map(|sale| sale.spent.0).sum();
            if self.points[*wallet] - held < spent.0 {
                return "insufficient_funds";
            }
        }
        let paid = left - spent.1;
        let held: i128 = self.held(*wallet).map(Sale::paid).sum();
        if self.cash[*wallet] - held < paid {
            return "insufficient_funds";
        }
        let mut sale = Sale {
            payer: *wallet,
            off,
            spent,
            decision,
            ..sale
        };
        sale.fee = half_even(sale.settled() * i128::from(fee));
        sale.earned = paid / i128::from(per) * i128::from(earned);
        sale.state = "held";
        self.orders[*order] = sale;
        self.uses.extend(
            turns
                .into_iter()
                .map(|at| (at, u128::try_from(*order).unwrap(), *wallet)),
        );
        if !review {
            self.let_go(*order);
        }
        "ok"
    }

    fn held(&self, wallet: usize) -> impl Iterator<Item = &Sale> {
        self.orders
            .iter()
            .filter(move |sale| sale.state == "held" && sale.payer == wallet)
    }

    fn let_go(&mut self, order: usize) {
        let sale = &mut self.orders[order];
        sale.state = "paid";
        self.cash[sale.payer] -= sale.paid();
        self.points[sale.payer] += sale.earned - sale.spent.0;
        self.shops[sale.shop] += sale.settled() - sale.fee;
        self.fees += sale.fee;
        self.house += sale.settled() - sale.paid();
    }

    fn free(&mut self, order: usize) {
        self.uses
            .retain(|(_, by, _)| *by != u128::try_from(order).unwrap());
    }

    fn refund(&mut self, order: usize, amount: i64, rates: Rates) -> &'static str {
        let Some(sale) = self.orders.get(order).cloned() else {
            return "order_not_found";
        };
        if sale.state != "paid" {
            return "order_not_paid";
        }
        let refunded = sale.refunded + i128::from(amount);
        if refunded > sale.amount {
            return "refund_exceeds_paid";
        }
        let (before, after) = (sale.back(sale.refunded), sale.back(refunded));
        let [paid, house, points, fee] = [0, 1, 2, 3].map(|at| after[at] - before[at]);
        assert!([paid, house, points, fee].iter().all(|part| *part >= 0));
        if self.shops[sale.shop] < paid + house - fee {
            return "merchant_balance_too_low";
        }
        let kept = |back: i128| (sale.paid() - back) / i128::from(rates.1) * i128::from(rates.0);
        let due = kept(before[0]) - kept(after[0]);
        let held: i128 = self.held(sale.payer).map(|sale| sale.spent.0).sum();
        let taken = due.min(self.points[sale.payer] - held);
        self.shops[sale.shop] -= paid + house - fee;
        self.fees -= fee;
        self.house -= house;
        self.cash[sale.payer] += paid;
        self.points[sale.payer] += points - taken;
        self.orders[order].refunded = refunded;
        if refunded == sale.amount {
            self.free(order);
        }
        "ok"
    }
}

/// Rounds ten thousandths to the nearest whole, a tie to the even one.
fn half_even(parts: i128) -> i128 {
    let (whole, rest) = (parts / 10_000, parts % 10_000);
    whole + i128::from(rest > 5_000 || (rest == 5_000 && whole % 2 == 1))
}

fn both(
    world: &mut World,
    naive: &mut Naive,
    step: &Step,
    terms: (&[Terms], Rates, u16),
) -> (&'static str, &'static str) {
    let (coupons, rates, fee) = terms;
    match step {
        Step::TopUp {
            wallet,
            cash,
            points: given,
        } => {
            let id = u128::try_from(wallet + 1).unwrap();
            world.top_up(id, cny(*cash));
            world.top_up(id, Money::new(*given, points()));
            naive.cash[*wallet] += i128::from(*cash);
            naive.points[*wallet] += i128::from(*given);
            ("ok", "ok")
        }
        Step::Sell { shop, amount } => {
            let (order, merchant) = (
                u128::try_from(naive.orders.len()).unwrap(),
                u128::try_from(shop + 1).unwrap(),
            );
            world.create(order, merchant, cny(*amount), 100_000);
            naive.orders.push(Sale {
                shop: *shop,
                amount: i128::from(*amount),
                state: "open",
                payer: 0,
                fee: 0,
                off: Vec::new(),
                spent: (0, 0),
                earned: 0,
                decision: 0,
                refunded: 0,
            });
            ("ok", "ok")
        }
        Step::Pay {
            order,
            wallet,
            coupons: named,
            lots,
            review,
        } => {
            let named: Vec<u128> = named
                .iter()
                .map(|at| u128::try_from(*at).unwrap() + 1)
                .collect();
            let risk = if *review { Risk::Review } else { Risk::Allow };
            let using = using(&named, lots.map(|lots| lots * rates.2));
            let (order, wallet) = (
                u128::try_from(*order).unwrap(),
                u128::try_from(wallet + 1).unwrap(),
            );
            let (decision, said) = world.pay_using(order, wallet, risk, using);
            (code(&said), naive.pay(step, coupons, rates, fee, decision))
        }
        Step::Look { order, release } => {
            let held = naive.orders.get(*order).filter(|sale| sale.state == "held");
            let Some(decision) = held.map(|sale| sale.decision) else {
                return ("ok", "ok");
            };
            if *release {
                naive.let_go(*order);
                (code(&world.release(decision)), "ok")
            } else {
                naive.orders[*order].state = "open";
                naive.free(*order);
                (code(&world.deny(decision)), "ok")
            }
        }
        Step::Refund { order, amount } => {
            let id = world.transaction().0;
            let shop = naive.orders.get(*order).map_or(0, |sale| sale.shop);
            let (at, shop) = (
                u128::try_from(*order).unwrap(),
                u128::try_from(shop + 1).unwrap(),
            );
            let said = world.refund(id, at, shop, cny(*amount));
            (code(&said), naive.refund(*order, *amount, rates))
        }
        Step::Evict => {
            world.evict();
            ("ok", "ok")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever is paid with coupons and points, held, let go and given back in whatever pieces: every purse, the house's
    /// and how often each coupon was used are as the plain sums say, and replay equals live.
    #[test]
    fn coupons_and_points_agree_with_plain_sums(
        fee in 0u16..=10_000,
        rates in (0i64..4, 1i64..50, 1i64..20, 1i64..20),
        coupons in prop::collection::vec(terms(), COUPONS),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = world(fee);
        let (earned, per, lot, worth) = rates;
        scheme(&mut world, (earned, per), (lot, worth, 5_000));
        for (at, (owner, off, times, stacks)) in coupons.iter().enumerate() {
            let off = match *off {
                Ok(amount) => Off::Fixed(amount),
                Err((basis_points, most)) => Off::Percent { basis_points, most },
            };
            let owner = owner.map(|owner| u128::try_from(owner + 1).unwrap());
            let new = coupon(&world, u128::try_from(at + 1).unwrap(), owner, off);
            make(&mut world, Coupon { stock: 5, per_person: *times, stacks: *stacks, ..new });
        }
        let mut naive = Naive::default();
        for step in &steps {
            let (said, expected) = both(&mut world, &mut naive, step, (&coupons, rates, fee));
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        for at in 0..2u32 {
            let (wallet, shop) = (Role::Wallet(WalletNo(at)), Role::Merchant(MerchantNo(at)));
            let place = usize::try_from(at).unwrap();
            prop_assert_eq!(net(&world, wallet, Currency::CNY), naive.cash[place]);
            prop_assert_eq!(net(&world, wallet, points()), naive.points[place]);
            prop_assert_eq!(net(&world, shop, Currency::CNY), naive.shops[place]);
        }
        prop_assert_eq!(net(&world, Role::Promotions, Currency::CNY), naive.house);
        prop_assert_eq!(net(&world, Role::Fees, Currency::CNY), naive.fees);
        for at in 0..COUPONS {
            let uses = world.engine.machine().coupons().get(CouponId(u128::try_from(at + 1).unwrap())).unwrap();
            let naive = naive.uses.iter().filter(|(coupon, ..)| *coupon == at).count();
            prop_assert_eq!(uses.used, u32::try_from(naive).unwrap());
        }
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
