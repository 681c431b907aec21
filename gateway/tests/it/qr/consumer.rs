//! What a payer's phone shows: a payment code as digits, or inside a consumer-presented payload.

use gateway::qr::emvco::ber::{self, BerError, Object, Value};
use gateway::qr::emvco::consumer::{self, ConsumerError};
use gateway::qr::report::{Kind, Report};
use proptest::collection::vec;
use proptest::prelude::*;

const CODE: &str = "134567890123456789";

/// Objects as deep as the templates of such payloads are.
fn objects() -> impl Strategy<Value = Vec<Object>> {
    let tags = [0x4F, 0x50, 0x57, 0x82, 0x5F20, 0x9F26, 0xDF01];
    let leaf = (prop::sample::select(tags.to_vec()), vec(any::<u8>(), 0..40))
        .prop_map(|(tag, bytes)| Object::primitive(tag, bytes));
    let tree = leaf.prop_recursive(4, 12, 3, |inner| {
        let templates = prop::sample::select(vec![0x61, 0x62, 0x63, 0x64, 0x7F21]);
        (templates, vec(inner, 0..3)).prop_map(|(tag, objects)| Object::constructed(tag, objects))
    });
    vec(tree, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn objects_that_are_written_are_read_back_equal(made in objects()) {
        match ber::write(&made) {
            Ok(bytes) => prop_assert_eq!(ber::read(&bytes), (made, None)),
            Err(error) => prop_assert!(matches!(error, BerError::TooLong(_))),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        let (objects, error) = ber::read(&bytes);
        // What is read without an error is written again, in a form that is read the same.
        if error.is_none() {
            let bytes = ber::write(&objects).expect("no longer than what was read");
            prop_assert_eq!(ber::read(&bytes), (objects, None));
        }
    }

    #[test]
    fn a_payment_code_is_found_in_its_payload(code in "[0-9]{18}") {
        let payload = consumer::of_payment_code(&code).expect("18 digits");
        prop_assert_eq!(consumer::payment_code_of(&payload), Some(code.clone()));
        prop_assert_eq!(consumer::payment_code_of(&code), Some(code));
    }
}

#[test]
fn a_payment_code_is_eighteen_digits_and_nothing_else() {
    for code in [
        "",
        "13456789012345678",
        "1345678901234567890",
        "13456789012345678x",
        "１３４５６７",
    ] {
        let refused = Err(ConsumerError::PaymentCode(code.to_owned()));
        assert_eq!(consumer::of_payment_code(code), refused);
        assert_eq!(consumer::payment_code_of(code), None, "{code}");
    }
}

#[test]
fn the_payload_of_a_payment_code_is_short_and_named() {
    let payload = consumer::of_payment_code(CODE).expect("18 digits");
    assert_eq!(
        payload,
        "hQVDUFYwMWEfTwfwSklBT1pJUAZKaWFvemljDN8BCRNFZ4kBI0VniQ=="
    );
    let report = Report::on(&payload);
    assert_eq!(
        (report.kind, report.scheme),
        (Kind::ConsumerPresented, "Jiaozi")
    );
    assert_eq!(report.code.as_deref(), Some(CODE));
    let bare = Report::on(CODE);
    assert_eq!(
        (bare.kind, bare.code.as_deref()),
        (Kind::PaymentCode, Some(CODE))
    );
}

#[test]
fn the_payloads_of_other_applications_hold_no_code_of_ours() {
    let (objects, error) = consumer::read(&consumer::of_payment_code(CODE).expect("18 digits"));
    assert_eq!(error, None);
    let mut foreign = objects[1].clone();
    let Value::Constructed(inside) = &mut foreign.value else {
        panic!("an application holds objects")
    };
    inside[0] = Object::primitive(0x4F, *b"\xF0KLAOZI");
    let payload = consumer::write(&[foreign]).expect("a short payload");
    assert_eq!(consumer::payment_code_of(&payload), None);
    assert_eq!(Report::on(&payload).scheme, "EMVCo");
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| {
        let length = u8::try_from(inner.len()).unwrap_or(0);
        if inner.len() < 0x80 {
            [vec![0x61, length], inner].concat()
        } else {
            inner
        }
    });
    assert!(matches!(ber::read(&nested).1, Some(BerError::Deep { .. })));
    let long = vec![0; ber::PAYLOAD_BYTES_MAX + 1];
    assert_eq!(
        ber::read(&long),
        (Vec::new(), Some(BerError::TooLong(long.len())))
    );
    let too_much = [Object::primitive(0x50, vec![0; ber::PAYLOAD_BYTES_MAX])];
    assert!(matches!(ber::write(&too_much), Err(BerError::TooLong(_))));
}
