//! The currency table against another one, the two constructors, and the journal's encoding.

use fx::{Currencies, Currency, CurrencyError, RegisterError};

#[test]
fn iso_agrees_with_an_independent_table_except_where_listed() {
    // iso_currency keeps withdrawn codes and marks VES, still on list one of the standard, as
    // superseded.
    let withdrawn_here = ["BGN", "CUC", "HRK", "SLL", "ZWL"];
    let mut compared = 0;
    for a in b'A'..=b'Z' {
        for b in b'A'..=b'Z' {
            for c in b'A'..=b'Z' {
                let code = String::from_utf8(vec![a, b, c]).unwrap();
                let theirs = iso_currency::Currency::from_code(&code);
                let ours = Currency::iso(&code);
                match (theirs, &ours) {
                    (None, Err(_)) => continue,
                    (None, Ok(_)) => panic!("{code} is only in our table"),
                    (Some(_), Err(CurrencyError::Withdrawn { .. })) => {
                        assert!(
                            withdrawn_here.contains(&code.as_str()),
                            "{code} is withdrawn here"
                        );
                    }
                    (Some(theirs), Err(CurrencyError::NoMinorUnit { .. })) => {
                        assert_eq!(theirs.exponent(), None, "{code}");
                    }
                    (Some(_), Err(other)) => panic!("{code}: {other}"),
                    (Some(theirs), Ok(ours)) => {
                        assert_eq!(
                            Some(u16::from(ours.exponent())),
                            theirs.exponent(),
                            "{code}"
                        );
                        assert_eq!(ours.numeric(), Some(theirs.numeric()), "{code}");
                        assert_eq!(Currency::from_numeric(theirs.numeric()).as_ref(), Ok(ours));
                    }
                }
                compared += 1;
            }
        }
    }
    // 183 of the 184 lines of their table are codes.
    assert_eq!(compared, 183);
    assert_eq!(Currency::iter_iso().count(), 165);
}

#[test]
fn withdrawn_codes_agree_with_the_independent_table_on_the_successor() {
    for code in ["BGN", "CUC", "HRK", "SLL", "ZWL"] {
        let theirs = iso_currency::Currency::from_code(code).unwrap();
        let Err(CurrencyError::Withdrawn { successor, .. }) = Currency::iso(code) else {
            panic!("{code} should be withdrawn");
        };
        assert_eq!(
            successor,
            theirs.is_superseded().map(|c| c.code()),
            "{code}"
        );
        let exponent = Currency::historic(code).unwrap().exponent();
        assert_eq!(Some(u16::from(exponent)), theirs.exponent(), "{code}");
    }
}

#[test]
fn exponents_are_those_that_other_tables_get_wrong() {
    let check = |exponent: u8, codes: &str| {
        for code in codes.split(' ') {
            assert_eq!(Currency::iso(code).unwrap().exponent(), exponent, "{code}");
        }
    };
    check(0, "JPY KRW ISK CLP VND UGX XAF XOF XPF PYG VUV");
    check(2, "CNY USD EUR HUF TWD IDR MGA MRU XCG ZWG VES VED");
    check(3, "BHD KWD TND JOD OMR LYD IQD");
    check(4, "CLF UYW");
}

#[test]
fn constants_are_the_table() {
    use Currency as C;
    let constants = [
        C::AED,
        C::AUD,
        C::BHD,
        C::BRL,
        C::CAD,
        C::CHF,
        C::CLF,
        C::CNY,
        C::EUR,
        C::GBP,
        C::HKD,
        C::IDR,
        C::INR,
        C::JPY,
        C::KRW,
        C::KWD,
        C::MYR,
        C::PHP,
        C::SGD,
        C::THB,
        C::TND,
        C::TRY,
        C::TWD,
        C::USD,
        C::VND,
    ];
    for constant in constants {
        assert_eq!(C::iso(constant.code()), Ok(constant));
    }
}

#[test]
fn a_refused_code_says_why_and_what_to_do() {
    let check = |code: &str, words: &[&str]| {
        let message = Currency::iso(code).unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{code}: {message:?} lacks {word:?}");
        }
    };
    check("HRK", &["HRK (Kuna) was withdrawn", "2023-01", "use EUR"]);
    check("ZWD", &["withdrawn", "use ZWG"]);
    check("CSK", &["withdrawn", "no single currency succeeds it"]);
    check("XAU", &["XAU (Gold) has no minor unit", "register"]);
    check("XDR", &["no minor unit"]);
    check("XTS", &["no minor unit"]);
    check("CNH", &["unknown currency \"CNH\"", "ISO 4217"]);
    check("cny", &["unknown currency \"cny\""]);
    check("", &["unknown currency \"\""]);
    check(&"€".repeat(10_000), &["unknown currency", "..."]);
    assert!(
        Currency::iso(&"A".repeat(10_000))
            .unwrap_err()
            .to_string()
            .len()
            < 200
    );
}

#[test]
fn old_records_still_name_withdrawn_currencies() {
    let check = |code: &str, exponent: u8| {
        let currency = Currency::historic(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        assert_eq!(
            postcard::from_bytes(&postcard::to_stdvec(&currency).unwrap()),
            Ok(currency)
        );
    };
    check("HRK", 2);
    check("TRL", 0);
    check("CNY", 2);
    assert!(matches!(
        Currency::historic("XAU"),
        Err(CurrencyError::NoMinorUnit { .. })
    ));
    assert!(matches!(
        Currency::historic("ZRZ"),
        Err(CurrencyError::Withdrawn { .. })
    ));
    assert!(matches!(
        Currency::historic("???"),
        Err(CurrencyError::Unknown { .. })
    ));
}

#[test]
fn own_assets_have_four_to_eleven_characters() {
    for (code, exponent) in [("POINTS", 0), ("USDC", 6), ("A-1-2-3-4-5", 8), ("MILES", 2)] {
        let asset = Currency::own(code, exponent).unwrap();
        assert_eq!((asset.code(), asset.exponent()), (code, exponent));
        assert!(!asset.is_iso());
        assert_eq!(asset.numeric(), None);
        assert_eq!(asset.name(), code);
    }
    for code in [
        "",
        "CNY",
        "PTS",
        "points",
        "1POINT",
        "-POINT",
        "TWELVELETTER",
        "POI NT",
        "PÖINT",
        "POINT\0",
    ] {
        assert!(
            matches!(Currency::own(code, 2), Err(CurrencyError::OwnCode { .. })),
            "{code:?}"
        );
    }
    assert_eq!(
        Currency::own("POINTS", 9),
        Err(CurrencyError::OwnExponent { exponent: 9 })
    );
    assert!(Currency::CNY.is_iso());
}

#[test]
fn a_registry_resolves_iso_first_and_keeps_meanings() {
    let points = Currency::own("POINTS", 0).unwrap();
    let miles = Currency::own("MILES", 2).unwrap();
    let mut currencies = Currencies::default();
    assert!(matches!(
        currencies.resolve("POINTS"),
        Err(CurrencyError::Unknown { .. })
    ));
    currencies.register(points).unwrap();
    currencies.register(miles).unwrap();
    currencies.register(points).unwrap();
    assert_eq!(currencies.resolve("POINTS"), Ok(points));
    assert_eq!(currencies.resolve("CNY"), Ok(Currency::CNY));
    assert!(matches!(
        currencies.resolve("HRK"),
        Err(CurrencyError::Withdrawn { .. })
    ));
    assert_eq!(currencies.iter().collect::<Vec<_>>(), [miles, points]);

    let other = Currency::own("POINTS", 2).unwrap();
    let taken = RegisterError::Taken {
        code: "POINTS".to_owned(),
        registered: 0,
        asked: 2,
    };
    assert_eq!(currencies.register(other), Err(taken));
    assert_eq!(
        currencies.register(Currency::CNY),
        Err(RegisterError::Iso(Currency::CNY))
    );

    let bytes = postcard::to_stdvec(&currencies).unwrap();
    assert_eq!(postcard::from_bytes::<Currencies>(&bytes), Ok(currencies));
}

#[test]
fn the_journal_encoding_is_code_and_exponent_and_is_checked() {
    assert_eq!(postcard::to_stdvec(&Currency::CNY).unwrap(), b"\x03CNY\x02");
    assert_eq!(
        serde_json::to_string(&Currency::JPY).unwrap(),
        r#"["JPY",0]"#
    );
    let refused = |json: &str, words: &str| {
        let message = serde_json::from_str::<Currency>(json)
            .unwrap_err()
            .to_string();
        assert!(message.contains(words), "{json}: {message}");
    };
    refused(r#"["CNY",3]"#, "CNY has 2 decimal places, not 3");
    refused(r#"["XAU",0]"#, "no minor unit");
    refused(r#"["POINTS",9]"#, "0 to 8 decimal places");
    refused(r#"["points",2]"#, "cannot name an own asset");
    refused(r#"["CN",2]"#, "unknown currency");
    refused(r#"["C\u0000Y",2]"#, "unknown currency");
    refused(r#"["TWELVELETTER",2]"#, "at most 11 characters");
    refused(r#""CNY""#, "invalid type");
}
