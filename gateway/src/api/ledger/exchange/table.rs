//! A book as a table: a row for each posting, for spreadsheets and databases.

use csv::{Writer, WriterBuilder};

use super::super::super::wire::Minor;
use super::line::{Line, TransactionLine};

const COLUMNS: [&str; 14] = [
    "transaction",
    "posting",
    "recorded_at",
    "effective_at",
    "debit",
    "credit",
    "amount",
    "currency",
    "kind",
    "reference",
    "metadata",
    "corrects",
    "reverses",
    "captures",
];

/// Amounts are in minor units; metadata are a JSON object.
pub(super) fn put(line: &Line, text: &mut Vec<u8>) -> csv::Result<()> {
    let mut writer = WriterBuilder::new().from_writer(text);
    match line {
        Line::Ledger(_) => writer.write_record(COLUMNS),
        Line::Transaction(transaction) => put_postings(transaction, &mut writer),
        _ => Ok(()),
    }
}

fn put_postings(line: &TransactionLine, writer: &mut Writer<&mut Vec<u8>>) -> csv::Result<()> {
    let named = |name: Option<String>| name.unwrap_or_default();
    let metadata = serde_json::to_string(&line.metadata).map_err(std::io::Error::from)?;
    for (position, posting) in line.postings.iter().enumerate() {
        let amount = match posting.amount.amount {
            Minor::Whole(amount) => amount.to_string(),
            Minor::TooLarge | Minor::NotWhole => String::new(),
        };
        writer.write_record([
            line.id.to_string().as_str(),
            &position.to_string(),
            &line.recorded_at.to_string(),
            &line.effective_at.to_string(),
            &posting.debit,
            &posting.credit,
            &amount,
            &posting.amount.currency,
            &line.kind.to_string(),
            line.reference.as_deref().unwrap_or_default(),
            &metadata,
            &named(line.corrects.map(|id| id.to_string())),
            &named(line.reverses.map(|id| id.to_string())),
            &named(line.captures.map(|id| id.to_string())),
        ])?;
    }
    Ok(())
}
