//! The euro reference rates of the European Central Bank: CSV and XML, one day or all history.
//!
//! What: both formats give units of each currency per euro, by date, newest first. The CSV has a
//! trailing comma on every line and `N/A` where a currency has no rate; the XML leaves those out
//! and nests its dates in elements that are all called `Cube`.
//!
//! How a fixing is dated: the prices are taken at 14:15 in Frankfurt and published around 16:00, on
//! every day that the TARGET payment system is open. A tick carries 13:15 UTC of its date, which is
//! the snapshot in winter, an hour after it in summer, and before the publication always.
//!
//! Limits: the bank publishes the rates for information and discourages using them for
//! transactions. They fit valuation, reports and as a sanity check of an executable price; "Source:
//! ECB statistics".

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::currency::shown;
use crate::feed::{Feed, FeedError, LineProblem, Reading, Tick, limit};
use crate::{Currency, Day, Rate};

/// All history is two megabytes as CSV and seven as XML.
const BYTES_MAX: usize = 32 << 20;
/// Seconds after midnight, UTC, at which a fixing is dated.
const FIXING_SECOND: u32 = (13 * 60 + 15) * 60;
/// The name of this source in a book.
const SOURCE: &str = "ecb";

/// Reads `eurofxref.csv` and `eurofxref-hist.csv`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcbCsv;

/// Reads `eurofxref-daily.xml`, `eurofxref-hist-90d.xml` and `eurofxref-hist.xml`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcbXml;

impl Feed for EcbCsv {
    fn source(&self) -> &str {
        SOURCE
    }

    fn read(&mut self, text: &str) -> Result<Reading, FeedError> {
        limit(text, BYTES_MAX)?;
        let mut lines = text
            .lines()
            .zip(1_usize..)
            .filter(|(line, _)| !line.trim().is_empty());
        let (header, number) = lines.next().ok_or(FeedError::Empty)?;
        let mut fixings = Fixings::default();
        let columns = fixings
            .header(header)
            .map_err(|problem| problem.at(number))?;
        for (line, number) in lines {
            fixings
                .row(line, &columns)
                .map_err(|problem| problem.at(number))?;
        }
        fixings.finish()
    }
}

impl Feed for EcbXml {
    fn source(&self) -> &str {
        SOURCE
    }

    fn read(&mut self, text: &str) -> Result<Reading, FeedError> {
        limit(text, BYTES_MAX)?;
        let mut reader = Reader::from_str(text);
        let mut fixings = Fixings::default();
        let mut date = None;
        let mut open_elements = 0_usize;
        loop {
            let outcome = match reader.read_event() {
                Ok(Event::Start(element)) => {
                    open_elements += 1;
                    fixings.element(&element, &mut date)
                }
                Ok(Event::Empty(element)) => fixings.element(&element, &mut date),
                Ok(Event::End(_)) => {
                    open_elements = open_elements.saturating_sub(1);
                    Ok(())
                }
                Ok(Event::Eof) if open_elements == 0 => return fixings.finish(),
                Ok(Event::Eof) => Err(LineProblem::text("the text ends inside an element")),
                Ok(_) => Ok(()),
                Err(error) => Err(LineProblem::Text(error.to_string())),
            };
            outcome.map_err(|problem| {
                let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                problem.at(1 + text.bytes().take(read).filter(|&b| b == b'\n').count())
            })?;
        }
    }
}

/// The ticks read so far.
#[derive(Default)]
struct Fixings(Reading);

impl Fixings {
    /// The currency of each column after the date.
    fn header(&mut self, line: &str) -> Result<Vec<Option<Currency>>, LineProblem> {
        let mut names = fields(line);
        if names.next() != Some("Date") {
            return Err(LineProblem::text("the first column is not Date"));
        }
        Ok(names.map(|name| self.currency(name)).collect())
    }

    fn row(&mut self, line: &str, columns: &[Option<Currency>]) -> Result<(), LineProblem> {
        let mut fields = fields(line);
        let date = day(fields.next().unwrap_or_default())?;
        let (given, expected) = (fields.clone().count(), columns.len());
        if given != expected {
            let problem = format!("{given} rates after the date, the header has {expected}");
            return Err(LineProblem::Text(problem));
        }
        for (currency, rate) in columns.iter().zip(fields) {
            match currency {
                Some(currency) if rate != "N/A" => self.add(*currency, rate, date)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// One XML element: a date that holds for what follows, a rate, or something else.
    fn element(
        &mut self,
        cube: &BytesStart<'_>,
        date: &mut Option<Day>,
    ) -> Result<(), LineProblem> {
        if cube.local_name().as_ref() != "Cube" {
            return Ok(());
        }
        let (mut name, mut rate) = (None, None);
        for attribute in cube.attributes() {
            let attribute = attribute.map_err(|problem| LineProblem::Text(problem.to_string()))?;
            let value = attribute.value.into_owned();
            match attribute.key.as_ref() {
                "time" => *date = Some(day(&value)?),
                "currency" => name = Some(value),
                "rate" => rate = Some(value),
                _ => {}
            }
        }
        match (name, rate, *date) {
            (None, None, _) => Ok(()),
            (Some(name), Some(rate), Some(date)) => match self.currency(&name) {
                Some(currency) => self.add(currency, &rate, date),
                None => Ok(()),
            },
            (Some(_), Some(_), None) => Err(LineProblem::text("a rate before any date")),
            _ => Err(LineProblem::text(
                "a currency without a rate, or a rate without a currency",
            )),
        }
    }

    /// The currency of this name, which history may have withdrawn since.
    fn currency(&mut self, name: &str) -> Option<Currency> {
        let currency = Currency::historic(name).ok();
        let ignored = &mut self.0.ignored;
        if currency.is_none() && !ignored.iter().any(|known| *known == shown(name)) {
            ignored.push(shown(name));
        }
        currency
    }

    fn add(&mut self, quote: Currency, rate: &str, day: Day) -> Result<(), LineProblem> {
        let rate = Rate::parse(rate).map_err(|source| LineProblem::Rate {
            currency: quote,
            source,
        })?;
        let time = day.at(FIXING_SECOND);
        self.0.ticks.push(Tick {
            base: Currency::EUR,
            quote,
            bid: rate,
            ask: rate,
            time,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Reading, FeedError> {
        if self.0.ticks.is_empty() {
            return Err(FeedError::Empty);
        }
        self.0.ticks.sort_by_key(|tick| (tick.time, tick.quote));
        Ok(self.0)
    }
}

/// The fields of a line, without the empty one after its trailing comma.
fn fields(line: &str) -> impl Iterator<Item = &str> + Clone {
    let line = line.trim();
    line.strip_suffix(',')
        .unwrap_or(line)
        .split(',')
        .map(str::trim)
}

fn day(text: &str) -> Result<Day, LineProblem> {
    Day::parse(text).ok_or_else(|| LineProblem::Text(format!("{:?} is not a date", shown(text))))
}
