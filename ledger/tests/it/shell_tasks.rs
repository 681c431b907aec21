//! A small machine for the tests of the shell: tasks that are opened, fall due and are finished.
//! It has everything a machine can have (due things, finished things that leave memory, defects on
//! demand) and nothing else, so that what is tested is the shell.

use std::collections::{BTreeMap, BTreeSet};

use ledger::shell::sql::{Connection, Query};
use ledger::shell::{Column, Growth, Rows, Seen, Table, Value, View};
use ledger::{Answer, Cold, Machine, Moment, Refusable, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Opens a task with an amount; it falls due after so many nanoseconds.
    Open {
        task: u64,
        amount: i64,
        due_in: Option<u64>,
    },
    Finish(u64),
    /// A question: how does the task stand?
    Look(u64),
    /// A question: the sum of all amounts, and how many tasks fell due.
    Total,
    /// A defect in deciding.
    PanicInDecide,
    /// A defect in folding.
    PanicInEvolve,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Happened {
    Opened {
        task: u64,
        amount: i64,
        due: Option<Timestamp>,
    },
    /// The after-image, for the views and for those who bring it back.
    Finished {
        task: u64,
        row: Finished,
    },
    Bomb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) amount: i64,
    pub(crate) by_due: bool,
    pub(crate) changed_in: Sequence,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    Opened,
    Finished(i64),
    Open(i64),
    Unknown,
    Exists,
    Total { amount: i64, due: u64 },
}

impl Refusable for Said {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Unknown | Self::Exists)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tasks {
    open: BTreeMap<u64, (i64, Option<Timestamp>)>,
    due: BTreeSet<(Timestamp, u64)>,
    finished: BTreeMap<u64, Finished>,
    total: i64,
    fell_due: u64,
    evicted_through: Sequence,
}

impl Tasks {
    pub(crate) fn total(&self) -> i64 {
        self.total
    }

    /// How a task that is not open stands: finished, not there at all, or to be looked up.
    fn settled(&self, task: u64, cold: &Cold<u64, Finished>) -> Result<Option<Finished>, u64> {
        if let Some(finished) = self.finished.get(&task) {
            return Ok(Some(*finished));
        }
        if self.evicted_through == Sequence(0) {
            return Ok(None);
        }
        cold.rows.get(&task).copied().ok_or(task)
    }
}

impl Machine for Tasks {
    type Command = Ask;
    type Event = Happened;
    type Outcome = Said;
    type Key = u64;
    type Row = Finished;

    fn decide(
        &self,
        at: Timestamp,
        ask: &Ask,
        cold: &Cold<u64, Finished>,
        events: &mut Vec<Happened>,
    ) -> Answer<Said, u64> {
        let said = match *ask {
            Ask::Open {
                task,
                amount,
                due_in,
            } => {
                if self.open.contains_key(&task) {
                    return Answer::Decided(Said::Exists);
                }
                match self.settled(task, cold) {
                    Err(key) => return Answer::Missing(vec![key]),
                    Ok(Some(_)) => Said::Exists,
                    Ok(None) => {
                        let due = due_in.map(|nanos| at.plus_nanos(nanos));
                        events.push(Happened::Opened { task, amount, due });
                        Said::Opened
                    }
                }
            }
            Ask::Finish(task) => match self.open.get(&task) {
                None => Said::Unknown,
                Some((amount, _)) => {
                    let row = Finished {
                        amount: *amount,
                        by_due: false,
                        changed_in: Sequence(0),
                    };
                    events.push(Happened::Finished { task, row });
                    Said::Finished(*amount)
                }
            },
            Ask::Look(task) => match self.open.get(&task) {
                Some((amount, _)) => Said::Open(*amount),
                None => match self.settled(task, cold) {
                    Err(key) => return Answer::Missing(vec![key]),
                    Ok(found) => {
                        found.map_or(Said::Unknown, |finished| Said::Finished(finished.amount))
                    }
                },
            },
            Ask::Total => Said::Total {
                amount: self.total,
                due: self.fell_due,
            },
            Ask::PanicInDecide => panic!("a defect in deciding, on demand"),
            Ask::PanicInEvolve => {
                events.push(Happened::Bomb);
                Said::Opened
            }
        };
        Answer::Decided(said)
    }

    fn evolve(&mut self, moment: Moment, event: &Happened) {
        match event {
            Happened::Opened { task, amount, due } => {
                self.total += amount;
                self.open.insert(*task, (*amount, *due));
                if let Some(due) = due {
                    self.due.insert((*due, *task));
                }
            }
            Happened::Finished { task, row } => {
                if let Some((_, Some(due))) = self.open.remove(task) {
                    self.due.remove(&(due, *task));
                }
                self.fell_due += u64::from(row.by_due);
                let changed_in = moment.sequence;
                self.finished.insert(*task, Finished { changed_in, ..*row });
            }
            Happened::Bomb => panic!("a defect in folding, on demand"),
        }
    }

    fn due(&self, at: Timestamp, limit: usize, events: &mut Vec<Happened>) {
        let due = self.due.iter().take_while(|(due, _)| *due <= at);
        events.extend(due.take(limit).map(|(_, task)| Happened::Finished {
            task: *task,
            row: Finished {
                amount: self.open[task].0,
                by_due: true,
                changed_in: Sequence(0),
            },
        }));
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.due.iter().next().map(|(due, _)| *due)
    }

    fn evict(&mut self, through: Sequence) {
        self.finished
            .retain(|_, finished| finished.changed_in > through);
        self.evicted_through = self.evicted_through.max(through);
    }
}

pub(crate) static TASKS: Table = Table {
    name: "tasks",
    columns: &[
        Column::integer("task"),
        Column::integer("amount"),
        Column::integer("finished"),
        Column::integer("by_due"),
        Column::integer("changed_in"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

#[derive(Debug, Default)]
pub(crate) struct TasksView;

impl View<Tasks> for TasksView {
    fn tables(&self) -> Vec<&'static Table> {
        vec![&TASKS]
    }

    fn fold(&mut self, seen: Seen, event: &Happened, _machine: &Tasks, rows: &mut Rows) {
        let changed_in: Value = seen.moment.sequence.0.into();
        match event {
            Happened::Opened { task, amount, .. } => rows.put(
                &TASKS,
                [
                    (*task).into(),
                    (*amount).into(),
                    false.into(),
                    false.into(),
                    changed_in,
                ],
            ),
            Happened::Finished { task, row } => rows.put(
                &TASKS,
                [
                    (*task).into(),
                    row.amount.into(),
                    true.into(),
                    row.by_due.into(),
                    changed_in,
                ],
            ),
            Happened::Bomb => {}
        }
    }

    async fn cold(
        connection: &mut Connection<'_>,
        keys: &[u64],
    ) -> Result<BTreeMap<u64, Option<Finished>>, sqlx::Error> {
        let mut found = BTreeMap::new();
        for key in keys {
            let query = Query::new(
                "select amount, by_due, changed_in from tasks where task = $1 and finished = 1",
            )
            .bind(*key);
            let row: Option<(i64, bool, u64)> = connection.first_as(query).await?;
            let row = row.map(|(amount, by_due, changed_in)| Finished {
                amount,
                by_due,
                changed_in: Sequence(changed_in),
            });
            found.insert(*key, row);
        }
        Ok(found)
    }
}
