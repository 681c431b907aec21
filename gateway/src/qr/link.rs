//! The checkout link that a phone's camera opens: `https://HOST/c/CODE`.
//!
//! Any host is recognised, because the code is looked up here and means nothing anywhere else; plain `http` only on
//! loopback, where a developer's server listens. User names, queries and fragments are refused: our links have none,
//! and what has them was made by somebody else.

use std::net::{IpAddr, Ipv6Addr};

use super::CodeRef;

/// The path under which a code's checkout page stands.
pub const CODE_PATH: &str = "/c/";

/// The link to a code's checkout page, where `base` is the server's own address such as `https://pay.example`.
pub fn of_code(base: &str, code: &CodeRef) -> String {
    format!("{}{CODE_PATH}{code}", base.trim_end_matches('/'))
}

/// The code that a checkout link names, or `None` if the text is no such link.
pub fn code_of(link: &str) -> Option<CodeRef> {
    let (scheme, rest) = link.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/')?);
    let host = host_of(authority)?;
    let trusted = scheme.eq_ignore_ascii_case("https")
        || (scheme.eq_ignore_ascii_case("http") && is_loopback(host));
    if !trusted {
        return None;
    }
    CodeRef::new(path.strip_prefix(CODE_PATH)?)
}

/// The host of `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, after) = if authority.starts_with('[') {
        authority.split_at(authority.find(']')? + 1)
    } else {
        authority.split_at(authority.find(':').unwrap_or(authority.len()))
    };
    let port_fits = after.is_empty()
        || after
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let host_fits = ipv6(host).is_some() || (!host.is_empty() && host.bytes().all(plain));
    (port_fits && host_fits).then_some(host)
}

fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    let address = ipv6(host).map(IpAddr::V6).or_else(|| host.parse().ok());
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}
