//! The chart of accounts and every posting that payments make.
//!
//! | account | kind | one for each | stands for |
//! |---|---|---|---|
//! | `bank` | asset | currency | money that lies at the bank for wallets and merchants |
//! | `fees` | income | currency | what the house has earned |
//! | `promotions` | expense | currency | what the house has given away: its coupons, and the worth of points; in an asset of points, those that are out |
//! | `transit` | liability | currency | what has left one person and not yet reached another |
//! | `position` | equity | currency | what the house has bought of it in exchanges, less what it has sold |
//! | `spread` | income | currency | what the house has earned by exchanges |
//! | `rounding` | income | currency | what is less than a minor unit, of exchanges |
//! | `wallet:N` | liability | wallet and currency | what the house owes a payer |
//! | `merchant:N` | liability | merchant and currency | what the house owes a merchant |
//!
//! | recipe | debit | credit | amount |
//! |---|---|---|---|
//! | top-up | bank | wallet | the amount |
//! | payment | wallet | merchant | the amount less the fee |
//! | | wallet | fees | the fee |
//! | | promotions | merchant | what the house's coupons and points pay |
//! | | wallet | promotions | points that are spent |
//! | | promotions | wallet | points that are earned |
//! | refund, reversal | | | the same the other way, as far as it goes back |
//! | profit share | merchant | another merchant, or a wallet | the share |
//! | profit share returned | the receiver | merchant | what comes back |
//! | transfer | wallet | another wallet | the amount |
//! | transfer offered | wallet | transit | the amount |
//! | transfer accepted | transit | the other wallet | the amount |
//! | transfer returned | transit | wallet | the amount |
//! | red packet | wallet | transit | the amount |
//! | red packet claimed | transit | another wallet | a share |
//! | red packet returned | transit | wallet | what nobody claimed |
//! | conversion of what is named as given | wallet | position | what is given |
//! | | position | wallet | what is gotten |
//! | | position | spread, rounding | what lies between that and its worth at the middle price |
//! | conversion to what is named as gotten | wallet | position | its worth at the middle price |
//! | | wallet | spread, rounding | the rest of what is given |
//! | | position | wallet | what is gotten |
//!
//! An account's id says what it is: a role, the owner's number and the currency's code. So no table
//! is needed to find an account or to explain one.

use std::fmt;

use fx::{Currency, Money, Side, Terms};
use ledger::{
    AccountId, AccountKind, Book, Limits, NewAccount, NewPosting, NewTransaction, TransactionId,
};

use super::id::{MerchantNo, WalletNo};

/// The payments' own book. Only payment rules post in it.
pub const PAYMENTS_BOOK: Book = Book(1);

/// Which part an account plays. The number is the first byte of the account's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Bank,
    Fees,
    Wallet(WalletNo),
    Merchant(MerchantNo),
    Transit,
    Position,
    Spread,
    Rounding,
    Promotions,
}

/// The kinds of transactions that payments post, as the ledger's kind codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    TopUp = 1,
    Payment = 2,
    Refund = 3,
    Transfer = 4,
    TransferOffered = 5,
    TransferAccepted = 6,
    TransferReturned = 7,
    RedPacket = 8,
    RedPacketClaimed = 9,
    RedPacketReturned = 10,
    Conversion = 11,
    Reversal = 12,
    ProfitShare = 13,
    ProfitShareReturned = 14,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::TopUp,
        Self::Payment,
        Self::Refund,
        Self::Transfer,
        Self::TransferOffered,
        Self::TransferAccepted,
        Self::TransferReturned,
        Self::RedPacket,
        Self::RedPacketClaimed,
        Self::RedPacketReturned,
        Self::Conversion,
        Self::Reversal,
        Self::ProfitShare,
        Self::ProfitShareReturned,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Transfer => "transfer",
            Self::TransferOffered => "transfer_offered",
            Self::TransferAccepted => "transfer_accepted",
            Self::TransferReturned => "transfer_returned",
            Self::RedPacket => "red_packet",
            Self::RedPacketClaimed => "red_packet_claimed",
            Self::RedPacketReturned => "red_packet_returned",
            Self::Reversal => "reversal",
            Self::Conversion => "conversion",
            Self::ProfitShare => "profit_share",
            Self::ProfitShareReturned => "profit_share_returned",
        }
    }

    pub fn of_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u16 == code)
    }
}

const CODE_BYTES: usize = 11;

/// What bounds a wallet or a merchant: it has no overdraft, and what it holds fits into the 64 bits in which balances
/// are told.
const OWNED: Limits = Limits {
    maximum: Some(i64::MAX),
    ..Limits::NO_OVERDRAFT
};

impl Role {
    /// The house's accounts of exchange.
    pub const EXCHANGE: [Self; 3] = [Self::Position, Self::Spread, Self::Rounding];

    const fn parts(self) -> (u8, u32) {
        match self {
            Self::Bank => (1, 0),
            Self::Fees => (2, 0),
            Self::Wallet(no) => (3, no.0),
            Self::Merchant(no) => (4, no.0),
            Self::Transit => (5, 0),
            Self::Position => (6, 0),
            Self::Spread => (7, 0),
            Self::Rounding => (8, 0),
            Self::Promotions => (9, 0),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Fees => "fees",
            Self::Wallet(_) => "wallet",
            Self::Merchant(_) => "merchant",
            Self::Transit => "transit",
            Self::Position => "position",
            Self::Spread => "spread",
            Self::Rounding => "rounding",
            Self::Promotions => "promotions",
        }
    }

    /// The account of this role in a currency: role (8 bits), owner (32 bits), code (88 bits).
    pub fn account(self, currency: Currency) -> AccountId {
        let (role, owner) = self.parts();
        let mut bytes = [0; 16];
        bytes[0] = role;
        bytes[1..5].copy_from_slice(&owner.to_be_bytes());
        let code = currency.code().as_bytes();
        bytes[5..5 + code.len()].copy_from_slice(code);
        AccountId(u128::from_be_bytes(bytes))
    }

    /// The ids of this role's accounts in all currencies lie between these two.
    pub const fn accounts(self) -> (AccountId, AccountId) {
        let (role, owner) = self.parts();
        let first = ((role as u128) << (128 - 8)) | ((owner as u128) << (8 * CODE_BYTES));
        (
            AccountId(first),
            AccountId(first | ((1 << (8 * CODE_BYTES)) - 1)),
        )
    }

    /// The role and the currency's code of one of the payments' accounts.
    pub fn of_account(id: AccountId) -> Option<(Self, String)> {
        let bytes = id.0.to_be_bytes();
        let owner = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        let role = match bytes[0] {
            1 => Self::Bank,
            2 => Self::Fees,
            3 => Self::Wallet(WalletNo(owner)),
            4 => Self::Merchant(MerchantNo(owner)),
            5 => Self::Transit,
            6 => Self::Position,
            7 => Self::Spread,
            8 => Self::Rounding,
            9 => Self::Promotions,
            _ => return None,
        };
        let code = bytes[16 - CODE_BYTES..]
            .iter()
            .take_while(|byte| **byte != 0);
        Some((role, code.map(|byte| char::from(*byte)).collect()))
    }

    /// The terms on which the account of this role is opened.
    pub fn terms(self, currency: Currency) -> NewAccount {
        let (kind, limits) = match self {
            Self::Bank => (AccountKind::Asset, Limits::NONE),
            Self::Fees | Self::Spread | Self::Rounding => (AccountKind::Income, Limits::NONE),
            Self::Position => (AccountKind::Equity, Limits::NONE),
            Self::Promotions => (AccountKind::Expense, Limits::NONE),
            Self::Wallet(_) | Self::Merchant(_) => (AccountKind::Liability, OWNED),
            Self::Transit => (AccountKind::Liability, Limits::NO_OVERDRAFT),
        };
        NewAccount {
            book: PAYMENTS_BOOK,
            id: self.account(currency),
            currency,
            kind,
            limits,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wallet(no) => write!(f, "wallet:{}", no.0),
            Self::Merchant(no) => write!(f, "merchant:{}", no.0),
            role => f.write_str(role.name()),
        }
    }
}

/// Money came in at the bank for a wallet.
pub fn top_up(
    id: TransactionId,
    wallet: WalletNo,
    amount: Money,
    reference: &str,
) -> NewTransaction {
    let postings = [(Role::Bank, Role::Wallet(wallet), amount.amount)];
    transaction(id, Kind::TopUp, reference, amount.currency, &postings)
}

/// What moves between a payer, a merchant and the house: in a payment one way, in a refund the other.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub currency: Currency,
    /// Between payer and merchant.
    pub paid: i64,
    /// Between the house and the merchant: what its coupons and points pay.
    pub house: i64,
    /// The house's fee, which is part of these two and is taken from the payer's money first.
    pub fee: i64,
    /// Points that are spent, and points that are earned.
    pub spent: Option<Money>,
    pub earned: Option<Money>,
}

impl Moved {
    /// Where the payer's money is all there is.
    pub const fn plain(amount: Money, fee: Money) -> Self {
        Self {
            currency: amount.currency,
            paid: amount.amount,
            house: 0,
            fee: fee.amount,
            spent: None,
            earned: None,
        }
    }

    fn moves(&self, wallet: WalletNo, merchant: MerchantNo) -> Vec<(Role, Role, Money)> {
        let (payer, payee) = (Role::Wallet(wallet), Role::Merchant(merchant));
        let money = |amount| Money::new(amount, self.currency);
        let of_payer = self.fee.min(self.paid);
        let of_house = self.fee - of_payer;
        let mut moves = vec![
            (payer, payee, money(self.paid - of_payer)),
            (payer, Role::Fees, money(of_payer)),
            (Role::Promotions, payee, money(self.house - of_house)),
            (Role::Promotions, Role::Fees, money(of_house)),
        ];
        moves.extend(self.spent.map(|spent| (payer, Role::Promotions, spent)));
        moves.extend(self.earned.map(|earned| (Role::Promotions, payer, earned)));
        moves
    }
}

/// A wallet pays a merchant; the house keeps the fee.
pub fn payment(
    id: TransactionId,
    (wallet, merchant): (WalletNo, MerchantNo),
    moved: &Moved,
    reference: &str,
) -> NewTransaction {
    NewTransaction {
        id,
        kind: Kind::Payment as u16,
        reference: Some(reference.into()),
        postings: postings(&moved.moves(wallet, merchant)).into(),
    }
}

/// A merchant gives back; the house gives back its part of the fee.
pub fn refund(
    id: TransactionId,
    (wallet, merchant): (WalletNo, MerchantNo),
    moved: &Moved,
    reference: &str,
) -> NewTransaction {
    let back = moved.moves(wallet, merchant).into_iter();
    let back: Vec<_> = back.map(|(from, to, money)| (to, from, money)).collect();
    NewTransaction {
        id,
        kind: Kind::Refund as u16,
        reference: Some(reference.into()),
        postings: postings(&back).into(),
    }
}

/// A till takes a charge back, and the house its fee.
pub fn reversal(
    id: TransactionId,
    parties: (WalletNo, MerchantNo),
    moved: &Moved,
    reference: &str,
) -> NewTransaction {
    NewTransaction {
        kind: Kind::Reversal as u16,
        ..refund(id, parties, moved, reference)
    }
}

/// A merchant passes a part of an order's proceeds on.
pub fn profit_share(
    id: TransactionId,
    (merchant, receiver): (MerchantNo, Role),
    amount: Money,
    reference: &str,
) -> NewTransaction {
    let postings = [(Role::Merchant(merchant), receiver, amount.amount)];
    transaction(id, Kind::ProfitShare, reference, amount.currency, &postings)
}

/// Its receiver gives some of it back.
pub fn profit_share_returned(
    id: TransactionId,
    (receiver, merchant): (Role, MerchantNo),
    amount: Money,
    reference: &str,
) -> NewTransaction {
    let postings = [(receiver, Role::Merchant(merchant), amount.amount)];
    let kind = Kind::ProfitShareReturned;
    transaction(id, kind, reference, amount.currency, &postings)
}

/// A person sends another money, which is the other's at once.
pub fn transfer(id: TransactionId, from: WalletNo, to: WalletNo, amount: Money) -> NewTransaction {
    one(
        id,
        Kind::Transfer,
        (Role::Wallet(from), Role::Wallet(to)),
        amount,
    )
}

/// A person offers another money.
pub fn transfer_offered(id: TransactionId, from: WalletNo, amount: Money) -> NewTransaction {
    one(
        id,
        Kind::TransferOffered,
        (Role::Wallet(from), Role::Transit),
        amount,
    )
}

/// The other takes it.
pub fn transfer_accepted(id: TransactionId, to: WalletNo, amount: Money) -> NewTransaction {
    one(
        id,
        Kind::TransferAccepted,
        (Role::Transit, Role::Wallet(to)),
        amount,
    )
}

/// The other did not take it.
pub fn transfer_returned(id: TransactionId, from: WalletNo, amount: Money) -> NewTransaction {
    one(
        id,
        Kind::TransferReturned,
        (Role::Transit, Role::Wallet(from)),
        amount,
    )
}

/// A person puts money into a red packet.
pub fn red_packet(id: TransactionId, from: WalletNo, amount: Money) -> NewTransaction {
    one(
        id,
        Kind::RedPacket,
        (Role::Wallet(from), Role::Transit),
        amount,
    )
}

/// Somebody takes a share of it.
pub fn red_packet_claimed(id: TransactionId, to: WalletNo, share: Money) -> NewTransaction {
    one(
        id,
        Kind::RedPacketClaimed,
        (Role::Transit, Role::Wallet(to)),
        share,
    )
}

/// What nobody took goes back.
pub fn red_packet_returned(id: TransactionId, from: WalletNo, rest: Money) -> NewTransaction {
    one(
        id,
        Kind::RedPacketReturned,
        (Role::Transit, Role::Wallet(from)),
        rest,
    )
}

/// A wallet's money becomes another currency, at the terms of a quote.
pub fn conversion(id: TransactionId, wallet: WalletNo, terms: &Terms) -> NewTransaction {
    let wallet = Role::Wallet(wallet);
    let (taken, _) = super::quote::position_moves(terms);
    // The margin is on the side that the customer did not name.
    let pays_margin = match terms.fixed {
        Side::Sell => Role::Position,
        Side::Buy => wallet,
    };
    let moves = [
        (wallet, Role::Position, taken),
        (pays_margin, Role::Spread, terms.spread),
        (pays_margin, Role::Rounding, terms.residual),
        (Role::Position, wallet, terms.buy),
    ];
    NewTransaction {
        id,
        kind: Kind::Conversion as u16,
        reference: None,
        postings: postings(&moves).into(),
    }
}

/// One posting, whose kind says all.
fn one(
    id: TransactionId,
    kind: Kind,
    (debit, credit): (Role, Role),
    amount: Money,
) -> NewTransaction {
    NewTransaction {
        reference: None,
        ..transaction(
            id,
            kind,
            "",
            amount.currency,
            &[(debit, credit, amount.amount)],
        )
    }
}

/// Of these movements in one currency. Postings of nothing (no fee, or nothing but fee) are left out.
fn transaction(
    id: TransactionId,
    kind: Kind,
    reference: &str,
    currency: Currency,
    moves: &[(Role, Role, i64)],
) -> NewTransaction {
    let moves: Vec<_> = moves
        .iter()
        .map(|(debit, credit, amount)| (*debit, *credit, Money::new(*amount, currency)))
        .collect();
    NewTransaction {
        id,
        kind: kind as u16,
        reference: Some(reference.into()),
        postings: postings(&moves).into(),
    }
}

fn postings(moves: &[(Role, Role, Money)]) -> Vec<NewPosting> {
    let moves = moves.iter().filter(|(_, _, money)| money.amount != 0);
    let posting = |(debit, credit, money): &(Role, Role, Money)| NewPosting {
        debit: debit.account(money.currency),
        credit: credit.account(money.currency),
        amount: money.amount,
    };
    moves.map(posting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_says_what_the_account_is() {
        let points = Currency::own("POINTS-1234", 0).unwrap();
        let roles = [
            Role::Bank,
            Role::Fees,
            Role::Wallet(WalletNo(7)),
            Role::Merchant(MerchantNo(u32::MAX)),
            Role::Transit,
            Role::Position,
            Role::Spread,
            Role::Rounding,
            Role::Promotions,
        ];
        for role in roles {
            for currency in [Currency::CNY, points] {
                let id = role.account(currency);
                let (first, last) = role.accounts();
                assert!((first..=last).contains(&id));
                assert_eq!(
                    Role::of_account(id),
                    Some((role, currency.code().to_owned()))
                );
            }
        }
        assert_eq!(Role::of_account(AccountId(0)), None);
    }

    #[test]
    fn every_kind_is_found_by_its_code() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_code(kind as u16), Some(kind));
        }
        assert_eq!(Kind::of_code(0), None);
    }
}
