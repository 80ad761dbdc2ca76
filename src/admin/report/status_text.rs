//! Writes the status for people: the worst mirrors first, and a cause that many share once.
//!
//! A screen has 24 lines. With more mirrors than fit, mirrors without problems are only counted,
//! and so are mirrors whose only problem is a shared cause; `--all` shows every mirror.

use std::collections::HashMap;

use super::mirror_status::{SiteQuestion, StatusLine, share};
use super::trace;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::mirror_trace::StoredTrace;
use crate::domain::mirror::MirrorKind;
use crate::domain::order::ShortList;
use crate::domain::time::age;
use crate::program::table::TextTable;

/// Lines of the table, head included; with causes and sums they fit a screen of 24 lines.
const ROWS_MAX: usize = 15;

/// A cause that so many mirrors share is shown once for all of them.
const SHARED_MIN: usize = 4;

/// Number of shared causes that are shown; each mirror may have a cause of its own.
const SHARED_MAX: usize = 4;

/// Number of names behind a shared cause.
const NAMES_SHOWN: usize = 2;

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";

/// Writes causes, table and sums.
pub(super) fn write_status(
    session: &mut Session,
    lines: &[StatusLine],
    site: &SiteQuestion<'_>,
    shows_all: bool,
) -> Result<(), AdminError> {
    let is_cut = !shows_all && lines.len() > ROWS_MAX;
    let shared = match is_cut {
        true => shared_causes(lines),
        false => Vec::new(),
    };
    for (cause, names) in &shared {
        session
            .console
            .painted_line(YELLOW, &shared_line(cause, names))?;
    }
    let has_own = |line: &&StatusLine| {
        let mut own = line.reasons.iter();
        let is_shared = |reason: &String| shared.iter().any(|(cause, _)| cause == reason);
        !is_cut || line.needs_attention && !own.all(is_shared)
    };
    let own: Vec<&StatusLine> = lines.iter().filter(has_own).collect();
    let causes: Vec<&str> = shared.iter().map(|(cause, _)| *cause).collect();
    let shown = match is_cut {
        true => write_short(session, &own, &causes)?,
        false => {
            write_whole(session, &own, site)?;
            own.len()
        }
    };
    let more = own.len() - shown;
    if more > 0 {
        let line = format!(" … and {more} more that need attention");
        session.console.line(line)?;
    }
    session.console.line(site.https.text())?;
    session.console.line(sums(lines, site))?;
    for (period, rate) in ["24 hours", "30 days"].iter().zip(&site.misdirection) {
        if rate.followed > 0 {
            session.console.line(format!("{period}: {}", rate.text()))?;
        }
    }
    if is_cut {
        let hint = "--all shows every mirror; `heliostat status MIRROR` shows one";
        session.console.line(hint)?;
    }
    Ok(())
}

/// Causes that many mirrors have, the most frequent first, with the mirrors' names.
fn shared_causes(lines: &[StatusLine]) -> Vec<(&str, Vec<&str>)> {
    let mut mirrors: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in lines {
        for reason in &line.reasons {
            mirrors.entry(reason).or_default().push(&line.identifier);
        }
    }
    let mut shared: Vec<(&str, Vec<&str>)> = mirrors.into_iter().collect();
    shared.retain(|(_, names)| names.len() >= SHARED_MIN);
    shared.order_by(|a, b| (b.1.len(), a.0).cmp(&(a.1.len(), b.0)));
    shared.truncate(SHARED_MAX);
    shared
}

fn shared_line(cause: &str, names: &[&str]) -> String {
    let first = names[..names.len().min(NAMES_SHOWN)].join(", ");
    format!("{} mirrors: {cause} ({first}, …)", names.len())
}

/// Writes the problems of the first mirrors, as many as fit; returns their number.
fn write_short(
    session: &mut Session,
    rows: &[&StatusLine],
    shared: &[&str],
) -> Result<usize, AdminError> {
    for count in (1..=rows.len().min(ROWS_MAX)).rev() {
        let mut table = TextTable::new(["mirror", "state", "why"]);
        for line in &rows[..count] {
            let mut own = line.reasons.iter();
            let own = own.find(|reason| !shared.contains(&reason.as_str()));
            let why = own.map_or("", String::as_str);
            table.add_row([&line.identifier, line.state, why]);
        }
        let text = table.text([]);
        // Wrapped rows take more than a line.
        if count == 1 || text.lines().count() <= ROWS_MAX {
            paint(session, &text, &rows[..count])?;
            return Ok(count);
        }
    }
    Ok(0)
}

/// Writes all facts about the mirrors.
fn write_whole(
    session: &mut Session,
    rows: &[&StatusLine],
    site: &SiteQuestion<'_>,
) -> Result<(), AdminError> {
    let has_past = rows.iter().any(|line| line.past.is_some());
    let mut head = vec!["mirror", "state", "coverage", "outdated"];
    head.extend(["scanned", "by", "probed", "trace"]);
    head.extend(has_past.then_some("30 days"));
    head.push("why");
    let mut table = TextTable::new(head);
    for line in rows {
        table.add_row(cells(line, site, has_past));
    }
    paint(session, &table.text(2..=4), rows)
}

/// Writes a table, each row in the colour of its state. A row may be wrapped: its colour goes on to
/// the next one's name.
fn paint(session: &mut Session, text: &str, rows: &[&StatusLine]) -> Result<(), AdminError> {
    let mut colour = "";
    for text in text.lines() {
        let mut words = text.split_whitespace();
        let names = [words.next(), words.next()];
        let of = |line: &&&StatusLine| names.contains(&Some(line.identifier.as_str()));
        if let Some(line) = rows.iter().find(of) {
            colour = match line.badness() {
                0 => RED,
                1 | 2 => YELLOW,
                _ => "",
            };
        }
        session.console.painted_line(colour, text)?;
    }
    Ok(())
}

fn cells(line: &StatusLine, site: &SiteQuestion<'_>, has_past: bool) -> Vec<String> {
    let none = || "-".to_owned();
    let (scanned, by) = match &line.learnt {
        Some((at, by)) => (age(site.now, *at), by.clone()),
        None => (none(), none()),
    };
    let known = line.current + line.outdated;
    let of_cache = |share: String| match line.kind {
        MirrorKind::Mirror => share,
        MirrorKind::Cache => none(),
    };
    let why = line.reasons.iter().chain(&line.notes);
    let why: Vec<&str> = why.map(String::as_str).collect();
    let mut row = vec![
        line.identifier.clone(),
        line.state.to_owned(),
        of_cache(percent(line.current, site.files.len())),
        of_cache(percent(line.outdated, known)),
        scanned,
        by,
        line.probed_at.map_or_else(none, |at| age(site.now, at)),
        traced(line, site),
    ];
    row.extend(has_past.then(|| line.past.map_or_else(none, |past| past.shown())));
    row.push(why.join("; "));
    row
}

/// How many mirrors are in which state.
fn sums(lines: &[StatusLine], site: &SiteQuestion<'_>) -> String {
    let attention = lines.iter().filter(|line| line.needs_attention).count();
    let states = ["up", "partly", "down", "disabled"].map(|state| {
        let count = lines.iter().filter(|line| line.state == state).count();
        (count > 0).then(|| format!("{count} {state}"))
    });
    let states: Vec<String> = states.into_iter().flatten().collect();
    let states = match states.is_empty() {
        true => String::new(),
        false => format!(" ({})", states.join(", ")),
    };
    let (mirrors, files) = (lines.len(), site.files.len());
    format!("{mirrors} mirrors{states}, {attention} need attention; {files} files")
}

/// The statements of a mirror's own trace.
fn traced(line: &StatusLine, site: &SiteQuestion<'_>) -> String {
    let said = |stored: &StoredTrace| trace::said(&stored.trace, site.generation, site.now);
    let said = line.trace.as_ref().map(said);
    let said = said.filter(|said| !said.is_empty());
    said.unwrap_or_else(|| "-".to_owned())
}

fn percent(part: u64, whole: u64) -> String {
    share(part, whole).map_or("-".to_owned(), |share| format!("{share:.1} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_one_digit() {
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "-");
    }
}
