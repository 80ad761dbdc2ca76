//! Runs `runs` and `events`.

use serde_json::{Value, json};

use super::logs::{self, LogQuestion};
use super::run_text::{
    CLOCK_SLACK_S, is_ahead, mirror_id, name_of, names, run_json, took, what_of,
};
use crate::admin::args::{EventsArgs, KindArg, RunsArgs};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::run::{RunKind, RunRecord};
use crate::db::{event, run};
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;
use crate::program::table::TextTable;

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
    if args.follow {
        let question = LogQuestion {
            mirror: args.identifier.as_deref(),
            kind,
            has_runs: true,
            has_events: false,
            only_failed: args.failed,
            limit: args.limit,
        };
        return logs::follow(session, &question);
    }
    let latest = Timestamp(session.now.0.saturating_add(CLOCK_SLACK_S));
    let records = match args.failed {
        true => run::recent_failed(&reader, kind, mirror, (latest, args.limit))?,
        false => run::recent(&reader, kind, mirror, (latest, args.limit))?,
    };
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
            nothing_yet(
                "run",
                args.kind.is_some() || mirror.is_some() || args.failed
            )
        );
        return Ok(Exit::Ok);
    }
    let mut table = TextTable::new(["run", "kind", "mirror", "began", "took", "outcome", "what"]);
    for run in &records {
        table.add_row([
            run.id.0.to_string(),
            run.kind.as_str().to_owned(),
            name_of(run.mirror, &names),
            began(run, latest),
            took(run),
            run.outcome.as_str().to_owned(),
            what_of(run),
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
    if args.follow {
        let question = LogQuestion {
            mirror: args.identifier.as_deref(),
            kind: None,
            has_runs: false,
            has_events: true,
            only_failed: false,
            limit: args.limit,
        };
        return logs::follow(session, &question);
    }
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

fn began(run: &RunRecord, latest: Timestamp) -> String {
    match is_ahead(run, latest) {
        true => format!("{} (in the future)", run.started_at),
        false => run.started_at.to_string(),
    }
}
