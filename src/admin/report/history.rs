//! Runs `runs` and `events`.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::admin::args::{EventsArgs, KindArg, RunsArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::open::Queryable;
use crate::db::run::{RunKind, RunRecord};
use crate::db::{event, mirror, run};
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;
use crate::program::table::TextTable;

/// A run may begin while another program is asked for its time.
const CLOCK_SLACK_S: i64 = 60;

/// Numbers of a run that are not counts.
const NO_COUNTS: [&str; 4] = ["took_ms", "first_id", "changed_at", "generation"];

/// Shows the latest runs.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn runs(session: &mut Session, args: &RunsArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let mirror = mirror_id(&reader, args.identifier.as_deref())?;
    let names = names(&reader)?;
    let kind = args.kind.map(|kind| match kind {
        KindArg::Index => RunKind::Index,
        KindArg::Scan => RunKind::Scan,
        KindArg::Probe => RunKind::Probe,
        KindArg::Import => RunKind::Import,
    });
    let latest = Timestamp(session.now.0.saturating_add(CLOCK_SLACK_S));
    let records = run::recent(&reader, kind, mirror, (latest, args.limit))?;
    if args.json {
        let values = records.iter();
        let values = values.map(|run| run_json(run, &names, latest)).collect();
        session
            .console
            .line(format!("{:#}", Value::Array(values)))?;
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        log::warn!(
            "{}",
            nothing_yet("run", args.kind.is_some() || mirror.is_some())
        );
        return Ok(Exit::Ok);
    }
    let mut table = TextTable::new(["run", "kind", "mirror", "began", "took", "outcome", "what"]);
    for run in &records {
        let again = run.repeats.map(|(times, at)| match times {
            1 => format!("the same again at {at}"),
            _ => format!("the same {times} times more, last at {at}"),
        });
        let what = [
            counts(run.counts.as_ref()),
            run.error.clone(),
            run.note.clone(),
            again.unwrap_or_default(),
        ];
        let what: Vec<&str> = what
            .iter()
            .map(String::as_str)
            .filter(|t| !t.is_empty())
            .collect();
        table.add_row([
            run.id.0.to_string(),
            run.kind.as_str().to_owned(),
            name_of(run.mirror, &names),
            began(run, latest),
            took(run),
            run.outcome.as_str().to_owned(),
            what.join("; "),
        ]);
    }
    session.console.line(table.text([0, 4]))?;
    Ok(Exit::Ok)
}

/// Shows the latest changes.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn events(session: &mut Session, args: &EventsArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let mirror = mirror_id(&reader, args.identifier.as_deref())?;
    let names = names(&reader)?;
    let records = event::latest(&reader, mirror, args.limit)?;
    if args.json {
        let values = records.iter().map(|event| {
            json!({
                "at": event.at.to_string(),
                "actor": event.actor,
                "mirror_id": event.mirror.map(|id| id.0),
                "mirror": event.mirror.and_then(|id| names.get(&id)),
                "what": event.what,
            })
        });
        let values = Value::Array(values.collect());
        session.console.line(format!("{values:#}"))?;
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        log::warn!("{}", nothing_yet("event", mirror.is_some()));
        return Ok(Exit::Ok);
    }
    let mut table = TextTable::new(["when", "who", "mirror", "what"]);
    for event in records {
        table.add_row([
            event.at.to_string(),
            event.actor,
            name_of(event.mirror, &names),
            event.what,
        ]);
    }
    session.console.line(table.text([]))?;
    Ok(Exit::Ok)
}

/// Says why a list is empty. `is_narrowed`: an option leaves some rows out.
fn nothing_yet(row: &str, is_narrowed: bool) -> String {
    match is_narrowed {
        true => format!("no such {row} is recorded; without options all of them are listed"),
        false => format!("no {row} is recorded yet; `heliostat-index` makes the first one"),
    }
}

fn mirror_id(
    database: &impl Queryable,
    wanted: Option<&str>,
) -> Result<Option<MirrorId>, AdminError> {
    wanted
        .map(|wanted| find_mirror(database, wanted).map(|mirror| mirror.id))
        .transpose()
}

fn names(database: &impl Queryable) -> Result<HashMap<MirrorId, String>, AdminError> {
    let mirrors = mirror::all(database)?.into_iter();
    Ok(mirrors
        .map(|mirror| (mirror.id, mirror.identifier))
        .collect())
}

/// The name, or the number of a mirror that is gone.
fn name_of(mirror: Option<MirrorId>, names: &HashMap<MirrorId, String>) -> String {
    match mirror {
        None => "-".to_owned(),
        Some(id) => names.get(&id).cloned().unwrap_or_else(|| format!("#{id}")),
    }
}

/// Whether a run began, or was seen again, after a time: then a clock was wrong.
fn is_ahead(run: &RunRecord, latest: Timestamp) -> bool {
    let repeated_at = run.repeats.map(|(_, at)| at);
    run.started_at > latest || repeated_at.is_some_and(|at| at > latest)
}

fn began(run: &RunRecord, latest: Timestamp) -> String {
    match is_ahead(run, latest) {
        true => format!("{} (in the future)", run.started_at),
        false => run.started_at.to_string(),
    }
}

fn took(run: &RunRecord) -> String {
    match run.ended_at {
        Some(end) => format!("{} s", end.0 - run.started_at.0),
        None => "-".to_owned(),
    }
}

/// `{"files":12,"changed":0}` as `12 files`: a zero says nothing.
fn counts(counts: Option<&RunCounts>) -> String {
    let numbers = counts.into_iter().flat_map(RunCounts::iter);
    let counts: Vec<String> = numbers
        .filter(|(name, count)| count.as_i64() != Some(0) && !NO_COUNTS.contains(name))
        .map(|(name, count)| match (name, count.as_i64()) {
            ("directories", Some(1)) => "1 directory".to_owned(),
            ("files" | "bytes", Some(1)) => format!("1 {}", name.trim_end_matches('s')),
            _ => format!("{count} {}", name.replace('_', " ")),
        })
        .collect();
    counts.join(", ")
}

fn run_json(run: &RunRecord, names: &HashMap<MirrorId, String>, latest: Timestamp) -> Value {
    json!({
        "id": run.id.0,
        "kind": run.kind.as_str(),
        "mirror": run.mirror.and_then(|id| names.get(&id)),
        "started_at": run.started_at.to_string(),
        "in_future": is_ahead(run, latest),
        "ended_at": run.ended_at.map(|end| end.to_string()),
        "outcome": run.outcome.as_str(),
        "counts": &run.counts,
        "error": run.error,
        "note": run.note,
        "repeats": run.repeats.map_or(0, |(times, _)| times),
        "repeated_at": run.repeats.map(|(_, at)| at.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_are_words() {
        let rows = [
            (r#"{"files":12,"changed":0}"#, "12 files"),
            (
                r#"{"files":1,"bytes":1,"directories":1,"took_ms":445,"changed_at":9}"#,
                "1 byte, 1 directory, 1 file",
            ),
            (
                r#"{"directories":2,"not_read":3}"#,
                "2 directories, 3 not read",
            ),
            ("", ""),
        ];
        for (text, expected) in rows {
            let mut words: Vec<String> = counts(serde_json::from_str(text).ok().as_ref())
                .split(", ")
                .map(str::to_owned)
                .collect();
            words.sort_unstable();
            assert_eq!(words.join(", "), expected, "{text}");
        }
    }
}
