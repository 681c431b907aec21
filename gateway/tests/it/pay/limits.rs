//! How much of memory one owner can take.

use gateway::pay::ORDERS_OPEN_MAX;
use gateway::pay::{
    Command, KeyId, Keys, MerchantId, Outcome, Owner, Refusal, SealedSecret, WalletId,
};
use ledger::Verdict;

use super::world::{World, cny};

const SHOP: Owner = Owner::Merchant(MerchantId(1));

fn add(world: &mut World, id: u128, owner: Owner) -> Outcome {
    let secret = SealedSecret(vec![1]);
    let id = KeyId(id);
    world.ask(Command::AddKey { id, owner, secret }, Vec::new())
}

#[test]
fn an_owner_has_so_many_keys_and_no_more_until_one_is_revoked() {
    let mut world = World::with(2, 1, 60);
    let most = Keys::PER_OWNER_MAX as u128;
    for id in 1..=most {
        assert!(matches!(add(&mut world, id, SHOP), Outcome::Key(_)), "{id}");
    }
    let more = add(&mut world, most + 1, SHOP);
    assert_eq!(more, Outcome::Refused(Refusal::KeysTooMany));
    for other in [
        Owner::Merchant(MerchantId(2)),
        Owner::Wallet(WalletId(1)),
        Owner::Operator,
    ] {
        let id = 1_000 + u128::from(world.engine.machine().keys().count() as u64);
        assert!(matches!(add(&mut world, id, other), Outcome::Key(_)));
    }
    world.must(Command::RevokeKey { id: KeyId(1) });
    world.must(Command::RevokeKey { id: KeyId(1) });
    assert!(matches!(add(&mut world, most + 1, SHOP), Outcome::Key(_)));
    let more = add(&mut world, most + 2, SHOP);
    assert_eq!(more, Outcome::Refused(Refusal::KeysTooMany));
}

#[test]
fn revoked_keys_are_known_for_a_while_and_no_number_is_given_twice() {
    let mut world = World::with(1, 0, 60);
    let many = 3 * Keys::REVOKED_PER_OWNER_MAX;
    let mut numbers = std::collections::BTreeSet::new();
    for id in 1..=many as u128 {
        let Outcome::Key(key) = add(&mut world, id, SHOP) else {
            panic!("not made")
        };
        assert!(numbers.insert(key.no), "{} was given twice", key.no);
        world.must(Command::RevokeKey { id: KeyId(id) });
    }
    let payments = world.engine.machine();
    assert_eq!(payments.keys().count(), Keys::REVOKED_PER_OWNER_MAX);
    assert!(payments.keys().all(|key| key.revoked));
    assert!(payments.key(KeyId(many as u128)).is_some());
    assert_eq!(payments.key(KeyId(1)), None);
}

#[test]
fn a_merchant_has_so_many_open_orders_and_no_more_until_one_is_closed() {
    let mut world = World::with(2, 0, 60);
    let most = u128::from(ORDERS_OPEN_MAX);
    for order in 1..=most {
        let made = world.create(order, 1, cny(100), 600);
        assert!(matches!(made, Verdict::New(Outcome::Order(_))), "{order}");
    }
    let full = |verdict: Verdict<_>| {
        matches!(
            verdict,
            Verdict::New(Outcome::Refused(Refusal::OrdersOpenTooMany))
        )
    };
    assert!(full(world.create(most + 1, 1, cny(100), 600)));
    assert!(matches!(
        world.create(most + 2, 2, cny(100), 600),
        Verdict::New(Outcome::Order(_))
    ));
    assert!(matches!(world.close(1, 1), Outcome::Order(_)));
    assert!(matches!(
        world.create(most + 3, 1, cny(100), 600),
        Verdict::New(Outcome::Order(_))
    ));
    assert!(full(world.create(most + 4, 1, cny(100), 600)));
}

#[test]
fn no_wallet_holds_more_than_can_be_told() {
    let mut world = World::with(1, 1, 0);
    assert!(matches!(
        world.top_up(1, cny(i64::MAX)),
        Outcome::ToppedUp { .. }
    ));
    let Outcome::Refused(refusal) = world.top_up(1, cny(1)) else {
        panic!("two to the sixty-third")
    };
    assert_eq!(refusal.code(), "above_maximum");
}
