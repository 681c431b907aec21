//! A Parquet file read as if it were CSV, so that both are understood by the same code.

use std::fs::File;
use std::io::{self, Read};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;

/// Rows turned to text at a time.
const ROWS: usize = 1_000;

/// The text of a Parquet file, made while it is read.
pub(super) struct Parquet {
    rows: RowIter<'static>,
    text: io::Cursor<Vec<u8>>,
}

impl Parquet {
    /// What a Parquet file begins with.
    pub(super) const MARK: &[u8] = b"PAR1";

    pub(super) fn open(file: File) -> io::Result<Self> {
        let reader = SerializedFileReader::new(file).map_err(io::Error::other)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let columns = schema.root_schema().get_fields();
        let mut text = csv::Writer::from_writer(Vec::new());
        text.write_record(columns.iter().map(|column| column.name()))?;
        Ok(Self {
            rows: reader.into_iter(),
            text: finished(text)?,
        })
    }

    /// The next rows as text; empty at the end.
    fn next_text(&mut self) -> io::Result<io::Cursor<Vec<u8>>> {
        let mut text = csv::Writer::from_writer(Vec::new());
        for row in self.rows.by_ref().take(ROWS) {
            let row = row.map_err(io::Error::other)?;
            text.write_record(row.get_column_iter().map(|(_, field)| cell(field)))?;
        }
        finished(text)
    }
}

impl Read for Parquet {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let many = self.text.read(bytes)?;
        if many > 0 || bytes.is_empty() {
            return Ok(many);
        }
        self.text = self.next_text()?;
        self.text.read(bytes)
    }
}

fn finished(text: csv::Writer<Vec<u8>>) -> io::Result<io::Cursor<Vec<u8>>> {
    let text = text.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(io::Cursor::new(text))
}

fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::Date(days) => (i64::from(*days) * 86_400).to_string(),
        Field::TimestampMillis(since) | Field::TimestampMicros(since) => since.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}
