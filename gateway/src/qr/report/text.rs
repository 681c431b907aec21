//! A report as a person reads it in a terminal.

use std::fmt::{Display, Formatter, Result};

use super::{Content, Entry, Kind, Report};

/// The width of the left column.
const LABEL_WIDTH: usize = 11;

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let kind = match self.kind {
            Kind::MerchantPresented => "EMVCo, shown by a merchant",
            Kind::ConsumerPresented => "EMVCo, shown by a payer",
            Kind::PaymentCode => "payment code, shown by a payer",
            Kind::Link => "link",
            Kind::Unknown => "unknown",
        };
        line(out, "scheme", self.scheme)?;
        line(out, "kind", kind)?;
        line(out, "valid", if self.valid { "yes" } else { "no" })?;
        self.problems
            .iter()
            .try_for_each(|problem| line(out, "problem", problem))?;
        self.remarks
            .iter()
            .try_for_each(|remark| line(out, "remark", remark))?;
        optional(out, "code", self.code.as_deref())?;
        optional(
            out,
            "use",
            self.one_time.map(|one_time| {
                if one_time {
                    "one payment"
                } else {
                    "many payments"
                }
            }),
        )?;
        let merchant = &self.merchant;
        let place = [&merchant.name, &merchant.city, &merchant.country];
        let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
        optional(
            out,
            "merchant",
            (!place.is_empty()).then(|| place.join(", ")).as_deref(),
        )?;
        optional(out, "account", merchant.account.as_deref())?;
        optional(out, "category", merchant.category.as_deref())?;
        optional(out, "amount", self.amount.as_deref())?;
        let currency = self
            .currency
            .as_ref()
            .map(|currency| currency.code.as_ref().unwrap_or(&currency.given));
        optional(out, "currency", currency.map(String::as_str))?;
        self.fields
            .iter()
            .try_for_each(|entry| field(out, entry, 0))
    }
}

fn line(out: &mut Formatter<'_>, label: &str, text: &str) -> Result {
    writeln!(out, "{label:LABEL_WIDTH$}{text}")
}

fn optional(out: &mut Formatter<'_>, label: &str, text: Option<&str>) -> Result {
    text.map_or(Ok(()), |text| line(out, label, text))
}

fn field(out: &mut Formatter<'_>, entry: &Entry, depth: usize) -> Result {
    let (id, name, indent) = (&entry.id, entry.name.unwrap_or("-"), 2 * depth);
    match &entry.content {
        Content::Value(value) => {
            writeln!(out, "{:indent$}{id} {name}: {}", "", value.escape_debug())
        }
        Content::Fields(fields) => {
            writeln!(out, "{:indent$}{id} {name}", "")?;
            fields
                .iter()
                .try_for_each(|entry| field(out, entry, depth + 1))
        }
    }
}
