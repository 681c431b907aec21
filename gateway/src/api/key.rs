//! Keys: made for merchants, wallets, banks, analysts and operators; revoked.

use ledger::Unique;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::wire::SequenceToken;
use crate::app::secrets::{SecretsError, new_secret};
use crate::app::{App, new_id};
use crate::auth::{Caller, Role};
use crate::pay::{BookId, Command, KeyId, MerchantId, Outcome, Owner, WalletId};
use crate::problem::{Code, Problem};

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
    let (merchant, wallet, book) = match key.owner {
        Owner::Merchant(id) => (Some(id), None, None),
        Owner::Wallet(id) => (None, Some(id), None),
        Owner::Book(tenant) => (None, None, Some(tenant.id)),
        Owner::Operator | Owner::Bank | Owner::Analyst => (None, None, None),
    };
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
            Outcome::Key(key) if key.owner == caller.owner => {}
            _ => {
                return Err(Problem::new(
                    Code::KeyNotFound,
                    "There is no such key, or it is not yours.",
                ));
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
