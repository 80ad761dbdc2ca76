//! Runs `logs`, and `runs` and `events` that follow: what happened, oldest first, as paragraphs
//! that fit the screen.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::run_text::{CLOCK_SLACK_S, mirror_id, name_of, names, run_json, took, what_of};
use crate::admin::args::LogsArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::event::EventRecord;
use crate::db::open::Queryable;
use crate::db::run::{RunKind, RunOutcome, RunRecord};
use crate::db::{event, run};
use crate::domain::mirror::MirrorId;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::program::clock::now;
use crate::program::exit::Exit;
use crate::program::signal::stop_flag;
use crate::program::table::{screen_columns, wrapped};

/// How often the database is asked for more.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether to end.
const FOLLOW_STEP: Duration = Duration::from_millis(100);

/// Rows that are read at a time while following: more in a second are left out.
const FOLLOW_ROWS: u32 = 200;

/// Columns below the time of an entry.
const INDENT: usize = 22;

const RED: &str = "\x1b[31m";

/// Which entries are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogQuestion<'a> {
    pub mirror: Option<&'a str>,
    pub kind: Option<RunKind>,
    pub has_runs: bool,
    pub has_events: bool,
    /// Only runs that did not do all they should.
    pub only_failed: bool,
    pub limit: u32,
}

/// A run or a change.
struct LogEntry {
    at: Timestamp,
    text: String,
    is_failed: bool,
    json: Value,
}

/// Shows runs and changes, and goes on with new ones if that is wanted.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read.
pub fn logs(session: &mut Session, args: &LogsArgs) -> Result<Exit, AdminError> {
    let question = LogQuestion {
        mirror: args.identifier.as_deref(),
        kind: None,
        has_runs: true,
        has_events: !args.failed,
        only_failed: args.failed,
        limit: args.limit,
    };
    if args.follow {
        return follow(session, &question);
    }
    let entries = entries(session, &question)?;
    if args.json {
        let values = entries.into_iter().map(|entry| entry.json).collect();
        session.console.json(&Value::Array(values))?;
    } else if entries.is_empty() {
        log::warn!("nothing is recorded yet; a scan, a probe or a change makes the first entry");
    } else {
        write(session, entries.iter())?;
    }
    Ok(Exit::Ok)
}

/// Shows the latest entries, then new ones as they come, until a signal ends that.
///
/// # Errors
/// As [`logs`].
pub(super) fn follow(
    session: &mut Session,
    question: &LogQuestion<'_>,
) -> Result<Exit, AdminError> {
    let stop = stop_flag()?;
    let mut question = *question;
    let mut known: HashSet<String> = HashSet::new();
    while !stop.load(Ordering::Relaxed) {
        session.now = now();
        let entries = entries(session, &question)?;
        write(
            session,
            entries.iter().filter(|entry| !known.contains(&entry.text)),
        )?;
        session.console.flush()?;
        // Entries that the first limit left out are not new.
        if question.limit < FOLLOW_ROWS {
            question.limit = FOLLOW_ROWS;
            known.extend(
                self::entries(session, &question)?
                    .into_iter()
                    .map(|entry| entry.text),
            );
        } else {
            known = entries.into_iter().map(|entry| entry.text).collect();
        }
        let until = Instant::now() + FOLLOW_EVERY;
        while Instant::now() < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(FOLLOW_STEP);
        }
    }
    Ok(Exit::Ok)
}

/// The latest entries, oldest first.
fn entries(session: &Session, question: &LogQuestion<'_>) -> Result<Vec<LogEntry>, AdminError> {
    let reader = session.reader()?;
    let mirror = mirror_id(&reader, question.mirror)?;
    let names = names(&reader)?;
    let is_one = mirror.is_some();
    let mut entries = Vec::new();
    // Within a second, a change comes before the run that followed it.
    if question.has_events {
        let events = event::latest(&reader, mirror, question.limit)?;
        let oldest_first = events.into_iter().rev();
        entries.extend(oldest_first.map(|event| of_event(event, &names, is_one)));
    }
    if question.has_runs {
        let latest = Timestamp(session.now.0.saturating_add(CLOCK_SLACK_S));
        let runs = runs_of(&reader, question, (mirror, latest))?;
        let oldest_first = runs.iter().rev();
        entries.extend(oldest_first.map(|run| of_run(run, &names, (is_one, latest))));
    }
    entries.order_by_key(|entry| entry.at);
    let excess = entries.len().saturating_sub(question.limit as usize);
    entries.drain(..excess);
    Ok(entries)
}

fn runs_of(
    database: &impl Queryable,
    question: &LogQuestion<'_>,
    (mirror, latest): (Option<MirrorId>, Timestamp),
) -> Result<Vec<RunRecord>, AdminError> {
    let at = (latest, question.limit);
    Ok(match question.only_failed {
        true => run::recent_failed(database, question.kind, mirror, at)?,
        false => run::recent(database, question.kind, mirror, at)?,
    })
}

fn of_run(
    run: &RunRecord,
    names: &HashMap<MirrorId, String>,
    (is_one, latest): (bool, Timestamp),
) -> LogEntry {
    let of = match run.mirror {
        Some(_) if !is_one => format!(" of {}", name_of(run.mirror, names)),
        _ => String::new(),
    };
    let outcome = run.outcome.as_str();
    let took = match run.ended_at {
        Some(_) => format!(" in {}", took(run)),
        None => String::new(),
    };
    let what = what_of(run);
    let colon = if what.is_empty() { "" } else { ": " };
    let mut json = run_json(run, names, latest);
    json["entry"] = json!("run");
    LogEntry {
        at: run.started_at,
        text: format!(
            "{}  {}{of} {outcome}{took}{colon}{what}",
            run.started_at,
            run.kind.as_str()
        ),
        is_failed: !matches!(run.outcome, RunOutcome::Ok | RunOutcome::Running),
        json,
    }
}

fn of_event(event: EventRecord, names: &HashMap<MirrorId, String>, is_one: bool) -> LogEntry {
    let of = match event.mirror {
        Some(_) if !is_one => format!("{}: ", name_of(event.mirror, names)),
        _ => String::new(),
    };
    LogEntry {
        at: event.at,
        text: format!("{}  {of}{} (by {})", event.at, event.what, event.actor),
        is_failed: false,
        json: json!({
            "entry": "event",
            "at": event.at.to_string(),
            "actor": event.actor,
            "mirror": event.mirror.and_then(|id| names.get(&id)),
            "what": event.what,
        }),
    }
}

fn write<'e>(
    session: &mut Session,
    entries: impl Iterator<Item = &'e LogEntry>,
) -> Result<(), AdminError> {
    let columns = screen_columns();
    for entry in entries {
        let text = wrapped(&entry.text, columns, INDENT);
        let paint = if entry.is_failed { RED } else { "" };
        for line in text.lines() {
            session.console.painted_line(paint, line)?;
        }
    }
    Ok(())
}
