//! A labelled file as columns: when, what it turned out to be, how much, who, and everything else.

use std::io::Read;

use super::cell;
use super::clock::{Clock, TimeUnit};
use super::column::{Reading, Values, pick};
use super::error::short;
use super::places::Places;
use super::{Columns, EvaluateError, Progress};
use crate::attempt::{Channel, Key, Kind, Role};

/// With a larger share of cells that say something else than a time or a label, the column is the wrong one.
const UNREADABLE_SHARE: f64 = 0.05;
/// Labels that are not understood may be no more than this share of the rarer of the two that are: fraud is rare, and the
/// word that means it must not be what is left out.
const UNREADABLE_LABELS: f64 = 0.1;
/// Labels that are named when the one that should mean fraud is not among them.
const LABELS_NAMED: usize = 10;
/// Rows between two words of progress.
const TOLD_EVERY: usize = 100_000;
/// The most rows that are read; a longer file is cut into shorter ones by time.
const MOST_ROWS: usize = 50_000_000;

/// The rows of a file in order of time.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) seconds: Vec<u32>,
    pub(super) labels: Vec<bool>,
    /// In hundredths; zero where none is known.
    pub(super) amounts: Vec<i64>,
    /// Whether there is a column of amounts.
    pub(super) has_amounts: bool,
    /// For each role that takes part the column's name and the key of each row, if it has one.
    pub(super) entities: Vec<(Role, String, Vec<Option<Key>>)>,
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) channels: Option<Vec<Channel>>,
    pub(super) extras: Vec<Extra>,
    /// Rows without a time or a label.
    pub(super) skipped: usize,
    /// Columns that were not looked at because they tell the outcome.
    pub(super) left_out: Vec<String>,
    /// What could not be used, or not as it may have been meant.
    pub(super) remarks: Vec<String>,
}

/// Any other column.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) name: String,
    pub(super) values: Values,
}

impl Table {
    pub(super) fn read(
        input: impl Read,
        columns: &Columns,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Self, EvaluateError> {
        let mut input = cell::Sniffed::new(input)?;
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(input.delimiter())
            .from_reader(&mut input);
        let names: Vec<String> = reader.byte_headers()?.iter().map(cell::name).collect();
        if names.iter().all(String::is_empty) {
            return Err(EvaluateError::Empty);
        }
        let places = Places::find(&names, columns)?;
        let mut rows = Rows::new(places.entities.len(), places.others.len());
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            rows.push(&record, &places);
            let many = rows.times.len() + rows.skipped();
            if many.is_multiple_of(TOLD_EVERY) {
                tell(Progress::Read { rows: many });
            }
            if many > MOST_ROWS {
                return Err(EvaluateError::TooManyRows(MOST_ROWS));
            }
        }
        rows.must_be_readable(columns)?;
        let table = rows.sorted(&names, places, columns.unit);
        // What is too late for the clock stands at its end.
        if table.seconds.last() == Some(&u32::MAX) {
            return Err(EvaluateError::TooLate {
                column: columns.time.clone(),
            });
        }
        Ok(table)
    }
}

/// Cells that say nothing, or nothing that is understood.
#[derive(Debug, Default)]
struct Lost {
    missing: usize,
    unreadable: usize,
    example: String,
}

impl Lost {
    fn add(&mut self, text: &str) {
        if cell::is_missing(text) {
            self.missing += 1;
            return;
        }
        if self.unreadable == 0 {
            self.example = short(text);
        }
        self.unreadable += 1;
    }

    fn all(&self) -> usize {
        self.missing + self.unreadable
    }
}

/// Rows in the order of the file.
struct Rows {
    times: Clock,
    labels: Vec<bool>,
    amounts: Vec<i64>,
    entities: Vec<Vec<Option<Key>>>,
    others: Vec<Reading>,
    without_time: Lost,
    without_label: Lost,
    without_amount: Lost,
    negative_amounts: usize,
    /// Some of the different labels, where one of them is said to mean fraud.
    labels_found: Vec<String>,
}

impl Rows {
    fn new(entities: usize, others: usize) -> Self {
        Self {
            times: Clock::default(),
            labels: Vec::new(),
            amounts: Vec::new(),
            entities: vec![Vec::new(); entities],
            others: (0..others).map(|_| Reading::default()).collect(),
            without_time: Lost::default(),
            without_label: Lost::default(),
            without_amount: Lost::default(),
            negative_amounts: 0,
            labels_found: Vec::new(),
        }
    }

    fn skipped(&self) -> usize {
        self.without_time.all() + self.without_label.all()
    }

    fn push(&mut self, record: &csv::ByteRecord, places: &Places) {
        let text = |place: usize| cell::text(record.get(place).unwrap_or_default());
        let (time, label) = (text(places.time), text(places.label));
        if !self.times.push(&time) {
            return self.without_time.add(&time);
        }
        let Some(truth) = self.truth(&label, places.fraud.as_deref()) else {
            self.times.pop();
            return self.without_label.add(&label);
        };
        self.labels.push(truth);
        let amount = places.amount.map_or(Some(0), |place| {
            let amount = text(place);
            let read = cell::hundredths(&amount);
            if read.is_none() {
                self.without_amount.add(&amount);
            }
            read
        });
        let amount = amount.unwrap_or(0);
        self.negative_amounts += usize::from(amount < 0);
        self.amounts.push(amount);
        for (column, (_, place)) in self.entities.iter_mut().zip(&places.entities) {
            let text = text(*place);
            column.push((!cell::is_missing(&text)).then(|| Key::of(&text)));
        }
        for (column, place) in self.others.iter_mut().zip(&places.others) {
            column.push(&text(*place));
        }
    }

    /// What a label says, if anything.
    fn truth(&mut self, label: &str, fraud: Option<&str>) -> Option<bool> {
        let Some(fraud) = fraud else {
            return cell::truth(label);
        };
        if cell::is_missing(label) {
            return None;
        }
        let found = &mut self.labels_found;
        if found.len() < LABELS_NAMED && !found.iter().any(|other| other == label) {
            found.push(label.to_owned());
        }
        Some(label.eq_ignore_ascii_case(fraud))
    }

    /// A row here and there without a time or a label is left out; a column full of something else was not meant.
    fn must_be_readable(&self, columns: &Columns) -> Result<(), EvaluateError> {
        let rows = self.times.len() + self.skipped();
        let is_wrong = |lost: &Lost| lost.unreadable as f64 > UNREADABLE_SHARE * rows as f64;
        if is_wrong(&self.without_time) {
            return Err(EvaluateError::NotTimes {
                column: columns.time.clone(),
                cells: self.without_time.unreadable,
                rows,
                example: self.without_time.example.clone(),
            });
        }
        let frauds = self.labels.iter().filter(|label| **label).count();
        let rarer = frauds.min(self.labels.len() - frauds) as f64;
        let lost_labels = self.without_label.unreadable as f64;
        if is_wrong(&self.without_label) || lost_labels > UNREADABLE_LABELS * rarer {
            return Err(EvaluateError::NotLabels {
                column: columns.label.clone(),
                cells: self.without_label.unreadable,
                rows,
                example: self.without_label.example.clone(),
            });
        }
        if is_wrong(&self.without_amount) {
            return Err(EvaluateError::NotAmounts {
                cells: self.without_amount.unreadable,
                rows,
                example: self.without_amount.example.clone(),
            });
        }
        if self.times.len() == 0 {
            let skipped = self.skipped();
            return Err(EvaluateError::NoRows { skipped });
        }
        self.must_have_both_labels(columns, frauds)
    }

    fn must_have_both_labels(&self, columns: &Columns, frauds: usize) -> Result<(), EvaluateError> {
        let (column, rows) = (columns.label.clone(), self.labels.len());
        match &columns.fraud {
            Some(value) if frauds == 0 => {
                let found = self.labels_found.iter();
                let found: Vec<String> = found.map(|label| format!("`{}`", short(label))).collect();
                Err(EvaluateError::NoSuchLabel {
                    column,
                    value: value.clone(),
                    found: found.join(", "),
                })
            }
            _ if frauds == 0 || frauds == rows => Err(EvaluateError::OneKind {
                column,
                frauds,
                rows,
            }),
            _ => Ok(()),
        }
    }

    /// What could not be used, or not as it may have been meant.
    fn remarks(&self, places: &Places) -> Vec<String> {
        let rows = self.labels.len();
        let repeated = places.repeated.iter().map(|name| {
            format!("more than one column is called `{name}`; only the first is looked at")
        });
        let mut remarks: Vec<String> = repeated.collect();
        if places.amount.is_none() {
            remarks.push(
                "there is no column of amounts; if one has another name, say it with --amount"
                    .to_owned(),
            );
        }
        let lost = self.without_amount.all();
        if lost > 0 {
            remarks.push(format!(
                "{lost} of {rows} amounts are missing or no number, and count as 0"
            ));
        }
        let negative = self.negative_amounts;
        if negative > 0 {
            remarks.push(format!(
                "{negative} of {rows} amounts are negative, and are used as they are"
            ));
        }
        remarks
    }

    fn sorted(self, names: &[String], places: Places, unit: TimeUnit) -> Table {
        let (skipped, remarks) = (self.skipped(), self.remarks(&places));
        let seconds = self.times.finish(unit);
        let mut order: Vec<usize> = (0..seconds.len()).collect();
        order.sort_by_key(|row| seconds[*row]);
        let entities = places.entities.into_iter().zip(self.entities);
        let extras = places.others.into_iter().zip(self.others);
        let mut extras: Vec<Extra> = extras
            .filter_map(|(place, column)| {
                let (name, values) = (names[place].clone(), column.finish(&order)?);
                Some(Extra { name, values })
            })
            .collect();
        Table {
            kinds: meant(&mut extras, "kind", Kind::of),
            channels: meant(&mut extras, "channel", Channel::of),
            seconds: pick(&seconds, &order),
            labels: pick(&self.labels, &order),
            amounts: pick(&self.amounts, &order),
            entities: entities
                .map(|((role, place), keys)| (role, names[place].clone(), pick(&keys, &order)))
                .collect(),
            extras,
            skipped,
            has_amounts: places.amount.is_some(),
            left_out: places.left_out,
            remarks,
        }
    }
}

/// Takes out a column whose every word has a meaning in an attempt.
fn meant<T: Copy>(
    extras: &mut Vec<Extra>,
    name: &str,
    meaning: impl Fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    let place = extras.iter().position(|extra| extra.name == name)?;
    let words = extras[place].values.words.as_ref()?;
    let meanings: Vec<T> = words
        .texts
        .iter()
        .map(|text| meaning(text))
        .collect::<Option<_>>()?;
    let rows = words.places.iter().map(|place| meanings[*place as usize]);
    let rows = rows.collect();
    extras.remove(place);
    Some(rows)
}
