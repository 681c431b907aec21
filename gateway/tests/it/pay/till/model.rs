//! What happens at tills, as simply as it can be said, beside the naive model of payments.

use std::collections::BTreeMap;

use fx::{Currency, Money};
use gateway::pay::Method;
use gateway::pay::order::Verdict as Risk;
use proptest::prelude::*;

use super::super::model::{Model, OK, Order, State};
use super::super::property::{MERCHANTS, WALLETS, code, money};
use super::super::world::{SECOND, World};
use super::{CONFIRM_ABOVE, Charge};

const TILLS: [&str; 2] = ["till 1", "till 2"];

#[derive(Clone, Debug)]
pub(in super::super) enum Step {
    Charge(Charge),
    Guess {
        merchant: u128,
        till: &'static str,
        times: usize,
    },
    Reverse {
        order: u128,
        merchant: u128,
    },
    Print {
        merchant: u128,
        fixed: bool,
        money: Money,
    },
    Retire {
        code: u128,
        merchant: u128,
    },
    PayPrinted {
        code: u128,
        wallet: u128,
        amount: Option<Money>,
        risk: Risk,
    },
}

pub(in super::super) fn step() -> impl Strategy<Value = Step> {
    let wallet = || 0..=WALLETS;
    let merchant = || 1..=MERCHANTS;
    let risk = || {
        prop_oneof![
            8 => Just(Risk::Allow), 3 => Just(Risk::Challenge), 2 => Just(Risk::Review), 1 => Just(Risk::Deny)
        ]
    };
    let till = || (0..TILLS.len()).prop_map(|till| TILLS[till]);
    let charge = (0..=MERCHANTS, till(), 0u32..3, 1u64..20, money(), risk()).prop_map(
        |(merchant, till, handle, step, amount, risk)| {
            Step::Charge(Charge {
                merchant,
                till,
                handle,
                step,
                amount,
                risk,
            })
        },
    );
    prop_oneof![
        6 => charge,
        1 => (0..=MERCHANTS, till(), 1usize..6)
            .prop_map(|(merchant, till, times)| Step::Guess { merchant, till, times }),
        4 => (0u128..8, merchant()).prop_map(|(order, merchant)| Step::Reverse { order, merchant }),
        2 => (0..=MERCHANTS, any::<bool>(), money())
            .prop_map(|(merchant, fixed, money)| Step::Print { merchant, fixed, money }),
        1 => (0u128..4, merchant()).prop_map(|(code, merchant)| Step::Retire { code, merchant }),
        5 => (0u128..3, wallet(), prop::option::of(money()), risk())
            .prop_map(|(code, wallet, amount, risk)| Step::PayPrinted { code, wallet, amount, risk }),
    ]
}

/// Two of the customers have a phone; the third handle is of nobody.
pub(in super::super) fn phones(world: &mut World, model: &mut Model) {
    for (wallet, handle) in [(1, 0), (2, 1)] {
        world.add_phone(wallet, handle);
        model.pins.insert(wallet, 0);
        model.tills.phones.insert(handle, (wallet, 0));
    }
}

#[derive(Debug)]
struct Printed {
    merchant: u128,
    currency: Currency,
    amount: Option<i64>,
    retired: bool,
}

#[derive(Debug, Default)]
pub(in super::super) struct Tills {
    /// By handle: whose phone it is, and the last step of which a code was used.
    phones: BTreeMap<u32, (u128, u64)>,
    printed: BTreeMap<u128, Printed>,
    /// All that was no code: when, where.
    guesses: Vec<(u64, u128, &'static str)>,
    /// When each merchant's count began.
    counting_since: BTreeMap<u128, u64>,
}

impl Tills {
    pub(in super::super) fn has_phone(&self, wallet: u128) -> bool {
        self.phones.values().any(|(owner, _)| *owner == wallet)
    }

    /// Five from a till in ten minutes are enough.
    fn is_blocked(&self, now: u64, merchant: u128, till: &str) -> bool {
        let Some(since) = self.counting_since.get(&merchant) else {
            return false;
        };
        let counted = self
            .guesses
            .iter()
            .filter(|(at, of, _)| at >= since && *of == merchant);
        now <= since + 600 * SECOND && counted.filter(|(.., at)| *at == till).count() >= 5
    }

    fn guess(&mut self, now: u64, merchant: u128, till: &'static str) -> &'static str {
        if self.is_blocked(now, merchant, till) {
            return "till_blocked";
        }
        let since = self.counting_since.entry(merchant).or_insert(now);
        if now > *since + 600 * SECOND {
            *since = now;
        }
        self.guesses.push((now, merchant, till));
        "payment_code_invalid"
    }
}

/// Does a step on both sides and returns what each said.
pub(in super::super) fn both(
    world: &mut World,
    model: &mut Model,
    orders: &mut u128,
    decisions: &mut Vec<u128>,
    step: &Step,
) -> (&'static str, &'static str) {
    match step {
        Step::Charge(charge) => {
            let (decision, outcome) = world.charge(*orders, charge);
            decisions.push(decision);
            *orders += 1;
            let now = world.now.0;
            (
                code(&outcome),
                model.charge(decision, *orders - 1, charge, now),
            )
        }
        Step::Guess {
            merchant,
            till,
            times,
        } => {
            let mut said = (OK, OK);
            for _ in 0..*times {
                let outcome = world.guess(*merchant, till);
                said = (
                    code(&outcome),
                    model.tills.guess(world.now.0, *merchant, till),
                );
                if said.0 != said.1 {
                    break;
                }
            }
            said
        }
        Step::Reverse { order, merchant } => {
            let outcome = world.reverse(*order, *merchant);
            (
                code(&outcome),
                model.reverse(*order, *merchant, world.now.0),
            )
        }
        Step::Print {
            merchant,
            fixed,
            money,
        } => {
            let id = model.tills.printed.len() as u128;
            let outcome = world.print(id, *merchant, *fixed, *money);
            (code(&outcome), model.print(id, *merchant, *fixed, *money))
        }
        Step::Retire { code: id, merchant } => {
            let outcome = world.retire(*id, *merchant);
            (code(&outcome), model.retire(*id, *merchant))
        }
        Step::PayPrinted {
            code: id,
            wallet,
            amount,
            risk,
        } => {
            let (decision, outcome) = world.pay_printed(*orders, *id, *wallet, *amount, *risk);
            decisions.push(decision);
            *orders += 1;
            let (order, now) = (*orders - 1, world.now.0);
            let payer = (*wallet, *risk);
            (
                code(&outcome),
                model.pay_printed(decision, order, (*id, *amount), payer, now),
            )
        }
    }
}

impl Model {
    fn charge(&mut self, decision: u128, id: u128, charge: &Charge, now: u64) -> &'static str {
        if !(1..=self.merchants).contains(&charge.merchant) {
            return "merchant_not_found";
        }
        if self.tills.is_blocked(now, charge.merchant, charge.till) {
            return "till_blocked";
        }
        let Some((wallet, last)) = self.tills.phones.get(&charge.handle).copied() else {
            return "payment_code_invalid";
        };
        if charge.step <= last {
            return "payment_code_used";
        }
        let large = charge.amount.amount > CONFIRM_ABOVE;
        let risk = if large && charge.risk == Risk::Allow {
            Risk::Challenge
        } else {
            charge.risk
        };
        let payer = (wallet, risk);
        let method = Method::PaymentCode;
        let said = self.at_once(
            method,
            (decision, id),
            charge.merchant,
            charge.amount,
            payer,
            now,
        );
        if said == OK {
            let used = self.tills.phones.get_mut(&charge.handle);
            used.unwrap().1 = charge.step;
        }
        said
    }

    /// Makes an order and pays it; if that is refused, there is no order.
    fn at_once(
        &mut self,
        method: Method,
        (decision, id): (u128, u128),
        merchant: u128,
        amount: Money,
        (wallet, risk): (u128, Risk),
        now: u64,
    ) -> &'static str {
        if amount.amount <= 0 {
            return "amount_invalid";
        }
        if amount.currency == Currency::EUR {
            return "currency_not_held";
        }
        let expires_at = now + 300 * SECOND;
        let order = Order {
            method,
            ..Order::open(merchant, amount.amount, amount.currency, expires_at)
        };
        self.orders.insert(id, order);
        let said = self.attempt(decision, id, wallet, risk, now);
        if said != OK {
            self.orders.remove(&id);
        }
        said
    }

    fn reverse(&mut self, id: u128, merchant: u128, now: u64) -> &'static str {
        let found = self
            .orders
            .get(&id)
            .filter(|order| order.merchant == merchant);
        let Some(order) = found.cloned() else {
            return "order_not_found";
        };
        if order.method != Method::PaymentCode {
            return "not_a_charge";
        }
        match order.state {
            State::Reversed | State::Closed | State::Expired => return OK,
            State::AwaitingPayer | State::InReview => {
                self.waiting.retain(|_, waiting| waiting.order != id);
            }
            State::Paid if order.refunded > 0 => return "order_refunded",
            State::Paid | State::Open => {
                if now > order.paid_at + 24 * 3600 * SECOND {
                    return "reversal_too_late";
                }
                let amount = i128::from(order.amount);
                let fee = i128::from(order.fee);
                let purse = self.merchant.entry((merchant, order.currency)).or_default();
                if *purse < amount - fee {
                    return "merchant_balance_too_low";
                }
                *purse -= amount - fee;
                *self.fees.entry(order.currency).or_default() -= fee;
                *self
                    .wallet
                    .entry((order.payer, order.currency))
                    .or_default() += amount;
            }
        }
        self.orders.get_mut(&id).unwrap().state = State::Reversed;
        OK
    }

    fn print(&mut self, id: u128, merchant: u128, fixed: bool, money: Money) -> &'static str {
        if !(1..=self.merchants).contains(&merchant) {
            return "merchant_not_found";
        }
        if money.currency == Currency::EUR {
            return "currency_not_held";
        }
        if fixed && money.amount <= 0 {
            return "amount_invalid";
        }
        let printed = Printed {
            merchant,
            currency: money.currency,
            amount: fixed.then_some(money.amount),
            retired: false,
        };
        self.tills.printed.insert(id, printed);
        OK
    }

    fn retire(&mut self, id: u128, merchant: u128) -> &'static str {
        match self.tills.printed.get_mut(&id) {
            Some(printed) if printed.merchant == merchant => {
                printed.retired = true;
                OK
            }
            _ => "printed_code_not_found",
        }
    }

    fn pay_printed(
        &mut self,
        decision: u128,
        order: u128,
        (id, entered): (u128, Option<Money>),
        payer: (u128, Risk),
        now: u64,
    ) -> &'static str {
        let Some(printed) = self.tills.printed.get(&id) else {
            return "printed_code_not_found";
        };
        if printed.retired {
            return "printed_code_retired";
        }
        let fixed = printed
            .amount
            .map(|amount| Money::new(amount, printed.currency));
        let Some(amount) = fixed.or(entered) else {
            return "amount_invalid";
        };
        let other = entered.is_some_and(|entered| entered != amount);
        if other || amount.currency != printed.currency {
            return "amount_invalid";
        }
        let merchant = printed.merchant;
        if !(1..=self.wallets).contains(&payer.0) {
            return "wallet_not_found";
        }
        self.at_once(
            Method::PrintedCode,
            (decision, order),
            merchant,
            amount,
            payer,
            now,
        )
    }
}
