//! Shows sums: as a table with bars, as JSON, or as CSV.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};

use serde_json::{Map, Value, json};

use super::args::{StatsAction, SumArgs, UnitArg};
use super::chart::{bar, bytes_text, sparkline};
use super::range::{day_text, days, period_text, span};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::stats::sums::{SumRow, SumSpan, SumSubject, SumUnit, course, largest, total};
use crate::db::stats::{StatsReader, open_stats_reader};
use crate::program::exit::Exit;
use crate::program::table::TextTable;

/// Characters of a bar.
const BAR_CELLS: usize = 20;

/// Characters of a sparkline.
const COURSE_CELLS: usize = 31;

/// A table that is shown.
struct SumTable {
    subject: SumSubject,
    span: SumSpan,
    days: (i64, i64),
    total: Vec<i64>,
    /// With a period each if `--by` asks for that.
    rows: Vec<(Option<i64>, SumRow)>,
    /// The course of each row, for a terminal.
    courses: BTreeMap<Vec<String>, Vec<i64>>,
}

/// Shows a table of sums.
///
/// # Errors
/// Returns [`AdminError::Usage`] for dates that cannot be read, and [`AdminError::Db`] if the
/// statistics cannot.
pub(super) fn report(session: &mut Session, action: &StatsAction) -> Result<Exit, AdminError> {
    let Some((subject, args)) = asked(action) else {
        return Ok(Exit::Usage);
    };
    let unit = args.by.map(|by| match by {
        UnitArg::Hour => SumUnit::Hour,
        UnitArg::Day => SumUnit::Day,
        UnitArg::Month => SumUnit::Month,
    });
    if unit == Some(SumUnit::Hour) && !subject.has_hours() {
        let text = "there are no sums of hours for this table; use --by day";
        return Err(AdminError::Usage(text.to_owned()));
    }
    let days = days(args.from.as_deref(), args.to.as_deref(), session.now)?;
    let reader = open_stats_reader(&session.site.stats.database)?;
    let span = span(subject, unit, days, session.now);
    let shown = read(&reader, (subject, args), span, days)?;
    match (args.json, args.csv) {
        (true, _) => session.console.json(&json_of(&shown))?,
        (_, true) => session.console.exact(&csv_of(&shown)?)?,
        _ => show(session, &shown)?,
    }
    Ok(Exit::Ok)
}

fn asked(action: &StatsAction) -> Option<(SumSubject, &SumArgs)> {
    match action {
        StatsAction::Collect(_) | StatsAction::Import(_) => None,
        StatsAction::Files(args) => Some((SumSubject::Files, args)),
        StatsAction::Mirrors(args) => Some((SumSubject::Mirrors, args)),
        StatsAction::Countries(args) => Some((SumSubject::Countries, args)),
        StatsAction::As(args) => Some((SumSubject::Networks, args)),
        StatsAction::Products(args) => Some((SumSubject::Products, args)),
        StatsAction::Reasons(args) => Some((SumSubject::Reasons, args)),
        StatsAction::Efficiency(args) => Some((SumSubject::Efficiency, args)),
        StatsAction::Columns(args) => Some((SumSubject::Columns, args)),
    }
}

fn read(
    reader: &StatsReader,
    (subject, args): (SumSubject, &SumArgs),
    span: SumSpan,
    days: (i64, i64),
) -> Result<SumTable, AdminError> {
    let total = total(reader, subject, (span, None))?;
    let top = largest(reader, subject, (span, None), args.top)?;
    let mut courses: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    let mut rows = Vec::new();
    let is_drawn = stdout().is_terminal() && !args.json && !args.csv;
    if args.by.is_some() || is_drawn {
        let length = periods(span).len();
        courses.extend(top.iter().map(|row| (row.names.clone(), vec![0; length])));
        let mut index = BTreeMap::new();
        index.extend(periods(span).into_iter().enumerate().map(|(i, p)| (p, i)));
        course(reader, subject, (span, None), |period, row| {
            let Some(values) = courses.get_mut(&row.names) else {
                return;
            };
            if let Some(at) = index.get(&period) {
                values[*at] = row.numbers.first().copied().unwrap_or(0);
            }
            if args.by.is_some() {
                rows.push((Some(period), row));
            }
        })?;
    }
    if args.by.is_none() {
        rows = top.into_iter().map(|row| (None, row)).collect();
    }
    Ok(SumTable {
        subject,
        span,
        days,
        total,
        rows,
        courses,
    })
}

/// All periods of a span.
fn periods(span: SumSpan) -> Vec<i64> {
    let all = span.first..=span.last;
    match span.unit {
        SumUnit::Month => all
            .filter(|month| (1..=12).contains(&(month % 100)))
            .collect(),
        _ => all.collect(),
    }
}

impl SumTable {
    /// First and last moment; months are whole.
    fn ends(&self) -> (String, String) {
        match self.span.unit {
            SumUnit::Month => (
                period_text(SumUnit::Month, self.span.first),
                period_text(SumUnit::Month, self.span.last),
            ),
            _ => (day_text(self.days.0), day_text(self.days.1)),
        }
    }

    fn percent(&self, row: &SumRow) -> f64 {
        let all = self.total.first().copied().unwrap_or(0).max(1);
        let part = row.numbers.first().copied().unwrap_or(0);
        (part as f64 / all as f64 * 10_000.0).round() / 100.0
    }
}

/// The name of a row for people.
fn name_text(subject: SumSubject, name: &str) -> String {
    match (subject, name) {
        (SumSubject::Mirrors, "") => "(served here)".to_owned(),
        (SumSubject::Networks, "0") => "(unknown or small)".to_owned(),
        (SumSubject::Networks, number) => format!("AS{number}"),
        (_, name) => name.to_owned(),
    }
}

fn json_of(shown: &SumTable) -> Value {
    let (from, to) = shown.ends();
    let items = shown.rows.iter().enumerate().map(|(index, (period, row))| {
        let mut item = Map::new();
        item.insert("number".to_owned(), json!(index + 1));
        if let Some(period) = period {
            let unit = shown.span.unit;
            item.insert(unit.as_str().to_owned(), json!(period_text(unit, *period)));
        }
        for (key, name) in shown.subject.names().iter().zip(&row.names) {
            item.insert((*key).to_owned(), json!(name));
        }
        for (key, number) in shown.subject.numbers().iter().zip(&row.numbers) {
            item.insert((*key).to_owned(), json!(number));
        }
        item.insert("percent".to_owned(), json!(shown.percent(row)));
        Value::Object(item)
    });
    json!({
        "from": from,
        "to": to,
        "unit": shown.span.unit.as_str(),
        "total_count": shown.total.first(),
        "items": items.collect::<Vec<_>>(),
    })
}

/// The rows as RFC 4180 has them, with a head.
fn csv_of(shown: &SumTable) -> Result<Vec<u8>, AdminError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let unit = shown.span.unit;
    let has_period = shown
        .rows
        .first()
        .is_some_and(|(period, _)| period.is_some());
    let period_name = has_period.then(|| unit.as_str());
    let names = shown.subject.names().iter().chain(shown.subject.numbers());
    let head = period_name.into_iter().chain(names.copied());
    writer.write_record(head).map_err(std::io::Error::other)?;
    for (period, row) in &shown.rows {
        let period = period.map(|period| period_text(unit, period));
        let numbers = row.numbers.iter().map(i64::to_string);
        let fields = period.into_iter().chain(row.names.iter().cloned());
        let record: Vec<String> = fields.chain(numbers).collect();
        writer.write_record(record).map_err(std::io::Error::other)?;
    }
    let bytes = writer.into_inner();
    bytes.map_err(|error| AdminError::Console(std::io::Error::other(error.to_string())))
}

fn show(session: &mut Session, shown: &SumTable) -> Result<(), AdminError> {
    let (from, to) = shown.ends();
    if shown.rows.is_empty() {
        log::warn!(
            "nothing was counted from {from} to {to}; `heliostat stats collect` adds what the \
             responder has counted"
        );
        return Ok(());
    }
    let unit = shown.span.unit;
    let by_period = shown
        .rows
        .first()
        .is_some_and(|(period, _)| period.is_some());
    // With a row per period, the period is what a bar belongs to.
    let is_drawn = !shown.courses.is_empty() && stdout().is_terminal();
    let mut head: Vec<&str> = Vec::new();
    head.extend(by_period.then(|| unit.as_str()));
    head.extend(shown.subject.names());
    let to_the_right = head.len();
    head.extend(shown.subject.numbers());
    head.push("%");
    let right = to_the_right..head.len();
    if is_drawn {
        head.push("");
        head.extend((!by_period).then_some("course"));
    }
    let mut table = TextTable::new(head);
    let largest = shown.rows.iter().filter_map(|(_, row)| row.numbers.first());
    let largest = largest.copied().max().unwrap_or(0);
    for (period, row) in &shown.rows {
        let mut cells: Vec<String> = Vec::new();
        cells.extend(period.map(|period| period_text(unit, period)));
        cells.extend(row.names.iter().map(|name| name_text(shown.subject, name)));
        for (name, number) in shown.subject.numbers().iter().zip(&row.numbers) {
            cells.push(match *name {
                "bytes" => bytes_text(*number),
                _ => number.to_string(),
            });
        }
        cells.push(format!("{:.1}", shown.percent(row)));
        if is_drawn {
            let first = row.numbers.first().copied().unwrap_or(0);
            cells.push(bar(first, largest, BAR_CELLS));
            let values = shown.courses.get(&row.names);
            cells.extend((!by_period).then(|| {
                values.map_or_else(String::new, |values| sparkline(values, COURSE_CELLS))
            }));
        }
        table.add_row(cells);
    }
    session.console.line(format!("{from} to {to} (UTC)"))?;
    session.console.line(table.text(right))
}
