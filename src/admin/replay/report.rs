//! Writes the sums of a replay, for people and as JSON.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::judge::AnswerKind;
use super::tally::{AnswerColumn, ReplayTally, Traffic};
use crate::domain::document::mirror_list::readable_size;
use crate::domain::order::ShortList;
use crate::program::table::TextTable;

/// Mirrors in the table for people; `--json` has all.
const MIRRORS_SHOWN: usize = 40;
/// Lines of a table of reasons.
const REASONS_SHOWN: usize = 30;

/// Content of the report.
pub(super) struct ReplayReport<'r> {
    pub tally: &'r ReplayTally,
    /// The logs by their numbers.
    pub logs: &'r [PathBuf],
    /// Whether there is a world of `--against` or `--without`.
    pub has_then: bool,
    /// Problems with reading.
    pub problems: &'r [String],
}

impl ReplayReport<'_> {
    /// Names of the columns with their sums.
    fn columns(&self) -> Vec<(&'static str, &AnswerColumn)> {
        let mut columns = vec![("log", &self.tally.logged), ("now", &self.tally.now)];
        if self.has_then {
            columns.push(("then", &self.tally.then));
        }
        columns
    }

    pub(super) fn to_json(&self) -> Value {
        let tally = self.tally;
        let unread = tally.unread.first.iter();
        let unread = unread.map(
            |line| json!({ "file": self.file(line.file), "line": line.line, "text": line.text }),
        );
        let mut columns = Map::new();
        for (name, column) in self.columns() {
            columns.insert(name.to_owned(), column_json(column));
        }
        json!({
            "lines": tally.lines,
            "from": tally.first_at.map(|at| at.to_string()),
            "to": tally.last_at.map(|at| at.to_string()),
            "decided": tally.decided,
            "left_out": tally.left_out,
            "unread": { "lines": tally.unread.count, "first": unread.collect::<Vec<_>>() },
            "answers": columns,
            "changes": changes(tally).into_iter().map(|(from, to, why, traffic)| json!({
                "from": from, "to": to, "why": why,
                "requests": traffic.requests, "bytes": traffic.bytes,
            })).collect::<Vec<_>>(),
            "same_mirror": tally.same_mirror,
            "other_mirror": sorted(&tally.mirror_changes).into_iter().map(|(why, traffic)| json!({
                "why": why, "requests": traffic.requests, "bytes": traffic.bytes,
            })).collect::<Vec<_>>(),
            "problems": self.problems,
        })
    }

    fn file(&self, number: usize) -> String {
        let file = self.logs.get(number);
        file.map(|file| file.display().to_string())
            .unwrap_or_default()
    }
}

fn column_json(column: &AnswerColumn) -> Value {
    let redirected = column.of_kind(AnswerKind::Redirected);
    let mut answers: Vec<_> = column.answers.iter().collect();
    answers.order_by_key(|((kind, reason), _)| (*kind, *reason));
    let mirrors = sorted(&column.mirrors).into_iter();
    let mirrors = mirrors.map(|(name, traffic)| {
        json!({ "mirror": name, "requests": traffic.requests, "bytes": traffic.bytes })
    });
    json!({
        "redirected": redirected.requests,
        "redirected_share": share(redirected.requests, column.all().requests),
        "bytes_moved_off": redirected.bytes,
        "median_km": column.median_km(),
        "leaves_country_share": share(column.countries_left, column.countries_known),
        "by_reason": answers.into_iter().map(|((kind, reason), traffic)| json!({
            "answer": kind.as_str(), "why": reason,
            "requests": traffic.requests, "bytes": traffic.bytes,
        })).collect::<Vec<_>>(),
        "mirrors": mirrors.collect::<Vec<_>>(),
    })
}

/// Writes all for people.
pub(super) fn write_text(out: &mut impl Write, report: &ReplayReport<'_>) -> io::Result<()> {
    let tally = report.tally;
    writeln!(out, "lines      {}{}", tally.lines, span(tally))?;
    writeln!(out, "decided    {}", tally.decided)?;
    let mut left_out: Vec<_> = tally.left_out.iter().collect();
    left_out.sort();
    for (why, count) in left_out {
        writeln!(out, "left out   {count}: {why}")?;
    }
    if tally.unread.count > 0 {
        writeln!(
            out,
            "not read   {}, of another format; the first:",
            tally.unread.count
        )?;
    }
    for line in &tally.unread.first {
        writeln!(
            out,
            "           {}:{}: {}",
            report.file(line.file),
            line.line,
            line.text
        )?;
    }
    write_sums(out, report)?;
    write_reasons(out, report)?;
    write_changes(out, report)?;
    write_mirrors(out, report)
}

fn span(tally: &ReplayTally) -> String {
    match (tally.first_at, tally.last_at) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    }
}

fn write_sums(out: &mut impl Write, report: &ReplayReport<'_>) -> io::Result<()> {
    let columns = report.columns();
    let mut table = TextTable::new(
        [""].into_iter()
            .chain(columns.iter().map(|(name, _)| *name)),
    );
    type Cell = fn(&AnswerColumn) -> String;
    let rows: [(&str, Cell); 6] = [
        ("redirected", |column| {
            of_all(column, AnswerKind::Redirected)
        }),
        ("served here", |column| of_all(column, AnswerKind::Served)),
        ("404", |column| of_all(column, AnswerKind::Missing)),
        ("moved off this host", |column| {
            readable_size(column.of_kind(AnswerKind::Redirected).bytes)
        }),
        ("median distance", |column| {
            let km = column.median_km();
            km.map_or_else(|| "-".to_owned(), |km| format!("{km} km"))
        }),
        ("leave their country", |column| {
            percent(column.countries_left, column.countries_known)
        }),
    ];
    for (label, cell) in rows {
        let cells = columns.iter().map(|(_, column)| cell(column));
        table.add_row(
            std::iter::once(label.to_owned())
                .chain(cells)
                .collect::<Vec<_>>(),
        );
    }
    writeln!(out, "\n{}", table.text(1..=columns.len()))
}

fn of_all(column: &AnswerColumn, kind: AnswerKind) -> String {
    percent(column.of_kind(kind).requests, column.all().requests)
}

/// Why requests are not redirected.
fn write_reasons(out: &mut impl Write, report: &ReplayReport<'_>) -> io::Result<()> {
    let name = if report.has_then { "then" } else { "now" };
    let columns = report.columns();
    let column = columns.last().map(|(_, column)| *column);
    let Some(column) = column.filter(|column| !column.answers.is_empty()) else {
        return Ok(());
    };
    let mut answers: Vec<_> = column.answers.iter().collect();
    answers.order_by_key(|(key, traffic)| (u64::MAX - traffic.requests, **key));
    let mut table = TextTable::new([name, "requests", "share", "why"]);
    let all = column.all().requests;
    for ((kind, reason), traffic) in answers.into_iter().take(REASONS_SHOWN) {
        table.add_row([
            kind.as_str().to_owned(),
            traffic.requests.to_string(),
            percent(traffic.requests, all),
            (*reason).to_owned(),
        ]);
    }
    writeln!(out, "\n{}", table.text(1..=2))
}

fn write_changes(out: &mut impl Write, report: &ReplayReport<'_>) -> io::Result<()> {
    let tally = report.tally;
    let name = if report.has_then {
        "now -> then"
    } else {
        "log -> now"
    };
    let mut table = TextTable::new([name, "requests", "size", "why"]);
    let mut is_empty = true;
    for (from, to, why, traffic) in changes(tally).into_iter().take(REASONS_SHOWN) {
        is_empty = false;
        table.add_row([
            format!("{from} -> {to}"),
            traffic.requests.to_string(),
            readable_size(traffic.bytes),
            why.to_owned(),
        ]);
    }
    for (why, traffic) in sorted(&tally.mirror_changes) {
        is_empty = false;
        table.add_row([
            "another mirror".to_owned(),
            traffic.requests.to_string(),
            readable_size(traffic.bytes),
            format!("the earlier one: {why}"),
        ]);
    }
    if is_empty {
        return writeln!(out, "\n{name}: no answer is of another kind");
    }
    writeln!(out, "\n{}", table.text(1..=2))
}

fn write_mirrors(out: &mut impl Write, report: &ReplayReport<'_>) -> io::Result<()> {
    let columns = report.columns();
    let names: BTreeSet<&str> = columns
        .iter()
        .flat_map(|(_, column)| column.mirrors.keys().map(String::as_str))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let (_, last) = columns[columns.len() - 1];
    let requests = |column: &AnswerColumn, name: &str| {
        column
            .mirrors
            .get(name)
            .copied()
            .unwrap_or_default()
            .requests
    };
    let mut names: Vec<&str> = names.into_iter().collect();
    names.order_by_key(|name| u64::MAX - requests(last, name));
    let head = columns.iter().flat_map(|(name, _)| [*name, "share"]);
    let mut table = TextTable::new(["mirror"].into_iter().chain(head).chain(["size"]));
    for name in names.iter().take(MIRRORS_SHOWN) {
        let mut row = vec![(*name).to_owned()];
        for (_, column) in &columns {
            let count = requests(column, name);
            let all = column.of_kind(AnswerKind::Redirected).requests;
            row.extend([count.to_string(), percent(count, all)]);
        }
        let traffic = last.mirrors.get(*name).copied().unwrap_or_default();
        row.push(readable_size(traffic.bytes));
        table.add_row(row);
    }
    writeln!(out, "\n{}", table.text(1..=2 * columns.len() + 1))?;
    let more = names.len().saturating_sub(MIRRORS_SHOWN);
    if more > 0 {
        writeln!(out, "{more} further mirrors: --json has all")?;
    }
    Ok(())
}

/// Changes of kind, the most frequent first.
fn changes(tally: &ReplayTally) -> Vec<(&'static str, &'static str, &'static str, Traffic)> {
    let mut changes: Vec<_> = tally.changes.iter().collect();
    changes.order_by_key(|(key, traffic)| (u64::MAX - traffic.requests, **key));
    let named = changes
        .into_iter()
        .map(|((from, to, why), traffic)| (from.as_str(), to.as_str(), *why, *traffic));
    named.collect()
}

/// Entries by requests, the most first.
fn sorted<K: AsRef<str> + Ord>(entries: &HashMap<K, Traffic>) -> Vec<(&str, Traffic)> {
    let entries = entries.iter();
    let mut entries: Vec<_> = entries
        .map(|(key, traffic)| (key.as_ref(), *traffic))
        .collect();
    entries.order_by_key(|(key, traffic)| (u64::MAX - traffic.requests, *key));
    entries
}

fn share(part: u64, whole: u64) -> Value {
    match whole {
        0 => Value::Null,
        whole => json!(part as f64 / whole as f64),
    }
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}
