//! A labelled file as columns: when, what it turned out to be, how much, who, and everything else.

use std::io::Read;

use super::column::{Reading, Values, pick};
use super::{Columns, EvaluateError, Progress, cell, clock};
use crate::attempt::{Channel, Key, Kind, Role};

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
        let places = Places::find(&names, columns)?;
        let mut rows = Rows::new(places.entities.len(), places.others.len());
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            rows.push(&record, &places);
            let many = rows.times.len() + rows.skipped;
            if many.is_multiple_of(TOLD_EVERY) {
                tell(Progress::Read { rows: many });
            }
            if many > MOST_ROWS {
                return Err(EvaluateError::TooManyRows(MOST_ROWS));
            }
        }
        rows.sorted(&names, places, columns.unit)
    }
}

/// Where the columns are.
struct Places {
    time: usize,
    label: usize,
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
            amount: amount.or_else(|| called("amount")),
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

/// Rows in the order of the file.
struct Rows {
    times: Vec<f64>,
    labels: Vec<bool>,
    amounts: Vec<i64>,
    entities: Vec<Vec<Option<Key>>>,
    others: Vec<Reading>,
    skipped: usize,
}

impl Rows {
    fn new(entities: usize, others: usize) -> Self {
        Self {
            times: Vec::new(),
            labels: Vec::new(),
            amounts: Vec::new(),
            entities: vec![Vec::new(); entities],
            others: (0..others).map(|_| Reading::default()).collect(),
            skipped: 0,
        }
    }

    fn push(&mut self, record: &csv::ByteRecord, places: &Places) {
        let text = |place: usize| cell::text(record.get(place).unwrap_or_default());
        let (Some(time), Some(label)) = (
            clock::parse(&text(places.time)),
            cell::truth(&text(places.label)),
        ) else {
            self.skipped += 1;
            return;
        };
        self.times.push(time);
        self.labels.push(label);
        self.amounts.push(
            places
                .amount
                .map_or(0, |place| cell::hundredths(&text(place))),
        );
        for (column, (_, place)) in self.entities.iter_mut().zip(&places.entities) {
            let text = text(*place);
            column.push((!cell::is_missing(&text)).then(|| Key::of(&text)));
        }
        for (column, place) in self.others.iter_mut().zip(&places.others) {
            column.push(&text(*place));
        }
    }

    fn sorted(
        self,
        names: &[String],
        places: Places,
        unit: clock::TimeUnit,
    ) -> Result<Table, EvaluateError> {
        if self.times.is_empty() {
            return Err(EvaluateError::NoRows {
                skipped: self.skipped,
            });
        }
        let seconds = clock::seconds(&self.times, unit);
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
        Ok(Table {
            kinds: meant(&mut extras, "kind", Kind::of),
            channels: meant(&mut extras, "channel", Channel::of),
            seconds: pick(&seconds, &order),
            labels: pick(&self.labels, &order),
            amounts: pick(&self.amounts, &order),
            entities: entities
                .map(|((role, place), keys)| (role, names[place].clone(), pick(&keys, &order)))
                .collect(),
            extras,
            skipped: self.skipped,
        })
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
