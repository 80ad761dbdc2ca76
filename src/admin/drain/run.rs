//! Runs `drain`: plans, lists and cancels drains.

use serde_json::{Value, json};

use super::moment::{length, moment};
use crate::admin::args::DrainArgs;
use crate::admin::error::AdminError;
use crate::admin::mirror::outcome::rehearsed;
use crate::admin::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::{drain as stored, open_reader};
use crate::domain::mirror::MirrorDrain;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;

/// Longest reason: it is shown in one line.
const REASON_BYTES_MAX: usize = 200;

/// Plans a drain of a mirror, cancels it, or lists all drains.
///
/// # Errors
/// Returns [`AdminError::Usage`] if an option cannot be used, [`AdminError::Lookup`] if the name
/// means no mirror or several mirrors, [`AdminError::Nothing`] if there is no drain to cancel, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn drain(session: &mut Session, args: &DrainArgs) -> Result<Exit, AdminError> {
    let Some(wanted) = &args.identifier else {
        return list(session, args);
    };
    let plan = match args.cancel {
        true => None,
        false => Some(plan(args, session.now)?),
    };
    let name = if args.flags.dry_run {
        let reader = open_reader(&session.site.database)?;
        find(&reader, wanted, plan.is_none())?.identifier
    } else {
        in_transaction(&mut session.writer()?, |transaction| {
            let record = find(transaction, wanted, plan.is_none())?;
            let what = match &plan {
                Some(plan) => {
                    stored::store(transaction, record.id, plan)?;
                    plan.text(session.now)
                }
                None => {
                    stored::forget(transaction, record.id)?;
                    "drain cancelled".to_owned()
                }
            };
            session.event(transaction, Some(record.id), &what)?;
            Ok::<_, AdminError>(record.identifier)
        })?
    };
    if args.flags.json {
        let row = plan.as_ref().map(|plan| to_json(&name, plan, session.now));
        let value = json!({
            "mirror": name,
            "changed": !args.flags.dry_run,
            "drain": row,
            "dry_run": args.flags.dry_run,
        });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    let line = match &plan {
        Some(plan) => format!("{name}: {}.", plan.text(session.now)),
        None => format!("{name}: its drain is cancelled, it gets its clients at once."),
    };
    session.console.line(rehearsed(&line, args.flags))?;
    Ok(Exit::Ok)
}

/// The plan that the options describe.
fn plan(args: &DrainArgs, now: Timestamp) -> Result<MirrorDrain, AdminError> {
    let ramp_s = length("--ramp", &args.ramp)?;
    let from = match &args.from {
        Some(text) => moment("--from", text, now)?,
        None => Timestamp(now.0.saturating_add(ramp_s)),
    };
    let until = match &args.until {
        Some(text) => Some(moment("--until", text, now)?),
        None => None,
    };
    if let Some(until) = until.filter(|until| *until <= from.max(now)) {
        return Err(AdminError::Usage(format!(
            "--until: {until} is not after the begin of the drain, {from}, or is past; name a \
             later time"
        )));
    }
    let reason = args.reason.trim().to_owned();
    if reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
        return Err(AdminError::Usage(format!(
            "--reason: it is longer than {REASON_BYTES_MAX} bytes or has more than one line; \
             write a short one"
        )));
    }
    Ok(MirrorDrain {
        from,
        ramp_s,
        until,
        back_at: None,
        reason,
    })
}

/// The mirror of that name; one with a drain, if that is needed.
fn find(
    database: &impl Queryable,
    wanted: &str,
    needs_drain: bool,
) -> Result<MirrorRecord, AdminError> {
    let record = find_mirror(database, wanted)?;
    if needs_drain && !stored::all(database)?.contains_key(&record.id) {
        return Err(AdminError::Nothing(format!(
            "{} has no drain to cancel; `heliostat drain` lists those that there are",
            record.identifier
        )));
    }
    Ok(record)
}

fn list(session: &mut Session, args: &DrainArgs) -> Result<Exit, AdminError> {
    if args.cancel || args.from.is_some() || args.until.is_some() {
        let why = "no mirror is named; write `heliostat drain MIRROR …`";
        return Err(AdminError::Usage(why.to_owned()));
    }
    let reader = session.reader()?;
    let mut drains = stored::all(&reader)?;
    let mut found: Vec<(String, MirrorDrain)> = Vec::new();
    for record in mirror::all(&reader)? {
        let drain = drains.remove(&record.id);
        found.extend(drain.map(|drain| (record.identifier, drain)));
    }
    drop(reader);
    if args.flags.json {
        let row = |(name, drain): &(String, MirrorDrain)| to_json(name, drain, session.now);
        let rows = found.iter().map(row).collect();
        session.console.json(&Value::Array(rows))?;
        return Ok(Exit::Ok);
    }
    if found.is_empty() {
        session.console.line("No mirror is drained.")?;
    }
    for (name, drain) in found {
        let line = format!("{name}: {}", drain.text(session.now));
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

fn to_json(name: &str, drain: &MirrorDrain, now: Timestamp) -> Value {
    json!({
        "mirror": name,
        "from": drain.from.to_string(),
        "ramp_s": drain.ramp_s,
        "until": drain.until.map(|until| until.to_string()),
        "back_at": drain.back_at.map(|at| at.to_string()),
        "share": drain.share(now),
        "reason": drain.reason,
    })
}
