//! Where the columns of a file are, found by their names.
//!
//! A name is matched exactly or, failing that, without regard to case. Of columns that have the same name only the first is
//! looked at: the second of two labels would tell the outcome.

use std::collections::BTreeSet;

use super::error::listed;
use super::{Columns, EvaluateError};
use crate::attempt::Role;

/// Where the columns are.
pub(super) struct Places {
    pub(super) time: usize,
    pub(super) label: usize,
    /// The label that means fraud, if the file has a word of its own for it.
    pub(super) fraud: Option<String>,
    pub(super) amount: Option<usize>,
    pub(super) entities: Vec<(Role, usize)>,
    pub(super) others: Vec<usize>,
    /// Columns that tell the outcome, by name.
    pub(super) left_out: Vec<String>,
    /// Names that more than one column has.
    pub(super) repeated: BTreeSet<String>,
}

impl Places {
    pub(super) fn find(names: &[String], columns: &Columns) -> Result<Self, EvaluateError> {
        let find = |name: &str, flag: &'static str| {
            place_of(names, name).ok_or_else(|| EvaluateError::NoColumn {
                name: name.to_owned(),
                there: listed(names),
                flag,
            })
        };
        let time = find(&columns.time, "--time")?;
        let label = find(&columns.label, "--label")?;
        let ignored = columns.ignored.iter().map(|name| find(name, "--ignore"));
        let ignored: Vec<usize> = ignored.collect::<Result<_, _>>()?;
        let by_default = |name: &str| {
            let is_free = |place: &usize| *place != time && *place != label;
            place_of(names, name).filter(|place| is_free(place) && !ignored.contains(place))
        };
        let amount = match &columns.amount {
            Some(name) => Some(find(name, "--amount")?),
            None => by_default("amount"),
        };
        let entity = |(role, name): &(Role, String)| {
            Ok::<_, EvaluateError>((*role, find(name, "--entity")?))
        };
        let named = columns.entities.iter().map(entity);
        let mut entities: Vec<(Role, usize)> = named.collect::<Result<_, _>>()?;
        if entities.is_empty() {
            let found = |role: Role| Some((role, by_default(role.name())?));
            entities = Role::ALL.into_iter().filter_map(found).collect();
        }
        let is_repeated = |place: &usize| {
            let name = &names[*place];
            !name.is_empty() && names[..*place].contains(name)
        };
        let outcomes = columns.outcomes.iter().map(|name| place_of(names, name));
        let outcomes: Vec<usize> = outcomes.collect::<Option<_>>().unwrap_or_default();
        let is_other = |place: &usize| {
            ![Some(time), Some(label), amount].contains(&Some(*place))
                && !entities.iter().any(|(_, other)| other == place)
                && !ignored.contains(place)
                && !is_repeated(place)
        };
        let others = (0..names.len()).filter(is_other);
        let (left_out, others): (Vec<usize>, Vec<usize>) =
            others.partition(|place| outcomes.contains(place));
        let called = |place: usize| names[place].clone();
        let repeated = (0..names.len()).filter(is_repeated).map(called).collect();
        Ok(Self {
            time,
            label,
            fraud: columns.fraud.clone(),
            amount,
            entities,
            others,
            left_out: left_out.into_iter().map(called).collect(),
            repeated,
        })
    }
}

/// Where the first column of a name is.
fn place_of(names: &[String], name: &str) -> Option<usize> {
    let exactly = names.iter().position(|other| other == name);
    let is_alike = |other: &String| other.eq_ignore_ascii_case(name.trim());
    exactly.or_else(|| names.iter().position(is_alike))
}
