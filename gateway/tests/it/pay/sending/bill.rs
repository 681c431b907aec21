//! Stories of people who share a bill.

use gateway::pay::bill::Item;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::{
    Bill, BillId, BillState, Command, Cut, NewBill, Outcome, PayBill, TransferId, TransferState,
    WalletId,
};

use super::super::world::{SECOND, World, cny, scored};
use super::code;

const HOUR: u64 = 3_600 * SECOND;

/// Four people with 100.00 CNY each; the first put the money out for a dinner.
fn people() -> World {
    let mut world = World::with(0, 4, 0);
    for wallet in 1..=4 {
        world.top_up(wallet, cny(10_000));
    }
    world
}

fn open(world: &mut World, among: &[u128], amount: i64, cut: Cut) -> Outcome {
    let new = NewBill {
        id: BillId(7),
        owner: WalletId(1),
        amount: cny(amount),
        title: "hot pot".to_owned(),
        among: among.iter().copied().map(WalletId).collect(),
        cut,
    };
    world.ask(Command::OpenBill(new), Vec::new())
}

/// Pays a share, and says under which id it was decided.
fn pay(world: &mut World, wallet: u128, risk: Risk) -> (u128, Outcome) {
    let transaction = world.transaction();
    let pay = PayBill {
        bill: BillId(7),
        wallet: WalletId(wallet),
        transfer: TransferId(transaction.0 | 1 << 100),
        transaction,
        scored: Some(Box::new(scored(transaction, risk))),
    };
    (transaction.0, world.ask(Command::PayBill(pay), Vec::new()))
}

fn remind(world: &mut World, wallet: u128) -> Outcome {
    let (bill, wallet) = (BillId(7), WalletId(wallet));
    world.ask(Command::Remind { bill, wallet }, Vec::new())
}

fn cancel(world: &mut World, wallet: u128) -> Outcome {
    let (bill, wallet) = (BillId(7), WalletId(wallet));
    world.ask(Command::CancelBill { bill, wallet }, Vec::new())
}

fn find(world: &mut World) -> Bill {
    match world.ask(Command::FindBill(BillId(7)), Vec::new()) {
        Outcome::Bill(bill) => *bill,
        other => panic!("no bill: {other:?}"),
    }
}

#[track_caller]
fn refused(outcome: &Outcome, wanted: &str) {
    assert_eq!(code(outcome), wanted, "{outcome:?}");
}

fn balance(world: &World, no: u32) -> i128 {
    use gateway::pay::WalletNo;
    use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
    let id = Role::Wallet(WalletNo(no)).account(fx::Currency::CNY);
    let account = world.engine.machine().ledger().account(PAYMENTS_BOOK, id);
    account.unwrap().net()
}

#[test]
fn a_dinner_is_paid_share_by_share_until_it_is_settled() {
    let mut world = people();
    let Outcome::Bill(bill) = open(&mut world, &[1, 2, 3], 10_000, Cut::Even) else {
        panic!("not opened")
    };
    let amounts: Vec<i64> = bill.shares.iter().map(|share| share.amount).collect();
    assert_eq!((amounts, bill.paid()), (vec![3_334, 3_333, 3_333], 3_334));
    refused(&pay(&mut world, 1, Risk::Allow).1, "share_paid");
    refused(&pay(&mut world, 4, Risk::Allow).1, "bill_not_found");
    assert!(matches!(
        pay(&mut world, 3, Risk::Allow).1,
        Outcome::Transfer { .. }
    ));
    refused(&pay(&mut world, 3, Risk::Allow).1, "share_paid");
    let half = find(&mut world);
    assert_eq!((half.state, half.paid()), (BillState::Open, 6_667));
    assert!(matches!(
        pay(&mut world, 2, Risk::Allow).1,
        Outcome::Transfer { .. }
    ));
    for _ in 0..2 {
        let settled = find(&mut world);
        assert_eq!(
            (settled.state, settled.paid()),
            (BillState::Settled, 10_000)
        );
        assert!(
            settled
                .share_of(WalletId(2))
                .unwrap()
                .paid
                .unwrap()
                .transfer
                .is_some()
        );
        refused(&pay(&mut world, 2, Risk::Allow).1, "share_paid");
        refused(&cancel(&mut world, 1), "bill_settled");
        world.evict();
    }
    assert_eq!(
        [0, 1, 2, 3].map(|no| balance(&world, no)),
        [16_666, 6_667, 6_667, 10_000]
    );
}

#[test]
fn a_share_that_waits_is_not_paid_and_is_paid_once() {
    let mut world = people();
    world.set_pin(2);
    open(&mut world, &[2], 2_000, Cut::Even);
    let (first, waits) = pay(&mut world, 2, Risk::Challenge);
    assert!(matches!(
        waits,
        Outcome::Transfer {
            decision: Some(_),
            ..
        }
    ));
    let (held, _) = pay(&mut world, 2, Risk::Review);
    assert_eq!(find(&mut world).paid(), 0);
    assert!(matches!(world.confirm(first, 2), Outcome::Transfer { .. }));
    assert_eq!(find(&mut world).state, BillState::Settled);
    // The other try cannot pay it again, whoever lets it go.
    refused(&world.release(held), "bill_settled");
    world.evict();
    refused(&world.release(held), "bill_settled");
    world.deny(held);
    assert_eq!(world.find_transfer(held).state, TransferState::Cancelled);
    assert_eq!(balance(&world, 1), 8_000);
}

#[test]
fn its_owner_reminds_once_an_hour_and_cancels() {
    let mut world = people();
    open(&mut world, &[2, 3], 2_000, Cut::Weights(vec![3, 1]));
    refused(&remind(&mut world, 2), "bill_not_found");
    assert!(matches!(remind(&mut world, 1), Outcome::Bill(_)));
    refused(&remind(&mut world, 1), "reminder_too_soon");
    world.wait(HOUR);
    assert!(matches!(remind(&mut world, 1), Outcome::Bill(_)));
    assert_eq!(find(&mut world).reminders, 2);
    pay(&mut world, 2, Risk::Allow);
    let (held, _) = pay(&mut world, 3, Risk::Review);
    refused(&cancel(&mut world, 2), "bill_not_found");
    for _ in 0..2 {
        assert!(matches!(cancel(&mut world, 1), Outcome::Bill(_)));
        refused(&remind(&mut world, 1), "bill_cancelled");
        refused(&pay(&mut world, 3, Risk::Allow).1, "bill_cancelled");
    }
    refused(&world.release(held), "bill_cancelled");
    // What was paid stays paid.
    assert_eq!(balance(&world, 0), 11_500);
}

#[test]
fn a_bill_that_nobody_settles_expires_after_thirty_days() {
    let mut world = people();
    open(&mut world, &[2, 3], 2_000, Cut::Even);
    world.wait(30 * 24 * HOUR - SECOND);
    assert!(matches!(
        pay(&mut world, 2, Risk::Allow).1,
        Outcome::Transfer { .. }
    ));
    world.wait(2 * SECOND);
    for _ in 0..2 {
        refused(&pay(&mut world, 3, Risk::Allow).1, "bill_expired");
        assert_eq!(find(&mut world).state, BillState::Expired);
        world.evict();
    }
}

#[test]
fn a_bill_that_makes_no_sense_is_refused() {
    let odd = Cut::Items(vec![Item {
        amount: 99,
        who: vec![0],
    }]);
    for (among, amount, cut, wanted) in [
        (vec![1], 100, Cut::Even, "bill_invalid"),
        (vec![], 100, Cut::Even, "bill_invalid"),
        (vec![2, 2], 100, Cut::Even, "bill_invalid"),
        (vec![1, 2], 1, Cut::Even, "bill_invalid"),
        (vec![2, 3], 100, Cut::Weights(vec![1]), "bill_invalid"),
        (vec![2, 3], 100, odd, "bill_invalid"),
        (vec![2, 9], 100, Cut::Even, "payee_not_found"),
        (vec![2], 0, Cut::Even, "amount_invalid"),
    ] {
        let mut world = people();
        refused(&open(&mut world, &among, amount, cut), wanted);
    }
}
