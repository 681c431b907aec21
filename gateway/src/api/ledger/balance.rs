//! Balances of many accounts at once, the trial balance, and the tree of accounts; now and as of any moment.

use std::collections::BTreeMap;

use ledger::core::AccountName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, LargeJson, Parameters, Replied, Reply, Schemas, named};
use super::super::wire::{Amount, SequenceToken, Time};
use super::asked::account_name;
use super::reading::{Accounts, Balances, ByTime, account_row, debits_less_credits};
use super::shown::Kind;
use crate::problem::{Code, Problem};

/// Balances asked for at once.
const ACCOUNTS_MAX: usize = 1_000;
/// Branches of a tree in one answer.
const NODES_MAX: usize = 10_000;

/// A moment, and what is to be read at least.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOfAsked {
    /// The moment, everything at it included; now when not given.
    as_of: Option<Time>,
    /// Which time of transactions counts for `as_of`; `recorded` when not given.
    #[serde(default)]
    #[param(inline)]
    by: ByTime,
    /// Wait until the views show what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for AsOfAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
        named::<Time>(schemas);
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LedgerBalancesQuestion, example = json!({"accounts": ["assets:bank:cny", "customers:alice"]}))]
#[serde(deny_unknown_fields)]
pub(super) struct BalancesAsked {
    #[schema(min_items = 1, max_items = 1_000)]
    accounts: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerBalances {
    /// In the order asked for.
    balances: Vec<LedgerBalanceAsOf>,
    sequence: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerBalanceAsOf {
    #[schema(example = "assets:bank:cny")]
    account: String,
    /// All that was posted until then, on the account's normal side.
    balance: Amount,
}

pub(super) async fn balances(
    ask: Ask<(), AsOfAsked, LargeJson<BalancesAsked>>,
) -> Replied<LedgerBalances> {
    let book = ask.caller()?.book()?;
    let asked = &ask.body.0.accounts;
    if !(1..=ACCOUNTS_MAX).contains(&asked.len()) {
        let detail = format!("names 1 to {ACCOUNTS_MAX} accounts");
        return Err(Problem::field(Code::FieldInvalid, "/accounts", detail));
    }
    let mut reading = ask
        .app
        .read_views(ask.query.at_least.map(|token| token.0))
        .await?;
    let at = Balances::new(&mut reading, ask.query.as_of, ask.query.by).await?;
    let mut balances = Vec::with_capacity(asked.len());
    for (position, name) in asked.iter().enumerate() {
        let name = account_name(name, &format!("/accounts/{position}"))?;
        let account = account_row(&mut reading, book, name.as_str()).await?;
        let amount = at.of(&mut reading, &account).await?;
        balances.push(LedgerBalanceAsOf {
            account: account.name,
            balance: Amount {
                amount,
                currency: account.currency,
            },
        });
    }
    let sequence = reading.watermark();
    let answer = LedgerBalances {
        balances,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

/// One currency of a book: the balances of all its accounts, those on the debit side and those on the credit side.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerTrialLine {
    #[schema(example = "CNY")]
    currency: String,
    /// Minor units.
    #[schema(value_type = i64)]
    debit_balances: i128,
    /// Minor units.
    #[schema(value_type = i64)]
    credit_balances: i128,
    /// Sums by kind of account, each on its normal side, in minor units.
    #[schema(value_type = BTreeMap<String, i64>)]
    kinds: BTreeMap<&'static str, i128>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerTrialBalance {
    /// Whether both sides are equal in every currency, as they always are.
    balances: bool,
    lines: Vec<LedgerTrialLine>,
    sequence: SequenceToken,
}

pub(super) async fn trial_balance(ask: Ask<(), AsOfAsked>) -> Replied<LedgerTrialBalance> {
    let book = ask.caller()?.book()?;
    let mut reading = ask
        .app
        .read_views(ask.query.at_least.map(|token| token.0))
        .await?;
    let at = Balances::new(&mut reading, ask.query.as_of, ask.query.by).await?;
    let mut lines = BTreeMap::<String, LedgerTrialLine>::new();
    let mut accounts = Accounts::new(book, None);
    loop {
        let rows = accounts.next(&mut reading).await?;
        if rows.is_empty() {
            break;
        }
        for account in rows {
            let net = at.of(&mut reading, &account).await?;
            let new = || LedgerTrialLine {
                currency: account.currency.clone(),
                debit_balances: 0,
                credit_balances: 0,
                kinds: BTreeMap::new(),
            };
            let line = lines.entry(account.currency.clone()).or_insert_with(new);
            let debits = debits_less_credits(account.kind, net);
            line.debit_balances += debits.max(0);
            line.credit_balances += (-debits).max(0);
            *line
                .kinds
                .entry(Kind::from(account.kind).name())
                .or_default() += net;
        }
    }
    let sequence = reading.watermark();
    let lines: Vec<LedgerTrialLine> = lines.into_values().collect();
    let answer = LedgerTrialBalance {
        balances: lines
            .iter()
            .all(|line| line.debit_balances == line.credit_balances),
        lines,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

/// Which part of the tree.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeAsked {
    /// Only this account and those below it.
    branch: Option<String>,
    /// How many levels to show; all when not given. What is below is in the sums.
    #[param(minimum = 1)]
    depth: Option<u32>,
    /// The moment, everything at it included; now when not given.
    as_of: Option<Time>,
    /// Which time of transactions counts for `as_of`; `recorded` when not given.
    #[serde(default)]
    #[param(inline)]
    by: ByTime,
    /// Wait until the views show what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for TreeAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
        named::<Time>(schemas);
    }
}

/// A name in the tree with everything below it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerBranch {
    #[schema(example = "assets:bank")]
    name: String,
    /// How many accounts are in it.
    accounts: u32,
    /// Debits less credits in each currency: what is owned is above zero, what is owed below.
    balances: Vec<Amount>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerTree {
    /// Each branch before what is below it.
    branches: Vec<LedgerBranch>,
    sequence: SequenceToken,
}

pub(super) async fn tree(ask: Ask<(), TreeAsked>) -> Replied<LedgerTree> {
    let book = ask.caller()?.book()?;
    let asked = &ask.query;
    let branch = asked.branch.as_deref();
    let branch = branch.map(|name| {
        let detail = |error| format!("branch: {error}.");
        AccountName::new(name).map_err(|error| Problem::new(Code::ParameterInvalid, detail(error)))
    });
    let branch = branch.transpose()?;
    let depth = asked.depth.unwrap_or(u32::MAX) as usize;
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let at = Balances::new(&mut reading, asked.as_of, asked.by).await?;
    let mut sums = BTreeMap::<String, (u32, BTreeMap<String, i128>)>::new();
    let mut accounts = Accounts::new(book, branch);
    loop {
        let rows = accounts.next(&mut reading).await?;
        if rows.is_empty() {
            break;
        }
        for account in rows {
            let net = at.of(&mut reading, &account).await?;
            let debits = debits_less_credits(account.kind, net);
            for name in ancestry(&account.name).take(depth) {
                let (count, balances) = sums.entry(name.to_owned()).or_default();
                *count += 1;
                *balances.entry(account.currency.clone()).or_default() += debits;
            }
        }
        if sums.len() > NODES_MAX {
            let detail = format!("The tree has more than {NODES_MAX} branches.");
            let problem = Problem::new(Code::ParameterInvalid, detail);
            return Err(problem.with_hint("Ask for one branch, or for fewer levels with depth."));
        }
    }
    let branches = sums.into_iter().map(|(name, (accounts, balances))| {
        let amount = |(currency, amount)| Amount { amount, currency };
        LedgerBranch {
            name,
            accounts,
            balances: balances.into_iter().map(amount).collect(),
        }
    });
    let sequence = reading.watermark();
    let answer = LedgerTree {
        branches: branches.collect(),
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

/// A name and those above it, the topmost first.
fn ancestry(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices(':').map(|(at, _)| at);
    ends.chain([name.len()]).map(|end| &name[..end])
}
