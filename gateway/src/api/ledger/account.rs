//! Accounts: opened under names, changed, looked up.

use ledger::core::{AccountName, Changes, Class, NamedAccount};
use ledger::{AccountState, Book, Command, Outcome, Unique};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, LargeJson, Replied, Reply};
use super::super::wire::SequenceToken;
use super::asked::account_name;
use super::command::{Order, Place, WriteAsked};
use super::shown::{AccountLimits, AccountShown, Described, Kind, State, VelocityLimit};
use crate::app::App;
use crate::problem::Problem;

/// Accounts to open.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewLedgerAccounts, example = json!({"accounts": [
    {"name": "assets:bank:cny", "kind": "asset", "currency": "CNY"},
    {"name": "customers:alice", "kind": "liability", "currency": "CNY", "limits": {"minimum": 0}}
]}))]
#[serde(deny_unknown_fields)]
pub(super) struct AccountsAsked {
    /// All of them or none.
    #[schema(min_items = 1, max_items = 8_190)]
    pub accounts: Vec<AccountAsked>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewLedgerAccount)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountAsked {
    /// Words of letters, digits, `-`, `_` and `.` with `:` between them.
    #[schema(max_length = 120)]
    pub name: String,
    pub kind: Kind,
    /// The one currency or asset that it holds.
    #[schema(example = "CNY")]
    pub currency: String,
    #[serde(default)]
    pub limits: AccountLimits,
    #[serde(default)]
    pub description: Described,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountsOpened {
    /// As they are when they are new. An account that was open on the same terms stays as it is.
    accounts: Vec<AccountOpened>,
    sequence: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountOpened {
    #[schema(example = "assets:bank:cny")]
    name: String,
    kind: Kind,
    #[schema(example = "CNY")]
    currency: String,
    limits: AccountLimits,
}

impl AccountAsked {
    pub(super) async fn read(&self, app: &App, pointer: &str) -> Result<NamedAccount, Problem> {
        let currency = format!("{pointer}/currency");
        Ok(NamedAccount {
            name: account_name(&self.name, &format!("{pointer}/name"))?,
            currency: app.currency(&self.currency, &currency).await?,
            kind: self.kind.into(),
            limits: self.limits.into(),
            description: self.description.clone().into(),
        })
    }
}

pub(super) async fn open(
    ask: Ask<(), WriteAsked, LargeJson<AccountsAsked>>,
) -> Replied<AccountsOpened> {
    let caller = ask.caller()?;
    let mut accounts = Vec::with_capacity(ask.body.0.accounts.len());
    for (position, asked) in ask.body.0.accounts.iter().enumerate() {
        accounts.push(
            asked
                .read(&ask.app, &format!("/accounts/{position}"))
                .await?,
        );
    }
    let opened = accounts.iter().map(|account| AccountOpened {
        name: account.name.to_string(),
        kind: account.kind.into(),
        currency: account.currency.code().to_owned(),
        limits: account.limits.into(),
    });
    let opened = opened.collect();
    let names = accounts.iter().map(|account| (account.name.clone(), None));
    let names = names.collect();
    let book = caller.book()?;
    let command = Command::OpenNamed { book, accounts };
    let order = Order {
        accounts: names,
        place: Place::Accounts,
        ..Order::new(&caller, ask.once, command)?
    };
    let done = order.give(&ask.app, &ask.query).await?;
    let opened = AccountsOpened {
        accounts: opened,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::ledger(&done, Json(opened)))
}

/// What is to be different about an account; what is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LedgerAccountChanges, example = json!({"limits": {"minimum": -5000}, "state": "open"}))]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesAsked {
    /// In place of those it had.
    limits: Option<AccountLimits>,
    /// An account can be closed at zero and without holds; only an operator opens it again.
    state: Option<State>,
    class: Option<u16>,
    /// In place of those it had.
    velocity: Option<Vec<VelocityLimit>>,
    /// In place of the one it had.
    description: Option<Described>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountChanged {
    account: AccountShown,
    sequence: SequenceToken,
}

pub(super) async fn change(
    ask: Ask<AccountName, WriteAsked, Json<ChangesAsked>>,
) -> Replied<AccountChanged> {
    let caller = ask.caller()?;
    let Json(asked) = ask.body;
    let velocity = asked
        .velocity
        .map(|limits| limits.into_iter().map(Into::into));
    let changes = Changes {
        limits: asked.limits.map(Into::into),
        state: asked.state.map(Into::into),
        class: asked.class.map(Class),
        velocity: velocity.map(Iterator::collect),
        description: asked.description.map(Into::into),
    };
    let command = Command::Change {
        book: caller.book()?,
        account: ask.id.id(),
        changes,
    };
    let order = Order::new(&caller, ask.once, command)?;
    changed(&ask.app, order, ask.id, &ask.query).await
}

/// Opens a closed account again.
pub(super) async fn reopened(
    app: &App,
    book: Book,
    name: &str,
    once: Option<Unique>,
) -> Replied<AccountChanged> {
    let name = account_name(name, "/account")?;
    let command = Command::Change {
        book,
        account: name.id(),
        changes: Changes {
            state: Some(AccountState::Open),
            ..Changes::default()
        },
    };
    let order = Order {
        book,
        command,
        keys: once.into_iter().collect(),
        accounts: Vec::new(),
        place: Place::Body,
        by_operator: true,
    };
    let for_good = WriteAsked { dry_run: None };
    changed(app, order, name, &for_good).await
}

async fn changed(
    app: &App,
    order: Order,
    name: AccountName,
    asked: &WriteAsked,
) -> Replied<AccountChanged> {
    let text = name.to_string();
    let order = Order {
        accounts: vec![(name, None)],
        ..order
    };
    let done = order.give(app, asked).await?;
    match &done.outcome {
        Outcome::Accounts(accounts) if accounts.len() == 1 => {
            let changed = AccountChanged {
                account: AccountShown::new(text, &accounts[0]),
                sequence: SequenceToken(done.sequence),
            };
            Ok(Reply::ledger(&done, Json(changed)))
        }
        _ => done.unexpected(),
    }
}
