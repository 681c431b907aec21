//! A labelled file as columns: when, what it turned out to be, how much, who, and everything else.

use std::io::Read;

use super::cell;
use super::clock::{Clock, TimeUnit};
use super::column::{Reading, Values, pick};
use super::{Columns, EvaluateError, Progress};
use crate::attempt::{Channel, Key, Kind, Role};

/// With a larger share of cells that say something else than a time or a label, the column is the wrong one.
const UNREADABLE_SHARE: f64 = 0.05;
/// Labels that are not understood may be no more than this share of the rarer of the two that are: fraud is rare, and the
/// word that means it must not be what is left out.
const UNREADABLE_LABELS: f64 = 0.1;
/// Rows between two words of progress.
const TOLD_EVERY: usize = 100_000;
/// The most rows that are read; a longer file is cut into shorter ones by time.
const MOST_ROWS: usize = 50_000_000;

/// The rows of a file in order of time.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) seconds: Vec<u32>,
    pub(super) labels: Vec<bool>,
    /// In hundredths.
    pub(super) amounts: Vec<i64>,
    /// For each role that takes part the column's name and the key of each row, if it has one.
    pub(super) entities: Vec<(Role, String, Vec<Option<Key>>)>,
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) channels: Option<Vec<Channel>>,
    pub(super) extras: Vec<Extra>,
    /// Rows without a time or a label.
    pub(super) skipped: usize,
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
        Ok(rows.sorted(&names, places, columns.unit))
    }
}

/// Where the columns are.
struct Places {
    time: usize,
    label: usize,
    /// The label that means fraud, if the file has a word of its own for it.
    fraud: Option<String>,
    amount: Option<usize>,
    entities: Vec<(Role, usize)>,
    others: Vec<usize>,
}

impl Places {
    fn find(names: &[String], columns: &Columns) -> Result<Self, EvaluateError> {
        let find = |name: &str| {
            let exactly = names.iter().position(|other| other == name);
            let alike = || {
                names
                    .iter()
                    .position(|other| other.eq_ignore_ascii_case(name.trim()))
            };
            exactly
                .or_else(alike)
                .ok_or_else(|| EvaluateError::NoColumn {
                    name: name.to_owned(),
                    there: names.join(", "),
                })
        };
        let (time, label) = (find(&columns.time)?, find(&columns.label)?);
        let entity = |(role, name): &(Role, String)| Ok::<_, EvaluateError>((*role, find(name)?));
        let ignored: Vec<usize> = columns
            .ignored
            .iter()
            .map(|name| find(name))
            .collect::<Result<_, _>>()?;
        let called = |name: &str| names.iter().position(|other| other == name);
        let mut entities: Vec<(Role, usize)> = columns
            .entities
            .iter()
            .map(entity)
            .collect::<Result<_, _>>()?;
        if entities.is_empty() {
            let found = |role: Role| Some((role, called(role.name())?));
            entities = Role::ALL.into_iter().filter_map(found).collect();
        }
        let amount = columns.amount.as_deref().map(find).transpose()?;
        let mut places = Self {
            time,
            label,
            fraud: columns.fraud.clone(),
            amount: amount.or_else(|| called("amount").filter(|place| !ignored.contains(place))),
            entities,
            others: Vec::new(),
        };
        let special = |place: &usize| {
            [Some(places.time), Some(places.label), places.amount].contains(&Some(*place))
                || places.entities.iter().any(|(_, other)| other == place)
                || ignored.contains(place)
        };
        places.others = (0..names.len()).filter(|place| !special(place)).collect();
        Ok(places)
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
            text.clone_into(&mut self.example);
        }
        self.unreadable += 1;
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
        }
    }

    fn skipped(&self) -> usize {
        let lost = [&self.without_time, &self.without_label];
        lost.iter().map(|lost| lost.missing + lost.unreadable).sum()
    }

    fn push(&mut self, record: &csv::ByteRecord, places: &Places) {
        let text = |place: usize| cell::text(record.get(place).unwrap_or_default());
        let (time, label) = (text(places.time), text(places.label));
        if !self.times.push(&time) {
            return self.without_time.add(&time);
        }
        let truth = match &places.fraud {
            Some(fraud) => (!cell::is_missing(&label)).then(|| label.eq_ignore_ascii_case(fraud)),
            None => cell::truth(&label),
        };
        let Some(truth) = truth else {
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
        self.amounts.push(amount.unwrap_or(0));
        for (column, (_, place)) in self.entities.iter_mut().zip(&places.entities) {
            let text = text(*place);
            column.push((!cell::is_missing(&text)).then(|| Key::of(&text)));
        }
        for (column, place) in self.others.iter_mut().zip(&places.others) {
            column.push(&text(*place));
        }
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
        Ok(())
    }

    fn sorted(self, names: &[String], places: Places, unit: TimeUnit) -> Table {
        let skipped = self.skipped();
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
