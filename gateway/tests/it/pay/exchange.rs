//! Conversions at locked prices: what moves, what is left of a quote, and how far the house goes.

use std::collections::BTreeMap;

use fx::{
    Currency, Freshness, Limits, Money, Rate, RateBook, Side, Source, Terms, Tick, Tier, Timestamp,
};
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{Command, NewQuote, Outcome, QuoteId, QuoteState, Refusal, WalletId, WalletNo};
use proptest::prelude::*;

use super::world::{SECOND, World, cny};

const LOCK_SECS: u32 = 60;

/// Terms at so many units of the scale for a yuan in yen, and a spread.
fn terms(fixed: Side, amount: Money, yen_for_a_yuan: u64, spread_bps: u32) -> Option<Terms> {
    let limits = Limits {
        freshness: Freshness::Within { seconds: 60 },
        band_bps: 200,
    };
    let now = Timestamp(1_800_000_000 * SECOND);
    let rate = Rate::from_scaled(yen_for_a_yuan).unwrap();
    let mut book = RateBook::new(Currency::CNY, 100);
    book.add_source(Source::new("desk", limits)).unwrap();
    let tick = Tick {
        base: Currency::CNY,
        quote: Currency::JPY,
        bid: rate,
        ask: rate,
        time: now,
    };
    book.accept("desk", &tick, now).unwrap();
    let tier = Tier {
        name: "standard".to_owned(),
        spread_bps,
        lock_seconds: LOCK_SECS,
    };
    let other = if amount.currency == Currency::CNY {
        Currency::JPY
    } else {
        Currency::CNY
    };
    let quote = book.quote(fixed, amount, other, &tier, now).ok()?;
    Some(quote.terms().clone())
}

/// 20.5 yen for a yuan, less half a percent.
fn usual(fixed: Side, amount: Money) -> Terms {
    terms(fixed, amount, 205_000_000_000, 50).unwrap()
}

fn jpy(amount: i64) -> Money {
    Money::new(amount, Currency::JPY)
}

fn lock(world: &mut World, id: u128, wallet: u128, terms: &Terms) -> Outcome {
    let new = NewQuote {
        id: QuoteId(id),
        wallet: WalletId(wallet),
        sell: terms.sell.currency,
        buy: terms.buy.currency,
        terms: Some(terms.clone()),
    };
    world.ask(Command::LockQuote(new), Vec::new())
}

fn convert(world: &mut World, id: u128, wallet: u128) -> Outcome {
    let command = Command::Convert {
        quote: QuoteId(id),
        wallet: WalletId(wallet),
    };
    world.ask(command, Vec::new())
}

fn net(world: &World, role: Role, currency: Currency) -> i128 {
    let ledger = world.engine.machine().ledger();
    let account = ledger.account(PAYMENTS_BOOK, role.account(currency));
    account.map_or(0, ledger::Account::net)
}

fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn what_is_given_is_exact_and_the_margin_is_in_what_is_gotten() {
    let mut world = World::with(0, 1, 0);
    world.top_up(1, cny(100_000));
    let terms = usual(Side::Sell, cny(10_000));
    // 100.00 at 20.5 are 2,050 yen; half a percent of that are 10.25.
    assert_eq!((terms.buy, terms.valuation), (jpy(2_039), jpy(2_050)));
    lock(&mut world, 1, 1, &terms);
    let Outcome::Converted {
        quote,
        sold,
        bought,
    } = convert(&mut world, 1, 1)
    else {
        panic!("not converted")
    };
    assert_eq!(quote.state, QuoteState::Used);
    assert_eq!((sold, bought), (90_000, 2_039));
    assert_eq!(net(&world, Role::Position, Currency::CNY), 10_000);
    assert_eq!(net(&world, Role::Position, Currency::JPY), -2_050);
    assert_eq!(net(&world, Role::Spread, Currency::JPY), 10);
    assert_eq!(net(&world, Role::Rounding, Currency::JPY), 1);
}

#[test]
fn what_is_gotten_is_exact_and_the_margin_is_in_what_is_given() {
    let mut world = World::with(0, 1, 0);
    world.top_up(1, cny(100_000));
    let terms = usual(Side::Buy, jpy(2_050));
    lock(&mut world, 1, 1, &terms);
    convert(&mut world, 1, 1);
    let wallet = Role::Wallet(WalletNo(0));
    assert_eq!(net(&world, wallet, Currency::JPY), 2_050);
    assert_eq!(net(&world, Role::Position, Currency::JPY), -2_050);
    assert_eq!(net(&world, Role::Position, Currency::CNY), 10_000);
    let margin =
        net(&world, Role::Spread, Currency::CNY) + net(&world, Role::Rounding, Currency::CNY);
    assert_eq!(
        net(&world, wallet, Currency::CNY),
        100_000 - 10_000 - margin
    );
}

#[test]
fn a_quote_is_used_once_in_its_time_by_whom_it_is_for() {
    let mut world = World::with(0, 2, 0);
    world.top_up(1, cny(100_000));
    let terms = usual(Side::Sell, cny(10_000));
    for id in 1..=3 {
        lock(&mut world, id, 1, &terms);
    }
    assert_eq!(refused(convert(&mut world, 1, 2)), Refusal::QuoteNotFound);
    assert_eq!(refused(convert(&mut world, 9, 1)), Refusal::QuoteNotFound);
    assert!(matches!(
        convert(&mut world, 1, 1),
        Outcome::Converted { .. }
    ));
    assert_eq!(refused(convert(&mut world, 1, 1)), Refusal::QuoteUsed);
    world.evict();
    assert_eq!(refused(convert(&mut world, 1, 1)), Refusal::QuoteUsed);
    world.wait(u64::from(LOCK_SECS) * SECOND - 100);
    assert!(matches!(
        convert(&mut world, 2, 1),
        Outcome::Converted { .. }
    ));
    world.wait(SECOND);
    assert_eq!(refused(convert(&mut world, 3, 1)), Refusal::QuoteExpired);
    world.evict();
    assert_eq!(refused(convert(&mut world, 3, 1)), Refusal::QuoteExpired);
    assert_eq!(
        net(&world, Role::Wallet(WalletNo(0)), Currency::CNY),
        80_000
    );
}

#[test]
fn a_conversion_needs_the_money_and_leaves_the_quote_when_there_is_none() {
    let mut world = World::with(0, 1, 0);
    world.top_up(1, cny(9_999));
    lock(&mut world, 1, 1, &usual(Side::Sell, cny(10_000)));
    assert_eq!(
        refused(convert(&mut world, 1, 1)),
        Refusal::InsufficientFunds
    );
    world.top_up(1, cny(1));
    assert!(matches!(
        convert(&mut world, 1, 1),
        Outcome::Converted { .. }
    ));
}

#[test]
fn a_position_goes_as_far_as_its_limit_and_two_quotes_cannot_pass_it() {
    let mut world = World::with(0, 1, 0);
    world.top_up(1, cny(1_000_000));
    world.must(Command::LimitPosition {
        currency: Currency::JPY,
        limit: Some(4_000),
    });
    let terms = usual(Side::Sell, cny(10_000));
    lock(&mut world, 1, 1, &terms);
    lock(&mut world, 2, 1, &terms);
    assert!(matches!(
        convert(&mut world, 1, 1),
        Outcome::Converted { .. }
    ));
    let code = "JPY".to_owned();
    let reached = Refusal::PositionReached { code };
    assert_eq!(refused(convert(&mut world, 2, 1)), reached);
    assert_eq!(refused(lock(&mut world, 3, 1, &terms)), reached);
    // The way back is open.
    lock(&mut world, 4, 1, &usual(Side::Sell, jpy(1_000)));
    assert!(matches!(
        convert(&mut world, 4, 1),
        Outcome::Converted { .. }
    ));
    world.must(Command::LimitPosition {
        currency: Currency::JPY,
        limit: None,
    });
    assert!(matches!(
        convert(&mut world, 2, 1),
        Outcome::Converted { .. }
    ));
}

#[test]
fn terms_that_do_not_follow_from_their_price_are_refused() {
    let mut world = World::with(0, 1, 0);
    let mut terms = usual(Side::Sell, cny(10_000));
    terms.buy = jpy(terms.buy.amount + 1);
    assert!(matches!(
        refused(lock(&mut world, 1, 1, &terms)),
        Refusal::TermsInvalid { .. }
    ));
}

#[test]
fn a_wallet_has_so_many_open_quotes_and_room_again_when_they_expire() {
    let mut world = World::with(0, 1, 0);
    let terms = usual(Side::Sell, cny(10_000));
    for id in 1..=20 {
        assert!(matches!(lock(&mut world, id, 1, &terms), Outcome::Quote(_)));
    }
    assert_eq!(
        refused(lock(&mut world, 21, 1, &terms)),
        Refusal::QuotesOpenTooMany
    );
    world.wait(u64::from(LOCK_SECS) * SECOND + 1);
    assert!(matches!(lock(&mut world, 22, 1, &terms), Outcome::Quote(_)));
}

#[derive(Clone, Debug)]
struct Wish {
    wallet: u128,
    fixed: Side,
    is_cny: bool,
    amount: i64,
    wait_secs: u64,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let side = prop_oneof![Just(Side::Sell), Just(Side::Buy)];
    let wait = prop_oneof![8 => 0_u64..30, 1 => 55_u64..70];
    let wish = (1_u128..=2, side, any::<bool>(), 1_i64..200_000, wait).prop_map(
        |(wallet, fixed, is_cny, amount, wait_secs)| Wish {
            wallet,
            fixed,
            is_cny,
            amount,
            wait_secs,
        },
    );
    prop::collection::vec(wish, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is converted at whatever prices: each currency balances by itself, wallets have what was said, the house
    /// earns on every conversion, and at one price nobody comes back with more than they left with.
    #[test]
    fn exchange_is_exact_and_never_pays_who_turns_around(
        wishes in wishes(),
        rate in 10_000_000_u64..5_000_000_000_000,
        spread_bps in 0_u32..300,
    ) {
        let mut world = World::with(0, 2, 0);
        let mut purses = BTreeMap::new();
        for wallet in [1, 2] {
            for start in [cny(1_000_000), jpy(1_000_000)] {
                world.top_up(wallet, start);
                purses.insert((wallet, start.currency), start.amount);
            }
        }
        for (id, wish) in (1..).zip(&wishes) {
            let currency = if wish.is_cny { Currency::CNY } else { Currency::JPY };
            let named = Money::new(wish.amount, currency);
            let Some(terms) = terms(wish.fixed, named, rate, spread_bps) else { continue };
            prop_assert!(matches!(lock(&mut world, id, wish.wallet, &terms), Outcome::Quote(_)));
            world.wait(wish.wait_secs * SECOND);
            let purse = purses[&(wish.wallet, terms.sell.currency)];
            let outcome = convert(&mut world, id, wish.wallet);
            if wish.wait_secs > u64::from(LOCK_SECS) {
                prop_assert_eq!(refused(outcome), Refusal::QuoteExpired);
            } else if wish.wait_secs < 59 && purse < terms.sell.amount {
                prop_assert_eq!(refused(outcome), Refusal::InsufficientFunds);
            } else if let Outcome::Converted { .. } = outcome {
                *purses.get_mut(&(wish.wallet, terms.sell.currency)).unwrap() -= terms.sell.amount;
                *purses.get_mut(&(wish.wallet, terms.buy.currency)).unwrap() += terms.buy.amount;
            }
        }
        for (&(wallet, currency), amount) in &purses {
            let no = WalletNo(u32::try_from(wallet - 1).unwrap());
            prop_assert_eq!(net(&world, Role::Wallet(no), currency), i128::from(*amount));
        }
        for sum in world.engine.machine().ledger().trial_balance() {
            prop_assert!(sum.balances());
        }
        for currency in [Currency::CNY, Currency::JPY] {
            prop_assert!(net(&world, Role::Spread, currency) >= 0);
            prop_assert!(net(&world, Role::Rounding, currency) >= 0);
        }
        // In the worth of minor units of yen at the one price that there was, nobody has gained.
        let worth = |wallet: u128| {
            let (yuan, yen) = (purses[&(wallet, Currency::CNY)], purses[&(wallet, Currency::JPY)]);
            i128::from(yuan) * i128::from(rate) + i128::from(yen) * 100 * 10_000_000_000
        };
        let start = 1_000_000 * i128::from(rate) + 100_000_000 * 10_000_000_000;
        for wallet in [1, 2] {
            prop_assert!(worth(wallet) <= start, "wallet {} has gained", wallet);
        }
    }
}
