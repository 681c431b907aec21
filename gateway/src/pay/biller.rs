//! Billers: whom people pay by a reference, such as utilities, offices that fine, and hospitals.
//!
//! A biller is a merchant's: the merchant is paid. It says how its references look, and a reference that does not look so is
//! refused before any money moves, so that nobody pays a number with a slip in it. Each payment is an order that comes about
//! with its payer ([`super::direct`]) and carries the reference, in the form in which it was checked.

use std::collections::BTreeMap;
use std::ops::Bound;

use fx::{Currency, Money};
use ledger::{Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::check_digit::CheckDigit;
use super::decision::Scored;
use super::direct::{NewDirect, Scan, Till};
use super::id::{BillerId, MerchantId, OrderId, WalletId};
use super::message::{Event, Outcome};
use super::open::{not_held, terms};
use super::order::OrderNumber;
use super::points::Using;
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

/// What a biller is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    Utility,
    Fine,
    Health,
    Education,
    Tax,
    Other,
}

impl Category {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utility => "utility",
            Self::Fine => "fine",
            Self::Health => "health",
            Self::Education => "education",
            Self::Tax => "tax",
            Self::Other => "other",
        }
    }
}

/// How references look: like one of the patterns, with the right check characters. In a pattern `#` stands for a digit, `@`
/// for a letter, `*` for either, and any other character for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRule {
    /// What payers call it, such as "customer number".
    pub label: String,
    pub patterns: Vec<String>,
    pub check: CheckDigit,
}

impl ReferenceRule {
    pub const PATTERNS_MAX: usize = 8;
    pub const CHARS_MAX: usize = 40;
    pub const LABEL_CHARS_MAX: usize = 40;

    fn is_possible(&self) -> bool {
        let may_stand = |byte: u8| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"#@*-/.".contains(&byte)
        };
        let fits = |pattern: &String| {
            (1..=Self::CHARS_MAX).contains(&pattern.len()) && pattern.bytes().all(may_stand)
        };
        (1..=Self::PATTERNS_MAX).contains(&self.patterns.len()) && self.patterns.iter().all(fits)
    }

    /// The reference as it is kept: without spaces, in capital letters.
    pub fn read(&self, text: &str) -> Result<String, Refusal> {
        let invalid = |what: String| Refusal::ReferenceInvalid { what };
        let kept = text.chars().filter(|letter| !letter.is_whitespace());
        let read: String = kept.map(|letter| letter.to_ascii_uppercase()).collect();
        if !self
            .patterns
            .iter()
            .any(|pattern| looks_like(&read, pattern))
        {
            let patterns = self.patterns.join(" or ");
            return Err(invalid(format!("a {} looks like {patterns}", self.label)));
        }
        if self.check.holds(&read) {
            Ok(read)
        } else {
            let label = &self.label;
            Err(invalid(format!(
                "the check digits of the {label} do not fit it"
            )))
        }
    }
}

fn looks_like(text: &str, pattern: &str) -> bool {
    let fits = |(letter, symbol): (u8, u8)| match symbol {
        b'#' => letter.is_ascii_digit(),
        b'@' => letter.is_ascii_uppercase(),
        b'*' => letter.is_ascii_digit() || letter.is_ascii_uppercase(),
        literal => letter == literal,
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Biller {
    pub id: BillerId,
    /// Who is paid.
    pub merchant: MerchantId,
    /// As payers read it.
    pub name: String,
    pub category: Category,
    pub currency: Currency,
    pub reference: ReferenceRule,
    /// The least and the most of one payment.
    pub least: i64,
    pub most: Option<i64>,
    pub retired: bool,
}

impl Biller {
    /// All that there ever may be; they lie in memory, at some 400 bytes.
    pub const ALL_MAX: usize = 100_000;
    pub const NAME_CHARS_MAX: usize = 60;

    fn must_take(&self, amount: Money) -> Result<(), Refusal> {
        let within =
            amount.amount >= self.least && self.most.is_none_or(|most| amount.amount <= most);
        if amount.currency == self.currency && within {
            return Ok(());
        }
        let code = self.currency.code();
        let what = match self.most {
            Some(most) => format!("it takes {} to {most} minor units of {code}", self.least),
            None => format!("it takes {} minor units of {code} or more", self.least),
        };
        Err(Refusal::BillerAmount { what })
    }
}

/// All billers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Billers(BTreeMap<BillerId, Biller>);

impl Billers {
    pub fn get(&self, id: BillerId) -> Option<&Biller> {
        self.0.get(&id)
    }

    pub(super) fn keep(&mut self, biller: &Biller) {
        self.0.insert(biller.id, biller.clone());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayBiller {
    pub order: OrderId,
    pub biller: BillerId,
    pub wallet: WalletId,
    /// As the payer entered it.
    pub reference: String,
    pub amount: Money,
    pub transaction: TransactionId,
    /// Without it the payment is looked at and nothing is paid.
    pub scored: Option<Box<Scored>>,
}

impl Payments {
    pub fn billers(&self) -> &Billers {
        &self.billers
    }

    pub(super) fn register_biller(&self, new: &Biller, events: &mut Vec<Event>) -> Decided {
        let merchant = self.must_have_merchant(new.merchant)?;
        if !merchant.currencies.contains(&new.currency) {
            return Err(not_held(new.currency));
        }
        if !new.reference.is_possible() {
            return Err(terms(
                "references have one to eight patterns of 1 to 40 of `# @ *`, digits, capital letters and `- / .`",
            ));
        }
        if new.least < 1 || new.most.is_some_and(|most| most < new.least) {
            return Err(terms(
                "the least is one minor unit or more, and not above the most",
            ));
        }
        if self.billers.get(new.id).is_some() {
            return Err(Refusal::IdTaken);
        }
        if self.billers.0.len() >= Biller::ALL_MAX {
            return Err(Refusal::BillersTooMany);
        }
        events.push(Event::BillerChanged(Box::new(new.clone())));
        Ok(Outcome::Billers(vec![new.clone()]))
    }

    /// Retiring what is retired is no event.
    pub(super) fn retire_biller(&self, id: BillerId, events: &mut Vec<Event>) -> Decided {
        let biller = self.must_have_biller(id)?;
        let retired = Biller {
            retired: true,
            ..biller.clone()
        };
        if !biller.retired {
            events.push(Event::BillerChanged(Box::new(retired.clone())));
        }
        Ok(Outcome::Billers(vec![retired]))
    }

    fn must_have_biller(&self, id: BillerId) -> Result<&Biller, Refusal> {
        self.billers.get(id).ok_or(Refusal::BillerNotFound)
    }

    pub(super) fn find_biller(&self, id: BillerId) -> Decided {
        Ok(Outcome::Billers(vec![self.must_have_biller(id)?.clone()]))
    }

    /// Those that can be paid, after one, in the order in which they were registered.
    pub(super) fn list_billers(
        &self,
        category: Option<Category>,
        after: Option<BillerId>,
        limit: usize,
    ) -> Outcome {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let billers = self.billers.0.range((first, Bound::Unbounded));
        let wanted = billers.map(|(_, biller)| biller).filter(|biller| {
            !biller.retired && category.is_none_or(|category| category == biller.category)
        });
        Outcome::Billers(wanted.take(limit).cloned().collect())
    }

    pub(super) fn pay_biller(
        &self,
        at: Timestamp,
        pay: &PayBiller,
        events: &mut Vec<Event>,
    ) -> Decided {
        let biller = self.must_have_biller(pay.biller)?;
        if biller.retired {
            return Err(Refusal::BillerRetired);
        }
        let reference = biller.reference.read(&pay.reference)?;
        biller.must_take(pay.amount)?;
        let merchant = self.must_be_payable(biller.merchant)?;
        let payer = self.wallets.get(&pay.wallet);
        let payer = payer.ok_or(Refusal::WalletNotFound)?;
        // The biller gave it no number, so it has one that is as unique as its id.
        let number = OrderNumber::new(&format!("B{:032x}", pay.order.0));
        let scan = Scan::Biller(biller.id);
        let direct = NewDirect {
            id: pay.order,
            merchant,
            payer,
            number: &number.map_err(|_| Refusal::IdTaken)?,
            amount: pay.amount,
            description: &biller.name,
            scan,
            till: &Till::default(),
            reference: Some(&reference),
            terms: self.terms_for(merchant, scan.into(), pay.amount),
            breakdown: self.breakdown(at, merchant.id, payer, pay.amount, &Using::default())?,
        };
        let order = direct.order(at)?;
        let Some(scored) = &pay.scored else {
            return Ok(Outcome::ToAssess(order));
        };
        let decision = direct.decision(at, pay.transaction, scored)?;
        self.judge(at, (&order).into(), decision, events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_looks_like_one_of_the_patterns_and_checks() {
        let rule = |patterns: &[&str], check| ReferenceRule {
            label: "customer number".to_owned(),
            patterns: patterns.iter().map(|one| (*one).to_owned()).collect(),
            check,
        };
        let plain = rule(&["@@-####", "K/**"], CheckDigit::None);
        let luhn = rule(&["###########"], CheckDigit::Luhn);
        for (rule, text, wanted) in [
            (&plain, "ab-1234", Some("AB-1234")),
            (&plain, " a b - 1 2 3 4 ", Some("AB-1234")),
            (&plain, "K/Z9", Some("K/Z9")),
            (&plain, "AB-123", None),
            (&plain, "A1-1234", None),
            (&plain, "AB1234", None),
            (&plain, "", None),
            (&plain, "ÄB-1234", None),
            (&luhn, "7992 7398 713", Some("79927398713")),
            (&luhn, "7992 7398 710", None),
        ] {
            let read = rule.read(text);
            assert_eq!(read.as_deref().ok(), wanted, "{text:?}: {read:?}");
        }
        assert!(plain.is_possible());
        for wrong in [&[][..], &[""], &["ab"], &["##", "#é"], &["#"; 9]] {
            assert!(!rule(wrong, CheckDigit::None).is_possible(), "{wrong:?}");
        }
    }
}
