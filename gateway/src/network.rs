//! A network: the addresses that begin with the same bits, as in `203.0.113.0/24`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A single address is a network with all its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Network {
    /// Its bits beyond the prefix are zero.
    first: IpAddr,
    prefix: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address and no network such as 203.0.113.0/24 or 2001:db8::/32")]
pub struct NetworkError(String);

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && first_of(address, self.prefix) == self.first
    }
}

/// The address with only so many of its bits left.
fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(u32::from(32_u8.saturating_sub(prefix)));
            Ipv4Addr::from_bits(address.to_bits() & mask.unwrap_or(0)).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(u32::from(128_u8.saturating_sub(prefix)));
            Ipv6Addr::from_bits(address.to_bits() & mask.unwrap_or(0)).into()
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Bits beyond the prefix are refused: they are a slip of the pen, and nobody knows of which half.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let digits = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            Some(prefix) => Some(prefix)
                .filter(digits)
                .and_then(|prefix| prefix.parse().ok())
                .ok_or_else(wrong)?,
            None => bits,
        };
        let is_network = prefix <= bits && first_of(first, prefix) == first;
        // An IPv4 address inside an IPv6 one would never be met: callers' addresses are unwrapped.
        if is_network && first.to_canonical() == first {
            Ok(Self { first, prefix })
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_like_it() {
        fn check(network: &str, address: &str, holds: bool) {
            let parsed: Network = network.parse().unwrap();
            let found = parsed.contains(address.parse().unwrap());
            assert_eq!(found, holds, "{network} {address}");
        }

        check("203.0.113.0/24", "203.0.113.7", true);
        check("203.0.113.0/24", "203.0.114.7", false);
        check("203.0.113.7", "203.0.113.7", true);
        check("203.0.113.7", "203.0.113.8", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "2001:db8::1", true);
        check("203.0.113.0/24", "::ffff:203.0.113.7", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "host",
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "203.0.113.7/24",
            "2001:db8::/129",
            "::ffff:203.0.113.0/120",
            "203.0.113.0/24/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["203.0.113.0/24", "203.0.113.7/32", "2001:db8::/32", "::/0"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }
}
