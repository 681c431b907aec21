//! Loyalty points: an asset of the house's own that payments earn, and that pays a part of others.
//!
//! For each currency the house may have one scheme, which says how many points a payment in it earns and what points are
//! worth there. Points are on the ledger, in wallets that hold their asset; a wallet without it earns none. The house's
//! account `promotions` in the asset has all that were given and not yet spent.
//!
//! A payment earns by what the payer's money pays of it, not by what coupons and points pay. The terms stay with the payment,
//! as those of its fee do.

use fx::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::breakdown::{Breakdown, Earned, Spent};
use super::id::{CouponId, MerchantId};
use super::message::{Event, Outcome};
use super::open::terms;
use super::party::{Fee, Wallet};
use super::recipe::{PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::state::Payments;

/// For each full `per` minor units so many points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earning {
    pub points: i64,
    pub per: i64,
}

impl Earning {
    /// What a payment earns. It is less than the payment times the points, which was seen to fit when the scheme was set.
    pub fn of(self, paid: i64) -> i64 {
        (paid / self.per.max(1)).saturating_mul(self.points)
    }
}

/// Points are spent in lots of so many, and each lot is worth so many minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    pub points: i64,
    pub worth: i64,
    /// The share of what coupons leave to pay that points may pay, in hundredths of a percent.
    pub most_basis_points: u16,
}

/// How points are earned and spent in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheme {
    pub asset: Currency,
    pub currency: Currency,
    pub earning: Earning,
    pub spending: Spending,
}

impl Scheme {
    /// Above it points would be money that somebody prints.
    const POINTS_MAX: i64 = 1_000_000;

    fn check(&self) -> Result<(), Refusal> {
        let Earning { points, per } = self.earning;
        let range = 0..=Self::POINTS_MAX;
        if !range.contains(&points) || per < 1 {
            return Err(terms(
                "a payment earns 0 to 1000000 points for each so many minor units, one or more",
            ));
        }
        let Spending {
            points,
            worth,
            most_basis_points,
        } = self.spending;
        let range = 1..=Self::POINTS_MAX;
        if !range.contains(&points)
            || !range.contains(&worth)
            || most_basis_points > Fee::BASIS_POINTS_MAX
        {
            return Err(terms(
                "a lot of 1 to 1000000 points is worth 1 to 1000000 minor units, and pays at most all of what is left",
            ));
        }
        if self.asset == self.currency {
            return Err(terms("points are another asset than what is paid in"));
        }
        Ok(())
    }

    /// What so many points pay of what is left to pay.
    fn spend(&self, points: i64, left: i64) -> Result<Spent, Refusal> {
        let Spending {
            points: lot,
            worth,
            most_basis_points,
        } = self.spending;
        if points <= 0 || points % lot != 0 {
            return Err(Refusal::PointsInvalid {
                what: format!("they are spent in lots of {lot}"),
            });
        }
        let whole = i128::from(Fee::BASIS_POINTS_MAX);
        let most = i128::from(left) * i128::from(most_basis_points) / whole;
        let most = most.min(i128::from(left) - 1);
        let worth = i128::from(points / lot) * i128::from(worth);
        let fits = i64::try_from(worth)
            .ok()
            .filter(|worth| i128::from(*worth) <= most);
        let worth = fits.ok_or_else(|| Refusal::PointsInvalid {
            what: format!("they may pay at most {most} minor units of it"),
        })?;
        Ok(Spent {
            points: Money::new(points, self.asset),
            worth,
        })
    }
}

/// What a payer pays with beside money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Using {
    pub coupons: Vec<CouponId>,
    pub points: Option<i64>,
}

impl Payments {
    /// The schemes of points, in order of their currencies' codes.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.schemes.values()
    }

    /// Takes a scheme in place of the currency's one before. The same one again is no event.
    pub(super) fn set_scheme(
        &self,
        scheme: &Scheme,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Refusal> {
        scheme.check()?;
        for currency in [scheme.asset, scheme.currency] {
            self.find_asset(currency.code())?;
        }
        if self.schemes.get(scheme.currency.code()) != Some(scheme) {
            self.open_promotions(&[scheme.asset, scheme.currency], events)?;
            events.push(Event::SchemeChanged(Box::new(scheme.clone())));
        }
        Ok(Outcome::Schemes(vec![scheme.clone()]))
    }

    pub(super) fn keep_scheme(&mut self, scheme: &Scheme) {
        let code = scheme.currency.code().to_owned();
        self.schemes.insert(code, scheme.clone());
    }

    pub(super) fn list_schemes(&self) -> Outcome {
        Outcome::Schemes(self.schemes().cloned().collect())
    }

    /// Opens the house's accounts for what it gives away, where this is their first use.
    pub(super) fn open_promotions(
        &self,
        currencies: &[Currency],
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let accounts = currencies
            .iter()
            .map(|currency| Role::Promotions.terms(*currency));
        let is_new =
            |new: &ledger::NewAccount| self.ledger.account(PAYMENTS_BOOK, new.id).is_none();
        let opening: Vec<_> = accounts.filter(is_new).collect();
        let mut opened = Vec::new();
        self.ledger.open(&opening, &mut opened)?;
        events.extend(opened.into_iter().map(Event::Ledger));
        Ok(())
    }

    /// What a payment is made with beside the payer's money, and what it earns; nothing where it is money alone.
    pub(super) fn breakdown(
        &self,
        at: ledger::Timestamp,
        merchant: MerchantId,
        wallet: &Wallet,
        amount: Money,
        using: &Using,
    ) -> Result<Option<Box<Breakdown>>, Refusal> {
        let mut breakdown = Breakdown {
            discounts: match using.coupons.as_slice() {
                [] => Vec::new(),
                named => self.discounts(at, merchant, amount, (wallet.id, named))?,
            },
            ..Breakdown::default()
        };
        let scheme = self.schemes.get(amount.currency.code());
        if let Some(points) = using.points {
            let scheme = scheme.ok_or(Refusal::PointsNotTaken)?;
            if !wallet.currencies.contains(&scheme.asset) {
                return Err(super::open::not_held(scheme.asset));
            }
            let left = amount.amount - breakdown.off();
            let spent = scheme.spend(points, left)?;
            // Points that this payment earns are not there to pay it.
            if self.takeable(wallet.no, spent.points) < points {
                return Err(Refusal::InsufficientFunds);
            }
            breakdown.spent = Some(spent);
        }
        breakdown.earned = scheme.and_then(|scheme| {
            let account = Role::Wallet(wallet.no).account(scheme.asset);
            let account = self.ledger.account(PAYMENTS_BOOK, account)?;
            let points = scheme.earning.of(amount.amount - breakdown.off());
            let fits = account.net() + i128::from(points) <= i128::from(i64::MAX);
            (points > 0 && fits && account.state.lets_in()).then(|| Earned {
                points: Money::new(points, scheme.asset),
                by: scheme.earning,
            })
        });
        Ok((!breakdown.is_plain()).then(|| Box::new(breakdown)))
    }

    /// How many of these points a wallet still has, so that they can be taken back.
    pub(super) fn takeable(&self, wallet: super::id::WalletNo, points: Money) -> i64 {
        let account = Role::Wallet(wallet).account(points.currency);
        let account = self.ledger.account(PAYMENTS_BOOK, account);
        let there = account.filter(|account| account.state.lets_out());
        let there = there
            .and_then(ledger::Account::available)
            .unwrap_or_default();
        let there = i64::try_from(there.max(0)).unwrap_or(i64::MAX);
        points.amount.min(there)
    }
}
