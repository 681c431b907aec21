//! Keys: made for merchants, wallets, banks, analysts and operators; looked up, replaced, restricted, revoked.

use ledger::Unique;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::wire::{SequenceToken, Time};
use crate::app::secrets::{SecretsError, new_secret};
use crate::app::{App, new_id};
use crate::auth::{Caller, Role};
use crate::network::Network;
use crate::pay::{
    BookId, Command, Key, KeyId, KeyTerms, MerchantId, Outcome, Owner, RotateKey, TermsChange,
    WalletId,
};
use crate::problem::{Code, Problem};

/// Long enough for a deployment in office hours.
const OVERLAP_SECS_DEFAULT: u64 = 24 * 3_600;

/// A key, with its secret: it is shown now and not again, except to a retry of the same request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyCreated {
    id: KeyId,
    /// The bytes of this text, as they are, sign requests (`hmac-sha256`).
    #[schema(example = "sk_Zk0yR2hWbXJ0S3dQdG5hTzVqTnVCYzQ4eUx4ZkEyVGU")]
    secret: String,
    #[schema(example = "merchant")]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    book: Option<BookId>,
    sequence: SequenceToken,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyRevoked {
    id: KeyId,
    #[schema(example = "merchant")]
    role: &'static str,
    revoked: bool,
    sequence: SequenceToken,
}

/// A key of the house itself.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewKey, example = json!({"role": "bank"}))]
#[serde(deny_unknown_fields)]
pub(super) struct KeyAsked {
    #[schema(inline)]
    role: HouseRole,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HouseRole {
    Operator,
    Bank,
    Analyst,
}

/// A key as it stands, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(super) struct KeyShown {
    id: KeyId,
    #[schema(example = "merchant")]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    book: Option<BookId>,
    revoked: bool,
    /// When it will be revoked, if it has an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// Whence it may be used; from anywhere if the list is empty.
    #[schema(example = json!(["203.0.113.0/24"]))]
    networks: Vec<String>,
    /// How many requests a second it may send; as many as any other key if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_s: Option<u32>,
}

impl KeyShown {
    fn of(key: &Key, terms: &KeyTerms) -> Self {
        let (merchant, wallet, book) = whose(key.owner);
        Self {
            id: key.id,
            role: Role::of(key.owner).name(),
            merchant,
            wallet,
            book,
            revoked: key.revoked,
            expires_at: terms.expires_at.map(Time),
            networks: terms.networks.iter().map(Network::to_string).collect(),
            requests_per_s: terms.requests_per_s,
        }
    }
}

/// A key, and the place in the journal as of which it stands so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyFound {
    key: KeyShown,
    sequence: SequenceToken,
}

/// The caller's keys.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeysFound {
    /// Those that stand, and then those that were revoked last.
    keys: Vec<KeyShown>,
    sequence: SequenceToken,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = KeyRotation, example = json!({"overlap_s": 86_400}))]
#[serde(deny_unknown_fields)]
pub(super) struct RotationAsked {
    /// How many seconds the old key goes on beside the new one, at most 2592000 (30 days); a day when not given.
    #[schema(maximum = 2_592_000)]
    overlap_s: Option<u64>,
}

/// A key in place of another one, with its secret: it is shown now and not again, except to a retry of the same request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyRotated {
    key: KeyShown,
    /// The bytes of this text, as they are, sign requests (`hmac-sha256`).
    #[schema(example = "sk_Zk0yR2hWbXJ0S3dQdG5hTzVqTnVCYzQ4eUx4ZkEyVGU")]
    secret: String,
    replaces: KeyId,
    /// Until when the old key can be used.
    replaced_until: Time,
    sequence: SequenceToken,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = KeyNetworks, example = json!({"networks": ["203.0.113.0/24", "2001:db8::/32"]}))]
#[serde(deny_unknown_fields)]
pub(super) struct NetworksAsked {
    /// Addresses, or networks such as `203.0.113.0/24`. An empty list lets the key be used from anywhere.
    #[schema(max_items = 32)]
    networks: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = KeyPace, example = json!({"requests_per_s": 50}))]
#[serde(deny_unknown_fields)]
pub(super) struct PaceAsked {
    /// How many requests a second it may send, of which a second's worth may come at once. When not given, as many as the
    /// house lets any key send.
    #[schema(minimum = 1)]
    requests_per_s: Option<u32>,
}

pub(super) async fn find(ask: Ask<KeyId>) -> Replied<KeyFound> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindKey(ask.id)).await?;
    match &done.outcome {
        Outcome::KeyOnTerms(key, terms) if caller.is_operator() || key.owner == caller.owner => {
            let found = KeyFound {
                key: KeyShown::of(key, terms),
                sequence: SequenceToken(done.sequence),
            };
            Ok(Reply::as_of(done.sequence, Json(found)))
        }
        _ => Err(not_found()),
    }
}

pub(super) async fn list(ask: Ask) -> Replied<KeysFound> {
    let done = ask.app.ask(Command::KeysOf(ask.caller()?.owner)).await?;
    let Outcome::Keys(keys) = &done.outcome else {
        return done.unexpected();
    };
    let shown = keys.iter().map(|(key, terms)| KeyShown::of(key, terms));
    let found = KeysFound {
        keys: shown.collect(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(found)))
}

pub(super) async fn rotate(
    ask: Ask<KeyId, (), Option<Json<RotationAsked>>>,
) -> Replied<KeyRotated> {
    let caller = ask.caller()?;
    let Json(asked) = ask.body.unwrap_or(Json(RotationAsked::default()));
    let overlap_secs = asked.overlap_s.unwrap_or(OVERLAP_SECS_DEFAULT);
    let mut check = Check::default();
    check.that(
        "/overlap_s",
        overlap_secs <= KeyTerms::OVERLAP_SECS_MAX,
        || format!("is at most {} seconds", KeyTerms::OVERLAP_SECS_MAX),
    );
    check.done()?;
    let successor = KeyId(new_id());
    let secret = new_secret().map_err(|error| Problem::internal(&error))?;
    let command = Command::RotateKey(RotateKey {
        key: ask.id,
        owner: whose_it_must_be(&caller),
        successor,
        secret: ask
            .app
            .secrets
            .seal(&secret, &successor.to_string())
            .map_err(|error| Problem::internal(&error))?,
        overlap_secs,
    });
    let forgetting = ask.app.keys.forget_after(ask.id);
    let done = ask.app.command(command, ask.once).await?;
    drop(forgetting);
    let Outcome::KeyRotated {
        successor,
        terms,
        replaced_until,
    } = &done.outcome
    else {
        return done.unexpected();
    };
    // A retry gets the first successor, whose secret is the one inside the answer.
    let secret = ask
        .app
        .secrets
        .open(&successor.secret, &successor.id.to_string())
        .map_err(|error| Problem::internal(&error))?;
    let rotated = KeyRotated {
        key: KeyShown::of(successor, terms),
        secret: String::from_utf8_lossy(secret.expose()).into_owned(),
        replaces: ask.id,
        replaced_until: Time(*replaced_until),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(rotated)))
}

pub(super) async fn set_networks(ask: Ask<KeyId, (), Json<NetworksAsked>>) -> Replied<KeyFound> {
    let caller = ask.caller()?;
    let Json(asked) = &ask.body;
    let mut check = Check::default();
    let few = asked.networks.len() <= KeyTerms::NETWORKS_MAX;
    check.that("/networks", few, || {
        format!("has at most {} networks", KeyTerms::NETWORKS_MAX)
    });
    let mut networks = Vec::new();
    for (position, text) in asked.networks.iter().enumerate() {
        networks.extend(check.read(&format!("/networks/{position}"), text.parse::<Network>()));
    }
    // Whoever shuts themselves out could not let themselves in again.
    let within = |address| networks.iter().any(|network| network.contains(address));
    let shut_out =
        ask.id == caller.key && !networks.is_empty() && !caller.address.is_some_and(within);
    check.that("/networks", !shut_out, || {
        "would shut out the key that signs this, from where it is used now".to_owned()
    });
    check.done()?;
    change(ask, &caller, TermsChange::Networks(networks)).await
}

pub(super) async fn set_pace(ask: Ask<KeyId, (), Json<PaceAsked>>) -> Replied<KeyFound> {
    let caller = ask.caller()?;
    let requests_per_s = ask.body.0.requests_per_s;
    let mut check = Check::default();
    check.that("/requests_per_s", requests_per_s != Some(0), || {
        "is at least 1".to_owned()
    });
    check.done()?;
    change(ask, &caller, TermsChange::RequestsPerS(requests_per_s)).await
}

async fn change<B>(
    ask: Ask<KeyId, (), B>,
    caller: &Caller,
    change: TermsChange,
) -> Replied<KeyFound> {
    let forgetting = ask.app.keys.forget_after(ask.id);
    let command = Command::ChangeKeyTerms {
        id: ask.id,
        owner: whose_it_must_be(caller),
        change,
    };
    let done = ask.app.command(command, ask.once).await?;
    drop(forgetting);
    let Outcome::KeyOnTerms(key, terms) = &done.outcome else {
        return done.unexpected();
    };
    let found = KeyFound {
        key: KeyShown::of(key, terms),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(found)))
}

/// An operator's hand reaches every key, others' only their own.
fn whose_it_must_be(caller: &Caller) -> Option<Owner> {
    (!caller.is_operator()).then_some(caller.owner)
}

fn whose(owner: Owner) -> (Option<MerchantId>, Option<WalletId>, Option<BookId>) {
    match owner {
        Owner::Merchant(id) => (Some(id), None, None),
        Owner::Wallet(id) => (None, Some(id), None),
        Owner::Book(tenant) => (None, None, Some(tenant.id)),
        Owner::Operator | Owner::Bank | Owner::Analyst => (None, None, None),
    }
}

fn not_found() -> Problem {
    Problem::new(
        Code::KeyNotFound,
        "There is no such key, or it is not yours.",
    )
}

pub(super) async fn for_merchant(ask: Ask<MerchantId>) -> Replied<KeyCreated> {
    let (caller, owner) = (ask.caller()?, Owner::Merchant(ask.id));
    create(&ask.app, &caller, owner, ask.once).await
}

pub(super) async fn for_wallet(ask: Ask<WalletId>) -> Replied<KeyCreated> {
    let (caller, owner) = (ask.caller()?, Owner::Wallet(ask.id));
    create(&ask.app, &caller, owner, ask.once).await
}

/// An operator makes the first one; whoever has one can make more.
pub(super) async fn for_book(ask: Ask<BookId>) -> Replied<KeyCreated> {
    let caller = ask.caller()?;
    let tenant = match caller.owner {
        Owner::Book(tenant) if tenant.id == ask.id => tenant,
        Owner::Operator => ask.app.find_book(ask.id).await?.0.tenant,
        _ => return Err(caller.forbidden()),
    };
    create(&ask.app, &caller, Owner::Book(tenant), ask.once).await
}

pub(super) async fn for_house(ask: Ask<(), (), Json<KeyAsked>>) -> Replied<KeyCreated> {
    let caller = ask.caller()?;
    let owner = match ask.body.0.role {
        HouseRole::Operator => Owner::Operator,
        HouseRole::Bank => Owner::Bank,
        HouseRole::Analyst => Owner::Analyst,
    };
    create(&ask.app, &caller, owner, ask.once).await
}

/// An operator makes keys for everybody, others only for themselves.
async fn create(
    app: &App,
    caller: &Caller,
    owner: Owner,
    once: Option<Unique>,
) -> Replied<KeyCreated> {
    if !caller.is_operator() && caller.owner != owner {
        return Err(caller.forbidden());
    }
    let internal = |error: SecretsError| Problem::internal(&error);
    let id = KeyId(new_id());
    let secret = new_secret().map_err(internal)?;
    let secret = app
        .secrets
        .seal(&secret, &id.to_string())
        .map_err(internal)?;
    let done = app
        .command(Command::AddKey { id, owner, secret }, once)
        .await?;
    let Outcome::Key(key) = &done.outcome else {
        return done.unexpected();
    };
    // A retry gets the first key, whose secret is the one inside the answer.
    let secret = app
        .secrets
        .open(&key.secret, &key.id.to_string())
        .map_err(internal)?;
    let (merchant, wallet, book) = whose(key.owner);
    let created = KeyCreated {
        id: key.id,
        secret: String::from_utf8_lossy(secret.expose()).into_owned(),
        role: Role::of(key.owner).name(),
        merchant,
        wallet,
        book,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(created)))
}

pub(super) async fn revoke(ask: Ask<KeyId>) -> Replied<KeyRevoked> {
    let caller = ask.caller()?;
    if !caller.is_operator() {
        let found = ask.app.ask(Command::FindKey(ask.id)).await?;
        match &found.outcome {
            Outcome::KeyOnTerms(key, _) if key.owner == caller.owner => {}
            _ => {
                return Err(not_found());
            }
        }
    }
    let forgetting = ask.app.keys.forget_after(ask.id);
    let done = ask
        .app
        .command(Command::RevokeKey { id: ask.id }, ask.once)
        .await?;
    drop(forgetting);
    let Outcome::Key(key) = &done.outcome else {
        return done.unexpected();
    };
    let revoked = KeyRevoked {
        id: key.id,
        role: Role::of(key.owner).name(),
        revoked: key.revoked,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(revoked)))
}
