//! A book as plain text that hledger reads (and Ledger, but for the last transaction): other programs compute the
//! balances from the postings, and the last transaction asserts that they are ours.
//!
//! Debits are above zero. A transaction has the date on which it takes effect, by the book's clock.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset, Utc};
use fx::Currency;
use ledger::Timestamp;
use ledger::shell::ledger_read::AccountRow;

use super::super::super::wire::Minor;
use super::super::reading::debits_less_credits;
use super::super::shown::Kind;
use super::line::{Head, Line, TransactionLine};
use crate::app::App;
use crate::problem::Problem;

/// Writes one book.
#[derive(Debug)]
pub(super) struct Plain {
    offset: FixedOffset,
    /// The date of the last transaction's assertions.
    today: Timestamp,
    asserting: bool,
}

impl Plain {
    pub(super) fn new(offset_minutes: i16, today: Timestamp) -> Self {
        let utc = FixedOffset::east_opt(0).expect("no offset is one");
        Self {
            offset: FixedOffset::east_opt(i32::from(offset_minutes) * 60).unwrap_or(utc),
            today,
            asserting: false,
        }
    }

    pub(super) async fn put(
        &mut self,
        app: &App,
        line: &Line,
        text: &mut String,
    ) -> Result<(), Problem> {
        match line {
            Line::Ledger(head) => put_head(head, text),
            Line::Account(account) => {
                let kind = match account.kind {
                    Kind::Asset => 'A',
                    Kind::Liability => 'L',
                    Kind::Equity => 'E',
                    Kind::Income => 'R',
                    Kind::Expense => 'X',
                };
                push(
                    text,
                    format_args!("account {}  ; type: {kind}\n", account.name),
                );
            }
            Line::Transaction(transaction) => self.put_transaction(app, transaction, text).await?,
            _ => {}
        }
        Ok(())
    }

    async fn put_transaction(
        &self,
        app: &App,
        line: &TransactionLine,
        text: &mut String,
    ) -> Result<(), Problem> {
        let date = self.date(line.effective_at.0);
        let what = one_line(line.reference.as_deref().unwrap_or_default());
        push(text, format_args!("\n{date} * ({}) {what}\n", line.id));
        push(text, format_args!("    ; recorded: {}\n", line.recorded_at));
        for posting in &line.postings {
            let Minor::Whole(amount) = posting.amount.amount else {
                continue;
            };
            let currency = app.currency(&posting.amount.currency, "").await?;
            let amount = i128::from(amount);
            put_side(&posting.debit, amount, currency, text);
            put_side(&posting.credit, -amount, currency, text);
        }
        Ok(())
    }

    /// Asserts an account's balance, after all transactions.
    pub(super) async fn put_balance(
        &mut self,
        app: &App,
        row: &AccountRow,
        text: &mut String,
    ) -> Result<(), Problem> {
        if !std::mem::replace(&mut self.asserting, true) {
            let date = self.date(self.today);
            push(text, format_args!("\n{date} * Balances as exported\n"));
        }
        let currency = app.currency(&row.currency, "").await?;
        let balance = debits_less_credits(row.kind, row.net());
        let (nothing, balance) = (shown(0, currency), shown(balance, currency));
        push(
            text,
            format_args!("    {}  {nothing} = {balance}\n", row.name),
        );
        Ok(())
    }

    fn date(&self, at: Timestamp) -> String {
        let time = DateTime::<Utc>::from_timestamp_nanos(at.0.cast_signed());
        let local = time.with_timezone(&self.offset);
        local.format("%Y-%m-%d").to_string()
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}

fn put_head(head: &Head, text: &mut String) {
    let (book, sequence) = (one_line(&head.book), head.sequence);
    push(text, format_args!("; {book}, as of {sequence}\n\n"));
}

fn put_side(account: &str, amount: i128, currency: Currency, text: &mut String) {
    let amount = shown(amount, currency);
    push(text, format_args!("    {account}  {amount}\n"));
}

/// An amount in whole units with its currency, whose code is quoted where it is not letters alone.
fn shown(amount: i128, currency: Currency) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (size, units) = (amount.unsigned_abs(), u128::from(currency.units()));
    let (whole, fraction) = (size / units, size % units);
    let places = usize::from(currency.exponent());
    let fraction = match places {
        0 => String::new(),
        places => format!(".{fraction:0places$}"),
    };
    let code = currency.code();
    if code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        format!("{sign}{whole}{fraction} {code}")
    } else {
        format!("{sign}{whole}{fraction} \"{code}\"")
    }
}

/// A text that does not end the line it is in, nor begin a comment.
fn one_line(text: &str) -> String {
    let ends = |c: char| c.is_control() || matches!(c, ';' | '|' | '\u{2028}' | '\u{2029}');
    text.chars()
        .map(|c| if ends(c) { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_whole_units() {
        let own = Currency::own("PTS2", 3).unwrap();
        let yen = Currency::iso("JPY").unwrap();
        for (amount, currency, expected) in [
            (1_250, Currency::CNY, "12.50 CNY"),
            (-5, Currency::CNY, "-0.05 CNY"),
            (1_250, yen, "1250 JPY"),
            (1_250, own, "1.250 \"PTS2\""),
            (i128::from(i64::MAX) + 1, yen, "9223372036854775808 JPY"),
        ] {
            assert_eq!(shown(amount, currency), expected);
        }
    }

    #[test]
    fn a_date_is_the_books() {
        let shanghai = Plain::new(480, Timestamp::ZERO);
        let evening = Timestamp::from_millis(1_769_875_200_000);
        assert_eq!(shanghai.date(evening), "2026-02-01");
        assert_eq!(Plain::new(0, Timestamp::ZERO).date(evening), "2026-01-31");
    }

    #[test]
    fn a_reference_stays_on_its_line() {
        assert_eq!(one_line("a\nb; c|d"), "a b  c d");
    }
}
