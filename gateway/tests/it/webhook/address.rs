//! Where webhooks may go, and where not.

use gateway::webhook::{AddressError, Failure, Next, Reach, Settings, is_public};

use super::{endpoint, outcome_of, receiver::Receiver, settings};

#[tokio::test]
async fn nothing_is_sent_to_a_network_that_is_not_public() {
    let shop = Receiver::answering(&[]).await;
    let port = shop.address.port();
    let refused = |reason| vec![Err(Failure::Address(reason)); 3];
    for (url, reason) in [
        (
            format!("https://127.0.0.1:{port}/"),
            AddressError::NotPublic,
        ),
        (format!("https://[::1]:{port}/"), AddressError::NotPublic),
        (
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            AddressError::NotPublic,
        ),
        (format!("https://0x7f.1:{port}/"), AddressError::NotPublic),
        (
            format!("https://2130706433:{port}/"),
            AddressError::NotPublic,
        ),
        // The name is judged by the address it resolves to.
        (
            format!("https://localhost:{port}/"),
            AddressError::NotPublic,
        ),
        (
            "https://169.254.169.254/latest/meta-data/".to_owned(),
            AddressError::NotPublic,
        ),
        (format!("http://127.0.0.1:{port}/"), AddressError::Scheme),
        ("file:///etc/passwd".to_owned(), AddressError::Scheme),
        (
            format!("https://user:password@127.0.0.1:{port}/"),
            AddressError::Credentials,
        ),
    ] {
        let settings = Settings {
            reach: Reach::Public,
            ..settings()
        };
        let (results, next) = outcome_of(settings, endpoint("shop", &url)).await;
        assert_eq!((results, next), (refused(reason), Next::GivenUp), "{url}");
    }
    assert!(shop.seen().is_empty());
}

#[test]
fn public_addresses_are_told_from_special_ones() {
    let public = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
        223.255.255.255 2606:4700::1111 2001:200::1 2400:cb00::1 ::ffff:1.1.1.1";
    let special = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 \
        192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 \
        240.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 100::1 2001::1 2001:db8::1 \
        2002:7f00:1::1 3fff::1 fc00::1 fd12::1 fe80::1 ff02::1";
    for (addresses, expected) in [(public, true), (special, false)] {
        for address in addresses.split_whitespace() {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
