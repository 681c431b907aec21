//! A session of an analyst in a browser.
//!
//! It begins with a key of the role analyst: its id and secret are typed into a form once, checked, and kept nowhere. The
//! browser gets a random token in a cookie that no script can read and that is sent from no other site; the server keeps
//! the token's digest with the key's id and the address where it began. A session ends with its time, when the key stands no
//! more or may not be used from there any more, or with the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::app::secrets::random;
use crate::app::{App, unix_now};
use crate::pay::{Command, Key, KeyId, Outcome, Owner};
use crate::problem::Problem;

/// A working day.
const LIFE: Duration = Duration::from_secs(8 * 3_600);
/// More analysts than any house has; the oldest session makes room.
const SESSIONS_MAX: usize = 1_000;
const TOKEN_BYTES: usize = 32;
const COOKIE: &str = "analyst";

type TokenDigest = [u8; 32];

#[derive(Debug, Clone, Copy)]
struct Session {
    key: KeyId,
    address: Option<IpAddr>,
    begun: Instant,
}

/// The sessions of this process. Wrong secrets are not counted: nobody guesses one of 256 bits, and whoever counts them
/// lets strangers shut the door for everybody.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<TokenDigest, Session>>,
}

/// Why a session did not begin.
pub(super) enum Shut {
    /// It is no analyst's key, or its secret is another.
    Wrong,
    Problem(Problem),
}

impl Sessions {
    fn open(&self) -> MutexGuard<'_, HashMap<TokenDigest, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, key: KeyId, address: Option<IpAddr>) -> Result<String, Problem> {
        let token = random::<TOKEN_BYTES>().map_err(|error| Problem::internal(&error))?;
        let token = URL_SAFE_NO_PAD.encode(token);
        let mut open = self.open();
        open.retain(|_, session| session.begun.elapsed() < LIFE);
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.begun);
            let oldest = oldest.map(|(digest, _)| *digest);
            oldest.map(|digest| open.remove(&digest));
        }
        let session = Session {
            key,
            address,
            begun: Instant::now(),
        };
        open.insert(digest(&token), session);
        Ok(token)
    }

    pub(super) fn end(&self, headers: &HeaderMap) {
        if let Some(token) = token(headers) {
            self.open().remove(&digest(token));
        }
    }

    fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let session = *self.open().get(&digest(token(headers)?))?;
        (session.begun.elapsed() < LIFE).then_some(session)
    }
}

fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token).into()
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token)
}

/// The cookie of a session; an empty token ends it. Where the gateway is reached over TLS it goes over nothing else.
pub(super) fn cookie(app: &App, token: &str) -> Option<HeaderValue> {
    let secure = if app.public_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let age = if token.is_empty() { 0 } else { LIFE.as_secs() };
    let text = format!(
        "{COOKIE}={token}; Path=/analyst; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::try_from(text).ok()
}

/// Begins a session with a key, and returns its token.
pub(super) async fn begin(
    app: &App,
    (key_id, secret): (&str, &str),
    address: Option<IpAddr>,
) -> Result<String, Shut> {
    let key = match key_id.trim().parse() {
        Ok(id) => find(app, id).await.map_err(Shut::Problem)?,
        Err(_) => None,
    };
    let Some(key) = key.filter(|key| key.owner == Owner::Analyst && !key.revoked) else {
        return Err(Shut::Wrong);
    };
    let kept = app.secrets.open(&key.secret, &key.id.to_string());
    let kept = kept.map_err(|error| Shut::Problem(Problem::internal(&error)))?;
    // Digests are compared, so that the time taken tells nothing of the secret.
    if Sha256::digest(kept.expose()) != Sha256::digest(secret.trim()) {
        return Err(Shut::Wrong);
    }
    let token = match app.keys.find(key.id).await.map_err(Shut::Problem)? {
        Some(known) if known.stands(unix_now(), address).is_ok() => {
            app.sessions.begin(key.id, address)
        }
        _ => return Err(Shut::Wrong),
    };
    token.map_err(Shut::Problem)
}

async fn find(app: &App, id: KeyId) -> Result<Option<Key>, Problem> {
    let found = app.look_up(Command::FindKey(id)).await?;
    Ok(match found.outcome {
        Outcome::KeyOnTerms(key, _) => Some(key),
        _ => None,
    })
}

/// The key of whoever sends this request, if they have a session and the key still stands.
pub(super) async fn analyst(app: &App, headers: &HeaderMap) -> Result<Option<KeyId>, Problem> {
    let Some(session) = app.sessions.of(headers) else {
        return Ok(None);
    };
    let key = app.keys.find(session.key).await?;
    let key = key.filter(|key| key.stands(unix_now(), session.address).is_ok());
    Ok(key.map(|key| key.id))
}

/// Whether a form was sent by a page of ours: the browser says where it comes from. Together with the cookie, which is
/// sent from no other site, nobody else's page can act for an analyst.
pub(super) fn from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    if let Some(site) = site {
        return site == "same-origin";
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host),
        (None, _) => true,
        _ => false,
    }
}
