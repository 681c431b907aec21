//! Whence a request comes.
//!
//! Without a proxy that is whoever opened the connection. A proxy that is trusted says in `X-Forwarded-For` whom it speaks
//! for, each proxy adding the one it heard it from at the end; so the last address there that is no trusted proxy is the
//! caller's, and what stands before it is the caller's own word and counts for nothing.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap};

use crate::network::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who opened the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Knows which proxies speak for others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whence {
    proxies: Vec<Network>,
}

impl Whence {
    pub(crate) fn new(proxies: &[Network]) -> Self {
        Self {
            proxies: proxies.to_vec(),
        }
    }

    /// The address of whoever sent a request; nothing if it is not known.
    pub(crate) fn of(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let Peer(peer) = *extensions.get::<Peer>()?;
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return Some(peer);
        }
        let named = headers.get_all(FORWARDED_FOR).iter().rev();
        let named = named.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        for text in named {
            // What cannot be read was said by somebody who is not trusted, or by a proxy that is not to be trusted.
            let address: IpAddr = text.trim().parse().ok()?;
            let address = address.to_canonical();
            if !self.trusts(address) {
                return Some(address);
            }
        }
        Some(peer)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_proxy_says_for_whom_it_speaks_if_it_is_trusted() {
        fn check(peer: &str, said: &[&str], address: Option<&str>) {
            let whence = Whence::new(&["10.0.0.0/8".parse().unwrap()]);
            let mut extensions = Extensions::new();
            extensions.insert(Peer(peer.parse().unwrap()));
            let mut headers = HeaderMap::new();
            for said in said {
                headers.append(FORWARDED_FOR, HeaderValue::from_str(said).unwrap());
            }
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(
                whence.of(&extensions, &headers),
                expected,
                "{peer} {said:?}"
            );
        }

        check("203.0.113.7", &[], Some("203.0.113.7"));
        check("203.0.113.7", &["198.51.100.1"], Some("203.0.113.7"));
        check("10.0.0.1", &["198.51.100.1"], Some("198.51.100.1"));
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1"], Some("198.51.100.1"));
        check(
            "10.0.0.1",
            &["1.2.3.4", "198.51.100.1,10.0.0.2"],
            Some("198.51.100.1"),
        );
        check("::ffff:10.0.0.1", &["198.51.100.1"], Some("198.51.100.1"));
        check("10.0.0.1", &[], Some("10.0.0.1"));
        check("10.0.0.1", &["nobody"], None);
        assert_eq!(
            Whence::default().of(&Extensions::new(), &HeaderMap::new()),
            None
        );
    }
}
