//! How accounts and their balances look in answers.

use std::collections::BTreeMap;

use fx::Currency;
use ledger::core::{
    Description, Direction, KnownAccount, Standing, VelocityLimit as Limit, Window,
};
use ledger::{Account, AccountKind, AccountNo, AccountState, Book, Limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::wire::Amount;
use crate::app::App;
use crate::problem::Problem;

/// What an account stands for; it decides on which side its balance is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Liability => "liability",
            Self::Equity => "equity",
            Self::Income => "income",
            Self::Expense => "expense",
        }
    }
}

impl From<AccountKind> for Kind {
    fn from(kind: AccountKind) -> Self {
        match kind {
            AccountKind::Asset => Self::Asset,
            AccountKind::Liability => Self::Liability,
            AccountKind::Equity => Self::Equity,
            AccountKind::Income => Self::Income,
            AccountKind::Expense => Self::Expense,
        }
    }
}

impl From<Kind> for AccountKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Asset => Self::Asset,
            Kind::Liability => Self::Liability,
            Kind::Equity => Self::Equity,
            Kind::Income => Self::Income,
            Kind::Expense => Self::Expense,
        }
    }
}

/// In is what raises the balance, out what lowers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Open,
    FrozenIn,
    FrozenOut,
    Frozen,
    Closed,
}

impl From<AccountState> for State {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Open => Self::Open,
            AccountState::FrozenIn => Self::FrozenIn,
            AccountState::FrozenOut => Self::FrozenOut,
            AccountState::Frozen => Self::Frozen,
            AccountState::Closed => Self::Closed,
        }
    }
}

impl From<State> for AccountState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::FrozenIn => Self::FrozenIn,
            State::FrozenOut => Self::FrozenOut,
            State::Frozen => Self::Frozen,
            State::Closed => Self::Closed,
        }
    }
}

/// Bounds of the balance, in minor units; no bound where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountLimits {
    /// 0 is "no overdraft"; -5000 is a credit line of 50.00.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
}

impl From<Limits> for AccountLimits {
    fn from(Limits { minimum, maximum }: Limits) -> Self {
        Self { minimum, maximum }
    }
}

impl From<AccountLimits> for Limits {
    fn from(AccountLimits { minimum, maximum }: AccountLimits) -> Self {
        Self { minimum, maximum }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    In,
    Out,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    Day,
    Month,
    Year,
}

/// How often and how much may move within a day, a month or a year of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VelocityLimit {
    #[schema(inline)]
    pub direction: Way,
    #[schema(inline)]
    pub window: Period,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_max: Option<u32>,
    /// Minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_max: Option<i64>,
}

impl From<Limit> for VelocityLimit {
    fn from(limit: Limit) -> Self {
        Self {
            direction: match limit.direction {
                Direction::In => Way::In,
                Direction::Out => Way::Out,
                Direction::Both => Way::Both,
            },
            window: match limit.window {
                Window::Day => Period::Day,
                Window::Month => Period::Month,
                Window::Year => Period::Year,
            },
            count_max: limit.count_max,
            amount_max: limit.amount_max,
        }
    }
}

impl From<VelocityLimit> for Limit {
    fn from(limit: VelocityLimit) -> Self {
        Self {
            direction: match limit.direction {
                Way::In => Direction::In,
                Way::Out => Direction::Out,
                Way::Both => Direction::Both,
            },
            window: match limit.window {
                Period::Day => Window::Day,
                Period::Month => Window::Month,
                Period::Year => Window::Year,
            },
            count_max: limit.count_max,
            amount_max: limit.amount_max,
        }
    }
}

/// What an account says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AccountDescription)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    /// Your own code for what kind of account this is.
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Box<str>>,
    /// Up to 16 pairs of texts.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
}

impl From<Described> for Description {
    fn from(described: Described) -> Self {
        Self {
            kind: described.kind,
            reference: described.reference,
            metadata: described.metadata,
        }
    }
}

impl From<Description> for Described {
    fn from(description: Description) -> Self {
        Self {
            kind: description.kind,
            reference: description.reference,
            metadata: description.metadata,
        }
    }
}

/// An account as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LedgerAccount)]
pub(crate) struct AccountShown {
    #[schema(example = "assets:bank:cny")]
    pub name: String,
    pub kind: Kind,
    #[schema(example = "CNY")]
    pub currency: String,
    pub state: State,
    pub limits: AccountLimits,
    /// Which velocity limits it shares with others.
    pub class: u16,
    /// All that was posted, on the account's normal side.
    pub balance: Amount,
    /// What open holds would take.
    pub held_out: Amount,
    /// What open holds would bring.
    pub held_in: Amount,
    /// What may leave beside what is held; absent where nothing bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Amount>,
}

impl AccountShown {
    pub(crate) fn new(name: String, account: &Account) -> Self {
        let currency = account.currency;
        let amount = |amount| Amount::new(amount, currency);
        let (held_out, held_in) = held(account.kind, &account.standing());
        Self {
            name,
            kind: account.kind.into(),
            currency: currency.code().to_owned(),
            state: account.state.into(),
            limits: account.limits.into(),
            class: account.class.0,
            balance: amount(account.net()),
            held_out: amount(held_out),
            held_in: amount(held_in),
            available: account.available().map(amount),
        }
    }

    pub(crate) fn of_known(known: &KnownAccount) -> Self {
        let name = known.name.as_ref().map(ToString::to_string);
        Self::new(name.unwrap_or_default(), &known.account)
    }
}

/// What open holds would take from an account, and what they would bring.
fn held(kind: AccountKind, standing: &Standing) -> (i128, i128) {
    let net = standing.balance.net(kind);
    (net - standing.lowest(kind), standing.highest(kind) - net)
}

/// How an account stood right after something.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LedgerBalance)]
pub(crate) struct BalanceShown {
    #[schema(example = "assets:bank:cny")]
    pub account: String,
    /// All that was posted, on the account's normal side.
    pub balance: Amount,
    /// What open holds would take.
    pub held_out: Amount,
    /// What open holds would bring.
    pub held_in: Amount,
}

impl BalanceShown {
    pub(super) fn new(
        account: &str,
        kind: AccountKind,
        currency: Currency,
        standing: &Standing,
    ) -> Self {
        let (held_out, held_in) = held(kind, standing);
        Self {
            account: account.to_owned(),
            balance: Amount::new(standing.balance.net(kind), currency),
            held_out: Amount::new(held_out, currency),
            held_in: Amount::new(held_in, currency),
        }
    }
}

/// How accounts stood, each by its name.
pub(crate) async fn balances(
    app: &App,
    book: Book,
    standings: &[(AccountNo, Standing)],
) -> Result<Vec<BalanceShown>, Problem> {
    let numbers: Vec<AccountNo> = standings.iter().map(|(no, _)| *no).collect();
    let facts = app.account_facts(book, &numbers).await?;
    let shown = facts.iter().zip(standings).map(|(facts, (_, standing))| {
        BalanceShown::new(facts.name.as_str(), facts.kind, facts.currency, standing)
    });
    Ok(shown.collect())
}
