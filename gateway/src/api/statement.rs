//! Statements of a wallet or a merchant, and transactions explained in words.

use std::collections::BTreeMap;

use fx::{Currency, Money};
use ledger::{Account, AccountNo};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::page::{AtLeast, PageAsked, page, slice};
use super::wire::{Amount, Page, SequenceToken, Time};
use crate::app::{App, views_problem};
use crate::auth::Caller;
use crate::pay::recipe::{Kind, Role};
use crate::pay::{
    Fee, MerchantId, OrderId, Owner, RedPacketId, RefundId, ShareId, Terms, TransactionName,
    TransferId, WalletId,
};
use crate::problem::{Code, Problem};
use crate::store;
use crate::store::page::List;
use crate::store::statement::{Explained, Line, Posting};

/// A transaction as it stands in one owner's statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(super) struct LineShown {
    pub transaction: TransactionName,
    /// `top_up`, `payment`, `refund`, `transfer`, `transfer_offered`, `transfer_accepted`, `transfer_returned`,
    /// `red_packet`, `red_packet_claimed`, `red_packet_returned`, `conversion`, `reversal`, `profit_share` or
    /// `profit_share_returned`.
    #[schema(example = "payment")]
    pub kind: &'static str,
    pub at: Time,
    /// What it did to the balance: above zero is money in.
    pub amount: Amount,
    /// The balance after it.
    pub balance: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red_packet: Option<RedPacketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareId>,
    /// The order's or the refund's number, or what the bank called the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl From<Line> for LineShown {
    fn from(line: Line) -> Self {
        let amount = |amount| Amount {
            amount,
            currency: line.currency.clone(),
        };
        Self {
            transaction: line.transaction.into(),
            kind: line.kind.name(),
            at: Time(line.at),
            amount: amount(line.amount),
            balance: amount(line.balance),
            order: line.order,
            refund: line.refund,
            transfer: line.transfer,
            red_packet: line.red_packet,
            share: line.share,
            reference: line.reference,
        }
    }
}

/// What happened on these accounts, the newest first.
pub(super) async fn statement(
    app: &App,
    accounts: &[Account],
    asked: &PageAsked,
) -> Replied<Page<LineShown>> {
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Statement)?;
    let mut reading = app.read_views(asked.at_least.map(|token| token.0)).await?;
    let numbers: Vec<AccountNo> = accounts.iter().map(|account| account.no).collect();
    let (lines, next) = store::statement::lines(&mut reading, &numbers, slice)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = lines.into_iter().map(LineShown::from);
    Ok(page(shown.collect(), next, reading.watermark()))
}

/// A transaction with its postings, each in words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transaction)]
pub(super) struct TransactionShown {
    id: TransactionName,
    /// The same kinds as in a statement.
    #[schema(example = "payment")]
    kind: &'static str,
    at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_packet: Option<RedPacketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<ShareId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    postings: Vec<PostingShown>,
}

/// One movement: from the account that is debited to the account that is credited.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Posting)]
pub(super) struct PostingShown {
    debit: AccountShown,
    credit: AccountShown,
    amount: Amount,
    /// What moved, from where to where, and why it is this much.
    #[schema(
        example = "0.08 CNY from the payer's wallet to the house: its fee of 0.6 % on 12.50 CNY, rounded half to even"
    )]
    text: String,
}

/// The part that an account plays, and whose it is where the reader may know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountRole)]
pub(super) struct AccountShown {
    /// `bank`, `fees`, `transit`, `promotions`, `wallet` or `merchant`.
    #[schema(example = "wallet")]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
}

/// A transaction as it was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TransactionFound {
    transaction: TransactionShown,
    sequence: SequenceToken,
}

pub(super) async fn explain(ask: Ask<TransactionName, AtLeast>) -> Replied<TransactionFound> {
    let caller = ask.caller()?;
    let mut reading = ask
        .app
        .read_views(ask.query.at_least.map(|token| token.0))
        .await?;
    let explained = store::statement::explain(&mut reading, ask.id.into())
        .await
        .map_err(|error| views_problem(&error))?;
    let explained = explained
        .filter(|explained| takes_part(&caller, explained))
        .ok_or_else(|| {
            let detail = "There is no such transaction, or it is not yours.";
            Problem::new(Code::TransactionNotFound, detail)
        })?;
    let sequence = reading.watermark();
    drop(reading);
    let why = Why::of(&ask.app, &explained).await?;
    let found = TransactionFound {
        transaction: shown(&caller, explained, &why),
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(found)))
}

/// What it takes to say why a posting is as it is.
struct Why {
    currencies: BTreeMap<String, Currency>,
    /// What moved from where to where, without words.
    moves: Vec<Posting>,
    /// By which terms the house took its fee, if it is about an order.
    terms: Option<Terms>,
}

impl Why {
    async fn of(app: &App, explained: &Explained) -> Result<Self, Problem> {
        let mut currencies = BTreeMap::new();
        for posting in &explained.postings {
            let currency = app.currency(&posting.currency, "").await?;
            currencies.insert(posting.currency.clone(), currency);
        }
        Ok(Self {
            currencies,
            moves: explained.postings.clone(),
            terms: explained.terms,
        })
    }

    /// The sum of what moved in a currency, of the postings that fit.
    fn sum(&self, currency: &str, fits: impl Fn(&Posting) -> bool) -> i64 {
        let moves = self.moves.iter();
        let fitting = moves.filter(|one| one.currency == currency && fits(one));
        fitting.map(|one| one.amount).sum()
    }

    fn text(&self, kind: Kind, posting: &Posting) -> String {
        let currency = self.currencies.get(&posting.currency);
        let money = |amount: i64| match currency {
            Some(currency) => Money::new(amount, *currency).to_string(),
            None => format!("{amount} {}", posting.currency),
        };
        let from = holder(kind, posting.debit, true);
        let to = holder(kind, posting.credit, false);
        let moved = format!("{} from {from} to {to}", money(posting.amount));
        match (kind, posting.debit, posting.credit, self.terms) {
            (Kind::Payment, Role::Wallet(_) | Role::Promotions, Role::Fees, Some(terms)) => {
                let settled = self.sum(&posting.currency, |_| true);
                let fee = fee_in_words(terms, settled, money);
                format!("{moved}: its fee of {fee}, rounded half to even")
            }
            (Kind::Payment, Role::Wallet(_), Role::Merchant(_), _) => {
                let paid = self.sum(&posting.currency, |one| one.debit == posting.debit);
                if posting.amount < paid {
                    format!("{moved}: {} less the fee", money(paid))
                } else {
                    moved
                }
            }
            (Kind::Refund | Kind::Reversal, Role::Merchant(_), Role::Wallet(_), _) => {
                let back = self.sum(&posting.currency, |one| one.credit == posting.credit);
                if posting.amount < back {
                    format!("{moved}: {} less what the house gives back", money(back))
                } else {
                    moved
                }
            }
            (Kind::Payment, Role::Promotions, Role::Merchant(_), _) => {
                format!("{moved}: what the house's coupons and the points are worth")
            }
            (Kind::Payment, Role::Promotions, Role::Wallet(_), _) => {
                format!("{moved}: points that the payment earns")
            }
            (Kind::Payment, Role::Wallet(_), Role::Promotions, _) => {
                format!("{moved}: points that are spent")
            }
            (Kind::Refund | Kind::Reversal, Role::Promotions, Role::Wallet(_), _) => {
                format!("{moved}: points that were spent come back")
            }
            (Kind::Refund | Kind::Reversal, Role::Wallet(_), Role::Promotions, _) => {
                format!("{moved}: points that were earned by what is refunded")
            }
            (Kind::Refund | Kind::Reversal, _, Role::Promotions, _) => {
                format!("{moved}: the part of the house's coupons and of points")
            }
            (Kind::Conversion, _, Role::Spread, _) => {
                format!("{moved}: the spread of its quote")
            }
            (Kind::Conversion, _, Role::Rounding, _) => {
                format!("{moved}: less than a minor unit, rounded against who converts")
            }
            (Kind::ProfitShare, ..) => format!("{moved}: its share of the order"),
            (Kind::ProfitShareReturned, ..) => format!("{moved}: some of its share comes back"),
            (Kind::Reversal, Role::Fees, Role::Wallet(_), _) => {
                format!("{moved}: all of its fee")
            }
            (Kind::Refund, Role::Fees, Role::Wallet(_), _) => {
                format!("{moved}: the part of its fee that goes with the refund")
            }
            _ => moved,
        }
    }
}

/// A fee by its terms, on what was settled.
fn fee_in_words(terms: Terms, settled: i64, money: impl Fn(i64) -> String) -> String {
    let share = Fee {
        basis_points: terms.basis_points,
    };
    let mut fee = format!("{share} on {}", money(settled));
    for (word, amount) in [
        (" and", terms.fixed),
        (", at least", terms.least),
        (", at most", terms.most.unwrap_or_default()),
    ] {
        if amount > 0 {
            fee = format!("{fee}{word} {}", money(amount));
        }
    }
    fee
}

/// Who holds the account of a role, to a reader who does not know accounts.
const fn holder(kind: Kind, role: Role, pays: bool) -> &'static str {
    match (role, kind) {
        (Role::Bank, _) => "the bank",
        (Role::Fees, _) => "the house",
        (Role::Merchant(_), Kind::ProfitShare) if !pays => "the merchant that has a share",
        (Role::Merchant(_), Kind::ProfitShareReturned) if pays => "the merchant that has a share",
        (Role::Merchant(_), _) => "the merchant",
        (Role::Transit, _) => "what is under way",
        (Role::Position, _) => "the house's position",
        (Role::Spread, _) => "the house's earnings by exchange",
        (Role::Rounding, _) => "the house's account for rounding",
        (Role::Promotions, _) => "the house's promotions",
        (Role::Wallet(_), Kind::Conversion) => "the wallet",
        (Role::Wallet(_), Kind::TopUp | Kind::Payment | Kind::Refund | Kind::Reversal) => {
            "the payer's wallet"
        }
        (Role::Wallet(_), Kind::TransferReturned | Kind::RedPacketReturned) => {
            "the sender's wallet"
        }
        (Role::Wallet(_), _) if pays => "the sender's wallet",
        (Role::Wallet(_), _) => "the receiver's wallet",
    }
}

fn takes_part(caller: &Caller, explained: &Explained) -> bool {
    match caller.owner {
        Owner::Operator | Owner::Analyst => true,
        Owner::Wallet(wallet) => [explained.wallet, explained.other_wallet].contains(&Some(wallet)),
        Owner::Merchant(merchant) => {
            [explained.merchant, explained.other_merchant].contains(&Some(merchant))
        }
        Owner::Bank | Owner::Book(_) => false,
    }
}

/// The transaction as this caller may see it: a payer sees which merchant it was but not what the house took of it, a
/// merchant sees that but not which wallet it was.
fn shown(caller: &Caller, explained: Explained, why: &Why) -> TransactionShown {
    let is_payer = matches!(caller.owner, Owner::Wallet(_));
    let sees_wallet = !matches!(caller.owner, Owner::Merchant(_));
    let wallet = |role: Role| match role {
        Role::Wallet(no) if Some(no) == explained.wallet_no => explained.wallet,
        Role::Wallet(_) => explained.other_wallet,
        _ => None,
    };
    let account = |role: Role| AccountShown {
        role: role.name(),
        wallet: wallet(role).filter(|_| sees_wallet),
        merchant: match role {
            Role::Merchant(no) if Some(no) == explained.merchant_no => explained.merchant,
            Role::Merchant(_) => explained.other_merchant,
            _ => None,
        },
    };
    let postings = if is_payer {
        without_fees(&explained.postings)
    } else {
        explained.postings
    };
    let postings = postings.into_iter().map(|posting| PostingShown {
        text: why.text(explained.kind, &posting),
        debit: account(posting.debit),
        credit: account(posting.credit),
        amount: Amount {
            amount: posting.amount.into(),
            currency: posting.currency,
        },
    });
    TransactionShown {
        id: explained.transaction.into(),
        kind: explained.kind.name(),
        at: Time(explained.at),
        order: explained.order,
        refund: explained.refund,
        transfer: explained.transfer,
        red_packet: explained.red_packet,
        share: explained.share,
        reference: explained.reference,
        postings: postings.collect(),
    }
}

/// The postings as if the merchant had the house's part too: one for each other side.
fn without_fees(postings: &[Posting]) -> Vec<Posting> {
    let roles = postings
        .iter()
        .flat_map(|posting| [posting.debit, posting.credit]);
    let merchant = roles
        .into_iter()
        .find(|role| matches!(role, Role::Merchant(_)));
    let seen = |role: Role| match role {
        Role::Fees => merchant.unwrap_or(role),
        other => other,
    };
    let mut merged: Vec<Posting> = Vec::new();
    for posting in postings {
        let (debit, credit) = (seen(posting.debit), seen(posting.credit));
        let same = merged
            .iter_mut()
            .find(|other| (other.debit, other.credit) == (debit, credit));
        match same {
            Some(other) => other.amount += posting.amount,
            None => merged.push(Posting {
                debit,
                credit,
                ..posting.clone()
            }),
        }
    }
    merged
}
