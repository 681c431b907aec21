//! `gateway fraud export`: a gateway's attempts and what they turned out to be, as a file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::config::DataArgs;
use gateway::report::attempts::{COLUMNS, Cell, line, row};
use gateway::store::decision;
use ledger::Timestamp;
use ledger::shell::Views;
use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::super::print;
use super::super::report::{must_have_run, time};

const EXAMPLES: &str = "\
The gateway may be running; nothing of its own is written. What nobody has labelled counts as genuine, as in life.

Examples:
  gateway fraud export --data /var/lib/jiaozi -o attempts.parquet
  gateway fraud export --from 2026-10-01 --to 2026-11-01 --labelled -o october.csv";

/// Attempts read at a time, which are also a group of rows in Parquet.
const PAGE: u32 = 20_000;

/// Write a gateway's attempts and what they turned out to be, as a file to train on.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    data: DataArgs,

    /// Attempts made at this time or later: a day or an RFC 3339 time, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    /// Attempts made before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,

    /// Only attempts that somebody has labelled.
    #[arg(long)]
    labelled: bool,

    /// Where to write; a name that ends in `.parquet` is written as Parquet, any other as CSV.
    #[arg(short, long, value_name = "FILE", default_value = "attempts.csv")]
    output: PathBuf,
}

pub(super) async fn run(asked: &Export) -> Result<()> {
    let database = asked.data.database();
    must_have_run(&database)?;
    let from = asked.from.unwrap_or(Timestamp::ZERO);
    let until = asked.to.unwrap_or(Timestamp(i64::MAX.cast_unsigned()));
    ensure!(from < until, "--from is not before --to");
    let views = Views::open(&database);
    let unreadable = || format!("the views in {database} cannot be read");
    // Whoever names the wrong database is told before anything is written.
    drop(views.read().await.with_context(unreadable)?);
    let beside = asked.output.with_added_extension("new");
    let cannot = || format!("{} cannot be written", asked.output.display());
    let mut sheet = Sheet::new(&asked.output, &beside).with_context(cannot)?;
    let (mut behind, mut rows) = (None, 0_usize);
    loop {
        let mut reading = views.read().await.with_context(unreadable)?;
        let page = decision::between(&mut reading, (from, until), behind, PAGE).await?;
        let Some(last) = page.last() else {
            break;
        };
        behind = Some((last.decision.at, last.decision.id));
        let wanted = page
            .iter()
            .filter(|one| one.label.is_some() || !asked.labelled);
        let cells: Vec<_> = wanted.map(row).collect();
        rows += cells.len();
        sheet.write(&cells).with_context(cannot)?;
        eprintln!("{rows} attempts written");
    }
    sheet.finish().with_context(cannot)?;
    std::fs::rename(&beside, &asked.output).with_context(cannot)?;
    print(&format!("{}: {rows} attempts\n", asked.output.display()))?;
    Ok(())
}

/// A file in the making.
enum Sheet {
    Csv(BufWriter<File>),
    Parquet(SerializedFileWriter<File>),
}

impl Sheet {
    fn new(name: &Path, file: &Path) -> Result<Self> {
        let file = File::create(file)?;
        let is_parquet = name
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("parquet"));
        if is_parquet {
            let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
            let writer = SerializedFileWriter::new(file, schema()?, Arc::new(properties.build()))?;
            return Ok(Self::Parquet(writer));
        }
        let mut file = BufWriter::new(file);
        writeln!(file, "{}", COLUMNS.join(","))?;
        Ok(Self::Csv(file))
    }

    fn write(&mut self, rows: &[[Cell; COLUMNS.len()]]) -> Result<()> {
        match self {
            Self::Csv(file) => {
                for cells in rows {
                    file.write_all(line(cells).as_bytes())?;
                }
            }
            Self::Parquet(_) if rows.is_empty() => {}
            Self::Parquet(writer) => write_group(writer, rows)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Csv(file) => file.into_inner()?.sync_all()?,
            Self::Parquet(writer) => writer.into_inner()?.sync_all()?,
        }
        Ok(())
    }
}

/// The columns that hold numbers.
const NUMBERS: [&str; 3] = ["label", "amount", "score_ppm"];

fn schema() -> Result<Arc<Type>> {
    let column = |name: &&str| {
        let kind = if NUMBERS.contains(name) {
            Physical::INT64
        } else {
            Physical::BYTE_ARRAY
        };
        let text = (kind == Physical::BYTE_ARRAY).then_some(parquet::basic::LogicalType::String);
        let column = Type::primitive_type_builder(name, kind)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(text);
        Ok(Arc::new(column.build()?))
    };
    let columns = COLUMNS.iter().map(column).collect::<Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("attempts").with_fields(columns);
    Ok(Arc::new(schema.build()?))
}

fn write_group(
    writer: &mut SerializedFileWriter<File>,
    rows: &[[Cell; COLUMNS.len()]],
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let mut place = 0;
    while let Some(mut column) = group.next_column()? {
        let cells = rows.iter().map(|cells| &cells[place]);
        if NUMBERS.contains(&COLUMNS[place]) {
            let number = |cell: &Cell| match cell {
                Cell::Number(number) => *number,
                Cell::Text(_) => 0,
            };
            let numbers: Vec<i64> = cells.map(number).collect();
            column
                .typed::<Int64Type>()
                .write_batch(&numbers, None, None)?;
        } else {
            let texts: Vec<ByteArray> = cells
                .map(|cell| ByteArray::from(cell.to_string().into_bytes()))
                .collect();
            column
                .typed::<ByteArrayType>()
                .write_batch(&texts, None, None)?;
        }
        column.close()?;
        place += 1;
    }
    group.close()?;
    Ok(())
}
