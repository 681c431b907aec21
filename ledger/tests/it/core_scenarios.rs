//! What the ledger does, in stories; how they are written stands in `core_story`.

use fx::{Currencies, Currency};
use ledger::{Event, Ledger, Reason};

use crate::core_story::check;

const BALANCES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open bob   CNY liability min 0 max 500       | ok
    open fees  CNY income                        | ok
    post cash>alice 1000                         | ok
    balance cash  1000
    balance alice 1000
    post alice>bob 300, alice>fees 5             | ok
    balance alice 695
    balance bob   300
    balance fees  5
    # The second posting pays for the first: limits are looked at when the transaction is complete.
    post bob>fees 400, alice>bob 100             | ok
    balance bob   0
    # But not when the command is complete: here the second transaction comes too late.
    post bob>fees 100 / alice>bob 100            | below_minimum bob
    post alice>bob 100 / bob>fees 100            | ok
    balance alice 495
";

const TERMS: &str = "
    asset POINTS 0                               | ok
    asset POINTS 0                               | ok  # again, the same: nothing to do
    asset POINTS 2                               | asset_exists
    asset CNY 2                                  | ok  # an ISO currency needs no registration
    open  a POINTS liability                     | ok
    open  a POINTS liability                     | ok  # again, on the same terms
    open  a POINTS asset                         | account_exists a
    open  b MILES liability                      | asset_not_registered b
    open  b CNY liability min 10 max 9           | limits_invalid b
    open  b CNY liability min 10 max 10          | ok
    open  a POINTS asset min 2 max 1             | account_exists a
    open  many CNY liability x8190               | ok
    open  many CNY liability x8191               | accounts_too_many
    limits b min 5 max 4                         | limits_invalid b
    limits ghost min 5                           | account_not_found ghost
    limits b min 5                               | ok
    state ghost frozen                           | account_not_found ghost
    ask ghost                                    | account_not_found ghost
    ask b                                        | ok
";

const STATES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    open bob   CNY liability                     | ok
    post cash>alice 100                          | ok
    state alice frozen_out                       | ok
    post alice>bob 1                             | account_frozen alice
    post cash>alice 1                            | ok
    state alice frozen_in                        | ok
    post cash>alice 1                            | account_frozen alice
    post alice>bob 1                             | ok
    state alice frozen                           | ok
    post alice>bob 1                             | account_frozen alice
    state alice closed                           | balance_not_zero alice
    state alice open                             | ok
    post alice>bob 100                           | ok
    state alice closed                           | ok
    post cash>alice 1                            | account_closed alice
    state alice open                             | ok  # an operator may open it again
    post cash>alice 1                            | ok
    # Cash is an asset: what debits it comes in.
    state cash frozen_in                         | ok
    post cash>alice 1                            | account_frozen cash
    post alice>cash 1                            | ok
";

const BREACHES: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    open bob   CNY liability                     | ok
    post cash>alice 100                          | ok
    limits alice max 50                          | ok  # below today's balance: no error by itself
    post cash>alice 1                            | above_maximum alice
    post alice>bob 10                            | ok  # 90 is still above, but nearer
    post alice>bob 10, cash>alice 10             | ok  # as far above as before
    limits alice min 95                          | ok
    post alice>bob 1                             | below_minimum alice
    post cash>alice 1                            | ok
    balance alice 91
    post alice>bob 1, bob>alice 2                | ok
    limits alice min 200                         | ok
    # Both parties break a limit in one posting: the minimum stands before the maximum.
    limits bob max 5                             | ok
    post alice>bob 1                             | below_minimum alice
    post cash>bob 1                              | above_maximum bob
";

const BOOKS: &str = "
    book 1
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    book 2
    open cash  CNY asset                         | ok
    post cash>alice 1                            | account_not_found alice  # she is in book 1
    book 1
    post cash>alice 1                            | ok
    balance cash 1
    book 2
    balance cash 0
";

/// One command that has everything wrong with it, mended one fault a line: the reasons come out in
/// the order of precedence, also across transactions.
const LADDER: &str = "
    open cash    CNY asset                       | ok
    open alice   CNY liability min 0             | ok
    open full    CNY liability max 0             | ok
    open yen     JPY liability                   | ok
    open shut    CNY liability                   | ok
    open frozen  CNY liability                   | ok
    state shut closed                            | ok
    state frozen frozen                          | ok
    post                                         | transactions_missing
    post ghost>ghost 0 x257 ref 281 /            | postings_missing @1.0
    post ghost>ghost 0 ref 281 / a>a 0 x257      | postings_too_many @1.0
    post ghost>ghost 0 / a>a 0 ref 281           | reference_too_long @1.0
    post ghost>ghost 1 / alice>yen 0             | amount_not_positive @1.0
    post ghost>yen 1 / shut>shut 1               | same_account @1.0 shut
    post alice>yen 1 / shut>ghost 1              | account_not_found @1.0 ghost
    post alice>shut 1 / shut>yen 1               | assets_differ @1.0 yen
    post alice>frozen 1 / alice>shut 1           | account_closed @1.0 shut
    post alice>cash 1 / cash>alice 2, frozen>alice 1 | account_frozen @1.1 frozen
    post cash>full 1, alice>full 1               | below_minimum @0.1 alice
    post cash>alice 1, cash>full 1               | above_maximum @0.1 full
    post cash>alice 1, alice>cash 1              | ok
";

const HOLDS: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open shop  CNY liability                     | ok
    open fees  CNY income                        | ok
    post cash>alice 100                          | ok
    hold h1: alice>shop 60, alice>fees 5         | ok
    balance alice 100
    available alice 35
    hold h1: alice>shop 1                        | hold_exists
    hold h2: alice>shop 36                       | below_minimum alice
    hold h2: alice>shop 35                       | ok
    available alice 0
    capture h1 20 0                              | ok  # in part
    balance alice 80
    available alice 0
    capture h1 40                                | amounts_mismatch
    capture h1 41 5                              | amount_exceeds_rest
    capture h1 0 0                               | nothing_to_move
    capture h1 40 0 ; capture h1                 | ok  # the rest, in two steps of one command
    capture h1                                   | hold_captured
    balance shop 60
    balance fees 5
    release h2                                   | ok
    release h2                                   | hold_released
    available alice 35
    release ghost                                | hold_not_found
    # What is held comes and goes in one command, or not at all.
    hold h3: alice>shop 30 ; capture h3 10 ; release h3 | ok
    available alice 25
    hold h4: alice>shop 5 ; capture h4 6         | amount_exceeds_rest @1.0
    capture h4                                   | hold_not_found
    # A balance of zero does not close an account that still holds something.
    hold h5: cash>shop 1                         | ok
    post shop>cash 70                            | ok
    balance shop 0
    state shop closed                            | holds_open shop
    state shop frozen                            | ok
    capture h5                                   | account_frozen shop
    release h5                                   | ok
    state shop closed                            | ok
";

const EXPIRY: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    post cash>alice 100                          | ok
    hold h1: alice>cash 60 for 60                | ok
    hold h2: alice>cash 40 for 60                | ok
    hold h3: alice>cash 1                        | below_minimum alice
    capture h1 10                                | ok
    pass 61
    capture h1                                   | hold_expired
    release h2                                   | hold_expired
    available alice 90
    # They leave memory and still answer.
    hold h4: alice>cash 1                        | ok
    release h4                                   | ok
    hold h5: alice>cash 1                        | ok
    capture h5                                   | ok
    evict 0
    capture h1                                   | hold_expired
    capture h4                                   | hold_released
    capture h5                                   | hold_captured
    capture h6                                   | hold_not_found
    ask-hold h1                                  | ok
    ask-hold h6                                  | hold_not_found
";

const REVERSALS: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open shop  CNY liability                     | ok
    post cash>alice 100                          | ok  # transaction 1
    post alice>shop 60, alice>shop 5             | ok  # transaction 2
    reverse 2: 10 5                              | ok
    balance shop 50
    reverse 2: 0 1                               | amount_exceeds_rest @0.1
    reverse 2: 10                                | amounts_mismatch
    evict 0
    reverse 2: 51 0                              | amount_exceeds_rest
    reverse 2 ; move alice>shop 40 corrects 2    | ok  # what remains, and what was meant
    balance shop 40
    reverse 2                                    | nothing_to_move
    reverse 9                                    | transaction_not_found
    reverse 0                                    | transaction_not_found
    move alice>shop 1 corrects 9                 | transaction_not_found
    move alice>shop 60                           | ok
    reverse 1                                    | below_minimum alice  # she has spent it
    book 2
    reverse 1                                    | transaction_not_found  # it is in another book
";

/// What was reversed lately is known in memory, also where the views are behind.
const REVERSALS_IN_MEMORY: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    post cash>alice 100                          | ok
    reverse 1: 10                                | ok
    reverse 1: 10                                | ok
    evict 1
    reverse 1: 81                                | amount_exceeds_rest
    reverse 1: 10                                | ok
    evict 0
    reverse 1: 71                                | amount_exceeds_rest
    reverse 1                                    | ok
    balance alice 0
    reverse 1                                    | nothing_to_move
";

const AT_MOST: &str = "
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open bob   CNY liability max 50              | ok
    open carol CNY liability min -20             | ok
    post cash>alice 100                          | ok
    move alice>bob 500 at_most                   | ok  # bob has room for 50
    balance alice 50
    move alice>bob 500 at_most                   | nothing_to_move
    move alice>bob 9, alice>cash 500 at_most     | ok  # the first moves nothing and is left out
    balance alice 0
    move carol>cash 500 at_most                  | ok  # down to her credit limit
    balance carol -20
    move cash>carol 500 at_most                  | ok
    hold h1: carol>alice 450 at_most             | ok
    available carol 50
    hold h2: carol>alice 450 at_most             | ok
    available carol 0
";

const VELOCITY: &str = "
    settings offset 480                          | ok
    open cash  CNY asset                         | ok
    open alice CNY liability min 0               | ok
    open bob   CNY liability                     | ok
    post cash>alice 1000                         | ok
    velocity alice out day count 3 amount 100    | ok
    velocity alice                               | ok  # none any more
    velocity alice out day                       | velocity_invalid
    velocity ghost out day count 1               | account_not_found ghost
    velocity alice out day count 3 amount 100    | ok
    post alice>bob 60                            | ok
    post alice>bob 41                            | velocity_amount_exceeded alice
    post cash>alice 500                          | ok  # in is not out
    hold h1: alice>bob 40                        | ok
    post alice>bob 1                             | velocity_amount_exceeded alice
    release h1                                   | ok
    post alice>bob 20, alice>bob 20              | ok  # two postings are one transaction
    velocity alice out day count 3 amount 1000   | ok
    hold h2: alice>bob 1 for 60                  | ok
    post alice>bob 1                             | velocity_count_exceeded alice
    capture h2                                   | ok  # counted when it was held
    post alice>bob 1                             | velocity_count_exceeded alice
    # It began at eight in the morning: midnight in Shanghai is 16 hours away.
    pass 57000
    post alice>bob 1                             | velocity_count_exceeded alice
    pass 600
    post alice>bob 1                             | ok
    # A tier of wallets: each has the limit for itself.
    velocity tier1 both month amount 1000        | ok
    class alice 1                                | ok
    class bob 1                                  | ok
    class ghost 1                                | account_not_found ghost
    post cash>alice 399                          | velocity_amount_exceeded alice
    post cash>alice 398                          | ok  # 602 moved this month
    post cash>bob 1001                           | velocity_amount_exceeded bob
    post cash>bob 1000                           | ok
";

const PERIODS: &str = "
    settings offset 480 name 120                 | ok
    settings offset 900                          | settings_invalid
    settings name 121                            | settings_invalid
    open cash  CNY asset                         | ok
    open alice CNY liability                     | ok
    pass 100000
    move cash>alice 1 effective -50000           | ok
    move cash>alice 1 effective +60              | effective_in_future
    close -40000                                 | ok
    close -40000                                 | ok  # the time has gone on a little
    close -50000                                 | period_invalid
    close +60                                    | period_invalid
    move cash>alice 1 effective -50000           | period_closed
    move cash>alice 1 effective -30000           | ok
    hold h1: cash>alice 1                        | ok
    capture h1 effective -50000                  | period_closed
    reverse 1 effective -50000                   | period_closed
    reverse 1                                    | ok
    move cash>alice 1 meta 16                    | ok
    move cash>alice 1 meta 17                    | metadata_too_large
    describe alice meta 17                       | metadata_too_large alice
    describe alice meta 16 ref 281               | reference_too_long alice
    describe alice meta 16 ref 280               | ok
    describe ghost meta 1                        | account_not_found ghost
";

/// The same ladder for steps: first what can be seen of each step, then what each does.
const LADDER_OF_STEPS: &str = "
    open cash    CNY asset                       | ok
    open alice   CNY liability min 0 max 100     | ok
    open shut    CNY liability                   | ok
    open frozen  CNY liability                   | ok
    post cash>shut 1, cash>frozen 1              | ok
    post cash>frozen 1, cash>shut 2              | ok
    hold shut: shut>alice 1 for 60               | ok
    hold h: alice>cash 0                         | amount_not_positive
    hold h: cash>alice 10 for 60                 | ok
    velocity alice in day count 0 amount 0       | ok
    post frozen>cash 2                           | ok
    state frozen frozen                          | ok
    pass 50000
    close -1                                     | ok
    move cash>cash 0 x257 ref 281 meta 17 effective -60 ; move | postings_missing @1.0
    move cash>cash 0 x257 ref 281 meta 17 effective -60 | postings_too_many
    move cash>cash 0 ref 281 meta 17 effective -60 | reference_too_long
    move cash>cash 0 meta 17 effective -60       | metadata_too_large
    move cash>cash 0 effective +60 ; reverse 0: -1 effective -60 | effective_in_future
    move cash>cash 0 ; reverse 0: -1 effective -60 | period_closed @1.0
    move cash>cash 1 ; reverse 0: -1             | amount_not_positive @1.0
    move cash>cash 1 ; reverse 0                 | same_account cash
    hold h: alice>frozen 1 ; reverse 0           | account_frozen frozen
    hold h: alice>cash 1 ; reverse 0             | hold_exists
    capture ghost 9 ; reverse 0                  | hold_not_found
    capture h 11 1                               | hold_expired
    reverse 0: 1 2 3                             | transaction_not_found
    hold g: cash>alice 1, cash>alice 1 ; capture g 3 | velocity_count_exceeded alice
    velocity alice in day amount 0               | ok
    hold g: cash>alice 99, cash>alice 2          | above_maximum alice
    hold g: alice>cash 1                         | below_minimum alice
    hold g: cash>alice 1                         | velocity_amount_exceeded alice
";

const STORIES: [(&str, &str); 14] = [
    ("holds", HOLDS),
    ("expiry", EXPIRY),
    ("reversals", REVERSALS),
    ("reversals in memory", REVERSALS_IN_MEMORY),
    ("at most", AT_MOST),
    ("velocity", VELOCITY),
    ("periods", PERIODS),
    ("ladder of steps", LADDER_OF_STEPS),
    ("balances", BALANCES),
    ("terms", TERMS),
    ("states", STATES),
    ("breaches", BREACHES),
    ("books", BOOKS),
    ("ladder", LADDER),
];

#[test]
fn stories() {
    for (name, story) in STORIES {
        check(name, story);
    }
}

#[test]
fn the_ladder_meets_its_reasons_in_order_of_precedence() {
    let reasons = check("ladder", LADDER);
    assert!(reasons.is_sorted(), "{reasons:?}");
}

/// A hundred thousand assets are too many for a story.
fn fill_the_assets() -> Reason {
    let mut ledger = Ledger::default();
    for number in 0..Currencies::ASSETS_MAX {
        ledger.fold(&Event::AssetRegistered(
            Currency::own(&format!("A{number:06}"), 0).unwrap(),
        ));
    }
    let one_more = Currency::own("POINTS", 0).unwrap();
    let refused = ledger.register_asset(one_more, &mut Vec::new());
    refused.unwrap_err().reason
}

#[test]
fn every_reason_has_a_story() {
    let mut met: Vec<Reason> = STORIES
        .iter()
        .flat_map(|(name, story)| check(name, story))
        .collect();
    met.push(fill_the_assets());
    met.sort_unstable();
    met.dedup();
    assert_eq!(met, Reason::ALL);
}

#[test]
fn reasons_keep_their_numbers_and_codes() {
    let mut codes = Vec::new();
    for reason in Reason::ALL {
        assert_eq!(Reason::try_from(reason.number()), Ok(reason));
        assert!(
            !codes.contains(&reason.code()),
            "two reasons share {}",
            reason.code()
        );
        codes.push(reason.code());
    }
    assert!(
        Reason::ALL.is_sorted(),
        "precedence is the order of the list"
    );
    assert!(Reason::try_from(u16::MAX).is_err());
}
