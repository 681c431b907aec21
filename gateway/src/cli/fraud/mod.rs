//! `gateway fraud`: models of fraud, trained and judged on labelled files.

mod export;
mod file;
mod lived;
mod parquet;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};
use fraud::evaluate::{self, Columns, TimeUnit};
use fraud::{Boosting, Model};
use ledger::shell::sql::Database;

use super::{print, wait_for};
use file::Progress;

const TRAIN_EXAMPLES: &str = "\
The file is CSV (also with semicolons, tabs or bars) or Parquet, one attempt a row, in any order. Without other names it has
the columns `time`, `label` and, where known, `amount`, `payer`, `payee`, `device`, `link`, `place`, `kind` and `channel`.
Only features that the gateway computes itself are used, so that the model can be loaded and asked: upload it with
`gateway request POST /v1/models --key-file FILE --data @fraud-model.json`.

Instead of a file, --data can name the data directory of a gateway, which may be running: then it is trained on what the
gateway lived through, with the features that its scorer saw and the labels that analysts gave.

Examples:
  gateway fraud train --data attempts.csv
  gateway fraud train --data /var/lib/jiaozi -o model.json
  gateway fraud train --data cards.parquet --time when --label is_fraud --amount amt --entity card --entity shop -o cards.json";

const EVALUATE_EXAMPLES: &str = "\
The file is CSV (also with semicolons, tabs or bars) or Parquet, one attempt a row, in any order. Features are computed as in
a stream: what each row could have known at its time, labels a week late (or a twentieth of the file's span, if that is less).
The first 70% of the rows by time train, the rest is scored without having been seen. Numbers and words in other columns are
used as they are; leave out with --ignore what would not be known before the money moves. Of a file that `gateway fraud
export` wrote, verdict, score_ppm, decision and standing are left out: they tell what was decided and what became of it.

Times are numbers (of seconds since 1970 or since any start, or hours; also milliseconds) or written in the usual ways, such
as 2026-11-24T08:15:00+01:00, 24/11/2026 08:15, 11/24/2026 8:15 AM or 24-Nov-2026; whether the day or the month comes first is
told by the column as a whole. Labels are 0/1, true/false, yes/no or fraud/genuine; name any other with --fraud.

Examples:
  gateway fraud evaluate --data cards.csv --time trans_date --label is_fraud --amount amt --entity cc_num --entity merchant
  gateway fraud evaluate --data paysim.csv --time step --label isFraud --amount amount --ignore isFlaggedFraud --json";

/// What a gateway's own export says of what was decided and of what became of it, which nobody knows beforehand.
const OUTCOMES: [&str; 4] = ["verdict", "score_ppm", "decision", "standing"];
const TIME: &str = "time";
const LABEL: &str = "label";

#[derive(Debug, Subcommand)]
pub(crate) enum Fraud {
    /// Train a model on a file of labelled attempts.
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(Train),
    Export(export::Export),
    /// Say how well fraud can be found in a labelled file.
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate(Evaluate),
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    data: Data,
    /// The database of the gateway whose directory --data names, where it is not in files there: as in
    /// `postgres://user:password@host/name`.
    #[arg(
        long,
        env = "JIAOZI_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    database: Option<Database>,
    /// Where to write the model.
    #[arg(short, long, value_name = "FILE", default_value = "fraud-model.json")]
    output: PathBuf,
    /// The version that the file names; a gateway gives it the next number of its own when it is uploaded.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    version: u32,
    /// Print JSON instead of lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    data: Data,
    /// Print JSON instead of lines.
    #[arg(long)]
    json: bool,
}

/// A file, and which of its columns are what.
#[derive(Debug, Args)]
struct Data {
    /// The labelled attempts: CSV or Parquet; to train, also a gateway's data directory, whose columns need no names.
    #[arg(long = "data", value_name = "FILE")]
    file: PathBuf,
    /// The column that says when.
    #[arg(long, value_name = "COLUMN", default_value = TIME)]
    time: String,
    /// The column that says whether it was fraud.
    #[arg(long, value_name = "COLUMN", default_value = LABEL)]
    label: String,
    /// The label that means fraud, where it is not 1, true, yes or fraud; every other label is genuine.
    #[arg(long = "fraud", value_name = "VALUE")]
    fraud: Option<String>,
    /// The column that says how much; without it, one called `amount`, if there is one.
    #[arg(long, value_name = "COLUMN")]
    amount: Option<String>,
    /// A column that says who takes part, the payer first, then payee, device, link and place. Without it, columns of
    /// these names, if there are some.
    #[arg(long = "entity", value_name = "COLUMN")]
    entities: Vec<String>,
    /// A column not to look at.
    #[arg(long = "ignore", value_name = "COLUMN")]
    ignored: Vec<String>,
    /// What a number in the time column counts.
    #[arg(long, value_name = "UNIT", default_value = "auto")]
    time_unit: Unit,
    /// Days until a label is known.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=3_650))]
    label_delay: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    /// Found out from the numbers.
    Auto,
    Seconds,
    Hours,
    Days,
}

impl Data {
    fn columns(&self) -> Result<Columns> {
        let unit = match self.time_unit {
            Unit::Auto => TimeUnit::Auto,
            Unit::Seconds => TimeUnit::Seconds,
            Unit::Hours => TimeUnit::Hours,
            Unit::Days => TimeUnit::Days,
        };
        Ok(Columns {
            time: self.time.clone(),
            label: self.label.clone(),
            fraud: self.fraud.clone(),
            amount: self.amount.clone(),
            entities: Columns::roles(&self.entities)?,
            ignored: self.ignored.clone(),
            outcomes: OUTCOMES.map(str::to_owned).into(),
            unit,
            delay: self.label_delay.map(|days| days * 86_400),
        })
    }

    /// A gateway's data directory has no columns to name.
    fn must_name_no_columns(&self) -> Result<()> {
        let given = [
            ("--time", self.time != TIME),
            ("--label", self.label != LABEL),
            ("--fraud", self.fraud.is_some()),
            ("--amount", self.amount.is_some()),
            ("--entity", !self.entities.is_empty()),
            ("--ignore", !self.ignored.is_empty()),
            ("--time-unit", !matches!(self.time_unit, Unit::Auto)),
            ("--label-delay", self.label_delay.is_some()),
        ];
        let given = given.iter().filter(|(_, is_given)| *is_given);
        let given: Vec<&str> = given.map(|(option, _)| *option).collect();
        ensure!(
            given.is_empty(),
            "{} is a gateway's data directory, in which nothing needs a name; leave out {}",
            self.file.display(),
            given.join(", ")
        );
        Ok(())
    }
}

pub(crate) fn run(command: &Fraud) -> Result<ExitCode> {
    match command {
        Fraud::Train(line) => train(line)?,
        Fraud::Export(asked) => wait_for(export::run(asked))?,
        Fraud::Evaluate(line) => evaluate(line)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn train(line: &Train) -> Result<()> {
    let mut progress = Progress::start();
    let source = &line.data.file;
    let trained = if source.is_dir() {
        line.data.must_name_no_columns()?;
        let files = || Database::from(source.as_path());
        let database = line.database.clone().unwrap_or_else(files);
        wait_for(lived::train(&database, line.version, &mut progress))
    } else {
        on_file(&line.data, line.version, &mut progress)
    };
    let model = trained.with_context(|| source.display().to_string())?;
    write_whole(&line.output, &model.to_json())?;
    let trained = show::Trained::of(&model, &line.output, progress.seconds());
    if line.json {
        print(&(serde_json::to_string_pretty(&trained)? + "\n"))?;
    } else {
        print(&trained.to_string())?;
    }
    Ok(())
}

fn on_file(data: &Data, version: u32, progress: &mut Progress) -> Result<Model> {
    let (file, columns) = (file::open(&data.file)?, data.columns()?);
    let trainer = Boosting::default();
    let mut tell = |told| progress.tell(told);
    Ok(evaluate::train(
        file, &columns, &trainer, version, &mut tell,
    )?)
}

fn evaluate(line: &Evaluate) -> Result<()> {
    let columns = line.data.columns()?;
    let mut progress = Progress::start();
    let evaluation = evaluate::evaluate(
        file::open(&line.data.file)?,
        &columns,
        &Boosting::thorough(),
        &mut |told| progress.tell(told),
    )
    .with_context(|| line.data.file.display().to_string())?;
    if line.json {
        print(&(serde_json::to_string_pretty(&evaluation)? + "\n"))?;
    } else {
        print(&show::evaluation(&evaluation))?;
    }
    Ok(())
}

/// Writes a file that is either the old one or the new one, whatever happens meanwhile.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let failed = || format!("{} cannot be written", path.display());
    std::fs::write(&beside, text).with_context(failed)?;
    std::fs::rename(&beside, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use gateway::report::attempts::COLUMNS;

    use super::*;

    #[test]
    fn every_outcome_is_a_column_of_the_export() {
        assert!(OUTCOMES.iter().all(|name| COLUMNS.contains(name)));
        assert!([TIME, LABEL].iter().all(|name| COLUMNS.contains(name)));
    }
}
