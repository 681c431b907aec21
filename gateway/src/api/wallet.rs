//! Wallets: who pays.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::merchant::{balances, check_currencies, codes};
use super::page::PageAsked;
use super::statement::{LineShown, statement};
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::new_id;
use crate::auth::Caller;
use crate::pay::{Command, Outcome, Owner, Wallet, WalletId};
use crate::problem::{Code, Problem};

const HOLDER_CHARS_MAX: usize = 64;
/// What ISO 20022 leaves for remittance text.
const REFERENCE_CHARS_MAX: usize = 70;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallet)]
pub(super) struct WalletShown {
    pub id: WalletId,
    /// The wallet provider's own name for its holder.
    #[schema(example = "customer-4711")]
    pub holder: String,
    /// The currencies it can hold.
    pub currencies: Vec<String>,
}

impl From<&Wallet> for WalletShown {
    fn from(wallet: &Wallet) -> Self {
        Self {
            id: wallet.id,
            holder: wallet.holder.clone(),
            currencies: codes(&wallet.currencies),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewWallet, example = json!({"holder": "customer-4711", "currencies": ["CNY"]}))]
#[serde(deny_unknown_fields)]
pub(super) struct WalletAsked {
    /// Your own name for its holder: a customer number, never a person's name.
    #[schema(min_length = 1, max_length = 64)]
    holder: String,
    /// The currencies it can hold.
    #[schema(min_items = 1, max_items = 32)]
    currencies: Vec<String>,
}

/// A wallet and what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WalletFound {
    wallet: WalletShown,
    balances: Vec<Amount>,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<(), (), Json<WalletAsked>>) -> Replied<WalletFound> {
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/holder", &asked.holder, HOLDER_CHARS_MAX);
    check_currencies(&mut check, &asked.currencies);
    check.done()?;
    let command = Command::OpenWallet {
        id: WalletId(new_id()),
        holder: asked.holder,
        currencies: ask.app.currencies(&asked.currencies, "/currencies").await?,
    };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Wallet { wallet, accounts } = &done.outcome else {
        return done.unexpected();
    };
    let opened = WalletFound {
        wallet: wallet.into(),
        balances: balances(accounts),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(opened)))
}

pub(super) async fn find(ask: Ask<WalletId>) -> Replied<WalletFound> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindWallet(ask.id)).await?;
    let Outcome::Wallet { wallet, accounts } = &done.outcome else {
        return done.unexpected();
    };
    let found = WalletFound {
        wallet: wallet.into(),
        balances: balances(accounts),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(found)))
}

pub(super) async fn transactions(ask: Ask<WalletId, PageAsked>) -> Replied<Page<LineShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindWallet(ask.id)).await?;
    let Outcome::Wallet { accounts, .. } = &done.outcome else {
        return done.unexpected();
    };
    statement(&ask.app, accounts, &ask.query).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewTopUp, example = json!({
    "amount": {"amount": 100_000, "currency": "CNY"},
    "reference": "bank transfer 20260131-77"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct TopUpAsked {
    amount: AskedAmount,
    /// What the bank calls the transfer.
    #[schema(min_length = 1, max_length = 70)]
    reference: String,
}

/// Money that came in at the bank for a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToppedUp {
    amount: Amount,
    /// What the wallet has now, in this currency.
    wallet_balance: Amount,
    at: Time,
    sequence: SequenceToken,
}

pub(super) async fn top_up(ask: Ask<WalletId, (), Json<TopUpAsked>>) -> Replied<ToppedUp> {
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/reference", &asked.reference, REFERENCE_CHARS_MAX);
    check.done()?;
    let command = Command::TopUp {
        transaction: ledger::TransactionId(new_id()),
        wallet: ask.id,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        reference: asked.reference,
    };
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::ToppedUp { amount, balance } = &done.outcome else {
        return done.unexpected();
    };
    let topped_up = ToppedUp {
        amount: (*amount).into(),
        wallet_balance: Amount::new(*balance, amount.currency),
        at: Time(done.at),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(topped_up)))
}

/// To others a wallet is as if it were not there.
pub(super) fn must_be(caller: &Caller, wallet: WalletId) -> Result<(), Problem> {
    if caller.is_operator() || caller.owner == Owner::Wallet(wallet) {
        Ok(())
    } else {
        Err(Problem::new(
            Code::WalletNotFound,
            "There is no such wallet, or it is not yours.",
        ))
    }
}
