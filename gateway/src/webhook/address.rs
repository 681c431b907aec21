//! Where webhooks may go. Merchants choose the addresses, and our servers stand inside networks where an address can
//! open doors (server-side request forgery), so only public ones are called.
//!
//! A URL's host is checked when an endpoint is set up and again at each attempt. A name is judged by what it resolves
//! to at the moment of connecting, inside the connector, so that a name cannot be public when looked at and private
//! when called. Redirects are not followed.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;
use url::{Host, Url};

/// Why a webhook may not go to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is not an absolute https URL")]
    Scheme,
    #[error("the address has a user name or password in it")]
    Credentials,
    #[error("the address leads to a private, local or reserved network")]
    NotPublic,
}

/// Whether webhooks may go to plain http and to networks that are not public: for tests and for receivers at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Public,
    Anywhere,
}

impl Reach {
    fn allows(self, ip: IpAddr) -> bool {
        self == Self::Anywhere || is_public(ip)
    }

    /// Checks what can be seen of a URL without resolving its host.
    pub fn check(self, url: &Url) -> Result<(), AddressError> {
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Anywhere) => {}
            _ => return Err(AddressError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let allowed = match url.host() {
            Some(Host::Ipv4(ip)) => self.allows(ip.into()),
            Some(Host::Ipv6(ip)) => self.allows(ip.into()),
            Some(Host::Domain(_)) => true,
            None => return Err(AddressError::Scheme),
        };
        if allowed {
            Ok(())
        } else {
            Err(AddressError::NotPublic)
        }
    }
}

/// Whether an address is in the public internet, by IANA's registries of special-purpose addresses.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => ip
            .to_ipv4_mapped()
            .map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || matches!((b, c), (0, 0 | 2) | (88, 99)),
        198 => b == 18 || b == 19 || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

/// Of IPv6 only `2000::/3` is given out, and some of that is special too: `2001::/23` (protocols, such as Teredo),
/// `2001:db8::/32` and `3fff::/20` (documents), `2002::/16` (carries an IPv4 address that could be anything).
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let special = match a {
        0x2001 => b < 0x0200 || b == 0x0db8,
        0x2002 => true,
        0x3fff => b < 0x1000,
        _ => false,
    };
    (0x2000..=0x3fff).contains(&a) && !special
}

/// Resolves names for the connector and keeps only addresses that may be called.
#[derive(Debug, Clone)]
pub(super) struct NameLookup(pub(super) Reach);

impl Service<Name> for NameLookup {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::other(AddressError::NotPublic));
            }
            Ok(allowed.into_iter())
        })
    }
}
