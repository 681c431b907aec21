//! Which payloads name a code of ours.

use gateway::qr::{CODE_CHARS_MAX, CodeRef, find_code, link};

use super::payloads::order;

#[test]
fn a_checkout_link_names_its_code() {
    fn check(link: &str, code: Option<&str>) {
        assert_eq!(
            find_code(link).as_ref().map(CodeRef::as_str),
            code,
            "{link}"
        );
    }

    check("https://pay.example/c/ord_01JAB3", Some("ord_01JAB3"));
    check("HTTPS://PAY.EXAMPLE/c/ord-1", Some("ord-1"));
    check(" https://pay.example:8443/c/x\n", Some("x"));
    check("https://[2001:db8::1]:443/c/x", Some("x"));
    check("http://localhost:8080/c/x", Some("x"));
    check("http://127.0.0.1:8080/c/x", Some("x"));
    check("http://127.8.9.1/c/x", Some("x"));
    check("http://[::1]:8080/c/x", Some("x"));

    check("http://pay.example/c/x", None);
    check("http://localhost.example/c/x", None);
    check("http://[2001:db8::1]/c/x", None);
    check("ftp://pay.example/c/x", None);
    check("//pay.example/c/x", None);
    check("https:///c/x", None);
    check("https://pay.example", None);
    check("https://pay.example/c/", None);
    check("https://pay.example/x/c/x", None);
    check("https://pay.example/c/x/", None);
    check("https://pay.example/c/x?y=1", None);
    check("https://pay.example/c/x#y", None);
    check("https://pay.example/c/%78", None);
    check("https://user@pay.example/c/x", None);
    check("https://pay.example:99999/c/x", None);
    check("https://[::1/c/x", None);
    check("https://[nowhere]/c/x", None);
    check("", None);
}

#[test]
fn an_order_is_found_by_its_payload_and_by_its_link() {
    let order = order();
    assert_eq!(
        find_code(&order.payload().expect("a fitting order")),
        Some(order.code.clone())
    );
    for base in [
        "https://pay.example",
        "https://pay.example/",
        "http://127.0.0.1:8080",
    ] {
        assert_eq!(
            find_code(&link::of_code(base, &order.code)),
            Some(order.code.clone())
        );
    }
}

#[test]
fn a_code_id_is_short_and_plain() {
    let longest = "a".repeat(CODE_CHARS_MAX);
    for id in ["a", "ord_01-Z", &longest] {
        assert_eq!(CodeRef::new(id).expect("a plain id").as_str(), id);
    }
    for id in ["", " ", "a b", "a/b", "ü", &format!("{longest}a")] {
        assert_eq!(CodeRef::new(id), None, "{id}");
    }
}
