//! The payload of our merchant codes, against its own rules and against the check sum's published values.

use gateway::qr::CodeRef;
use gateway::qr::emvco::{
    AdditionalData, LocalName, MerchantError, MerchantPresented, Payload, PayloadError, crc,
};
use gateway::qr::find_code;
use proptest::option;
use proptest::prelude::*;

/// A dumpling shop's order, as the gateway would print it.
pub(super) fn order() -> MerchantPresented {
    MerchantPresented {
        code: CodeRef::new("ord_01JAB3").expect("a plain id"),
        one_time: true,
        category: "5812".to_owned(),
        currency: "156".to_owned(),
        amount: Some("12.50".to_owned()),
        country: "CN".to_owned(),
        name: "DUMPLING HOUSE".to_owned(),
        city: "HANGZHOU".to_owned(),
        postal_code: None,
        additional: AdditionalData {
            bill: Some("B-7".to_owned()),
            terminal: Some("till 2".to_owned()),
            ..AdditionalData::default()
        },
        local: Some(LocalName {
            language: "zh".to_owned(),
            name: "饺子馆".to_owned(),
            city: Some("杭州".to_owned()),
        }),
    }
}

prop_compose! {
    fn additional()(values in prop::array::uniform5(option::of("[ -~]{1,15}"))) -> AdditionalData {
        let [bill, store, reference, terminal, purpose] = values;
        AdditionalData { bill, store, reference, terminal, purpose }
    }
}

prop_compose! {
    fn local_name()(
        language in "[a-z]{2}",
        name in "\\PC{1,25}",
        city in option::of("\\PC{1,15}"),
    ) -> LocalName {
        LocalName { language, name, city }
    }
}

prop_compose! {
    fn merchant_presented()(
        code in "[A-Za-z0-9_-]{1,64}",
        one_time: bool,
        (category, currency) in ("[0-9]{4}", "[0-9]{3}"),
        amount in option::of("[0-9]{1,8}[1-9]|[1-9][0-9]{0,9}\\.[0-9]{1,2}"),
        country in "[A-Z]{2}",
        (name, city) in ("[ -~]{1,25}", "[ -~]{1,15}"),
        postal_code in option::of("[ -~]{1,10}"),
        additional in additional(),
        local in option::of(local_name()),
    ) -> MerchantPresented {
        let code = CodeRef::new(&code).expect("made of the characters of ids");
        MerchantPresented {
            code, one_time, category, currency, amount, country, name, city, postal_code, additional, local,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_is_built_is_read_back_equal(made in merchant_presented()) {
        let payload = made.payload().expect("the strategy keeps the rules");
        prop_assert_eq!(find_code(&payload), Some(made.code.clone()));
        prop_assert_eq!(MerchantPresented::parse(&payload).expect("our own payload"), made);
    }

    #[test]
    fn a_changed_character_is_always_noticed(made in merchant_presented(), place: prop::sample::Index, by in proptest::char::range(' ', '~')) {
        let mut changed: Vec<char> = made.payload().expect("the strategy keeps the rules").chars().collect();
        let place = place.index(changed.len());
        // The check sum notices every change within 16 bits. A character of several bytes that
        // becomes one byte is a longer change, of which one in 65,536 is not noticed.
        prop_assume!(changed[place].is_ascii());
        prop_assume!(!changed[place].eq_ignore_ascii_case(&by));
        changed[place] = by;
        let changed: String = changed.into_iter().collect();
        prop_assert!(MerchantPresented::parse(&changed).is_err(), "accepted {}", changed);
        prop_assert_eq!(find_code(&changed), None);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(000201)?([0-9]{0,4}\\PC{0,9}){0,9}") {
        let _ = Payload::parse(&text);
        let _ = find_code(&text);
    }
}

#[test]
fn the_check_sum_is_crc_16_ccitt_false() {
    // The check value of the catalogue of parametrised CRC algorithms (reveng, CRC-16/IBM-3740).
    assert_eq!(crc::of(b"123456789"), 0x29B1);
    assert_eq!(crc::of(b""), 0xFFFF);
}

#[test]
fn an_order_is_written_field_by_field() {
    let payload = order().payload().expect("a fitting order");
    let fields = "000201|010212|26330015internal.jiaozi0110ord_01JAB3|52045812|5303156|540512.50|5802CN|\
                  5914DUMPLING HOUSE|6008HANGZHOU|62170103B-70706till 2|64190002zh0103饺子馆0202杭州|6304";
    let expected = fields.replace('|', "");
    assert_eq!(
        payload,
        format!("{expected}{:04X}", crc::of(expected.as_bytes()))
    );
}

#[test]
fn data_that_do_not_fit_are_refused_with_the_rule() {
    fn check(change: impl FnOnce(&mut MerchantPresented), says: &str) {
        let mut order = order();
        change(&mut order);
        let error = order.payload().expect_err("it must not fit").to_string();
        assert!(error.contains(says), "\"{error}\" does not say \"{says}\"");
    }

    for amount in [
        "",
        "0",
        "0.00",
        "1,5",
        "1.",
        ".5",
        "1.2.3",
        "-1",
        "+1",
        "1e3",
        "12345678901.50",
        "１",
    ] {
        check(
            |order| order.amount = Some(amount.to_owned()),
            "the amount must be a number above zero",
        );
    }
    check(
        |order| order.category = "581".to_owned(),
        "the merchant category must be 4 digits, not \"581\"",
    );
    check(
        |order| order.currency = "CNY".to_owned(),
        "the currency must be the 3 digits of ISO 4217",
    );
    check(
        |order| order.country = "cn".to_owned(),
        "the country must be the 2 capital letters",
    );
    check(
        |order| order.name = "饺子馆".to_owned(),
        "the merchant name must be 1 to 25 printable ASCII",
    );
    check(|order| order.city.clear(), "the merchant city must be");
    check(
        |order| order.postal_code = Some("1".repeat(11)),
        "the postal code must be",
    );
    check(
        |order| order.additional.bill = Some("\n".to_owned()),
        "the additional data must be",
    );
    let long = || Some("x".repeat(25));
    let too_much = AdditionalData {
        bill: long(),
        store: long(),
        reference: long(),
        terminal: long(),
        purpose: None,
    };
    check(|order| order.additional = too_much, "99 characters in all");
    let nameless = LocalName {
        language: "zh".to_owned(),
        name: String::new(),
        city: None,
    };
    check(
        |order| order.local = Some(nameless),
        "the local name must be",
    );
}

#[test]
fn a_broken_payload_is_refused_with_the_place() {
    fn check(text: &str, says: &str) {
        let error = Payload::parse(text)
            .expect_err("it must be refused")
            .to_string();
        assert!(
            error.contains(says),
            "{text}: \"{error}\" does not say \"{says}\""
        );
    }

    check("", "does not begin with the payload format, 0002");
    check(
        "https://pay.example/c/x",
        "does not begin with the payload format, 0002",
    );
    check(
        "000201xx",
        "at character 6 a field must start with a two-digit id, but there is \"xx\"",
    );
    check(
        "0002016",
        "at character 6 a field must start with a two-digit id, but there is \"6\"",
    );
    check(
        "00020152a4",
        "at character 8 field 52 must state its length as two digits, but there is \"a4\"",
    );
    check(
        "0002015204581",
        "at character 6 field 52 announces 4 characters, but only 3 are left",
    );
    check("000201520458125303156", "must end with its check sum");
    check(
        "00020152045812520458126304ABCD",
        "field 52 stands twice, the second time at character 14",
    );
    check(
        "00020163041234",
        "the check sum at character 10 says 1234, but the payload's own is",
    );
    check(
        &format!("000201{}", "0".repeat(2000)),
        "more than 1024 characters",
    );
}

#[test]
fn the_payloads_of_other_networks_name_no_code_of_ours() {
    let ours = order().payload().expect("a fitting order");
    let theirs = ours.replace("internal.jiaozi", "external.jiaozi");
    let body = &theirs[..theirs.len() - 4];
    let theirs = format!("{body}{:04X}", crc::of(body.as_bytes()));
    assert_eq!(
        MerchantPresented::parse(&theirs),
        Err(MerchantError::NotOurs)
    );
    assert_eq!(find_code(&theirs), None);
    let cut = MerchantPresented::parse(&ours[..ours.len() - 8]);
    assert_eq!(cut, Err(MerchantError::Payload(PayloadError::NoCrc)));
}
