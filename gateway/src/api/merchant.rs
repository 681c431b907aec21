//! Merchants: who is paid.

use ledger::Account;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::page::PageAsked;
use super::statement::{LineShown, statement};
use super::wire::{Amount, Page, SequenceToken};
use crate::app::new_id;
use crate::auth::Caller;
use crate::pay::{Command, Fee, Merchant, MerchantId, NewMerchant, Outcome};
use crate::problem::{Code, Problem};

/// Payers read it on a phone; a QR payload carries 25 characters of it.
const NAME_CHARS_MAX: usize = 64;
const CITY_CHARS_MAX: usize = 64;
/// As many as the rules open accounts for at once.
const CURRENCIES_MAX: usize = 32;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merchant)]
pub(super) struct MerchantShown {
    pub id: MerchantId,
    /// As payers see it.
    #[schema(example = "Old Street Dumplings")]
    pub name: String,
    #[schema(example = "Hangzhou")]
    pub city: String,
    /// Where it is: ISO 3166-1, two letters. Absent if never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CN")]
    pub country: Option<String>,
    /// What it deals in: a merchant category code of ISO 18245. Absent if never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5812")]
    pub category: Option<String>,
    /// The currencies it can be paid in.
    pub currencies: Vec<String>,
    /// What the house takes of a payment, in hundredths of a percent.
    pub fee_basis_points: u16,
}

impl From<&Merchant> for MerchantShown {
    fn from(merchant: &Merchant) -> Self {
        Self {
            id: merchant.id,
            name: merchant.name.clone(),
            city: merchant.city.clone(),
            country: merchant.country.map(|country| country.to_string()),
            category: merchant.category.map(|category| category.to_string()),
            currencies: codes(&merchant.currencies),
            fee_basis_points: merchant.fee.basis_points,
        }
    }
}

pub(super) fn codes(currencies: &[fx::Currency]) -> Vec<String> {
    currencies
        .iter()
        .map(|currency| currency.code().to_owned())
        .collect()
}

pub(super) fn check_currencies(check: &mut Check, codes: &[String]) {
    let few = (1..=CURRENCIES_MAX).contains(&codes.len());
    check.that("/currencies", few, || {
        format!("names 1 to {CURRENCIES_MAX} currencies")
    });
}

/// What accounts hold, one amount for each currency.
pub(super) fn balances(accounts: &[Account]) -> Vec<Amount> {
    accounts
        .iter()
        .map(|account| Amount::new(account.net(), account.currency))
        .collect()
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewMerchant, example = json!({
    "name": "Old Street Dumplings",
    "city": "Hangzhou",
    "country": "CN",
    "category": "5812",
    "currencies": ["CNY"],
    "fee_basis_points": 60
}))]
#[serde(deny_unknown_fields)]
pub(super) struct MerchantAsked {
    /// As payers see it.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    #[schema(min_length = 1, max_length = 64)]
    city: String,
    /// Where it is: ISO 3166-1, two letters. Its codes say an unknown country when not given.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// What it deals in: a merchant category code of ISO 18245, such as 5812 for restaurants. Its codes say no
    /// particular trade when not given.
    #[schema(pattern = "^[0-9]{4}$")]
    category: Option<String>,
    /// The currencies it can be paid in.
    #[schema(min_items = 1, max_items = 32)]
    currencies: Vec<String>,
    /// What the house takes of a payment, in hundredths of a percent: 60 is 0.6%.
    #[schema(maximum = 10_000)]
    fee_basis_points: u16,
}

/// A merchant and what it has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MerchantFound {
    merchant: MerchantShown,
    balances: Vec<Amount>,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<(), (), Json<MerchantAsked>>) -> Replied<MerchantFound> {
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/name", &asked.name, NAME_CHARS_MAX);
    check.text("/city", &asked.city, CITY_CHARS_MAX);
    let fees = ..=Fee::BASIS_POINTS_MAX;
    check.that(
        "/fee_basis_points",
        fees.contains(&asked.fee_basis_points),
        || format!("is at most {}", Fee::BASIS_POINTS_MAX),
    );
    check_currencies(&mut check, &asked.currencies);
    let country = asked.country.map(|country| country.parse());
    let country = country.and_then(|country| check.read("/country", country));
    let category = asked.category.map(|category| category.parse());
    let category = category.and_then(|category| check.read("/category", category));
    check.done()?;
    let command = Command::OpenMerchant(NewMerchant {
        id: MerchantId(new_id()),
        name: asked.name,
        city: asked.city,
        country,
        category,
        currencies: ask.app.currencies(&asked.currencies, "/currencies").await?,
        fee: Fee {
            basis_points: asked.fee_basis_points,
        },
    });
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Merchant { merchant, accounts } = &done.outcome else {
        return done.unexpected();
    };
    let opened = MerchantFound {
        merchant: merchant.into(),
        balances: balances(accounts),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(opened)))
}

pub(super) async fn find(ask: Ask<MerchantId>) -> Replied<MerchantFound> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindMerchant(ask.id)).await?;
    let Outcome::Merchant { merchant, accounts } = &done.outcome else {
        return done.unexpected();
    };
    let found = MerchantFound {
        merchant: merchant.into(),
        balances: balances(accounts),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(found)))
}

pub(super) async fn transactions(ask: Ask<MerchantId, PageAsked>) -> Replied<Page<LineShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let done = ask.app.ask(Command::FindMerchant(ask.id)).await?;
    let Outcome::Merchant { accounts, .. } = &done.outcome else {
        return done.unexpected();
    };
    statement(&ask.app, accounts, &ask.query).await
}

/// To others a merchant is as if it were not there.
pub(super) fn must_be(caller: &Caller, merchant: MerchantId) -> Result<(), Problem> {
    if caller.may_act_for(merchant) {
        Ok(())
    } else {
        Err(Problem::new(
            Code::MerchantNotFound,
            "There is no such merchant, or it is not you.",
        ))
    }
}
