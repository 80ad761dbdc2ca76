//! Runs `ping`: records that a mirror has changed and should be scanned soon.

use serde_json::json;

use super::outcome::rehearsed;
use crate::admin::args::PingArgs;
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::MirrorRecord;
use crate::db::open::Queryable;
use crate::db::open_reader;
use crate::db::scan::request;
use crate::domain::mirror::MirrorKind;
use crate::program::exit::Exit;

/// Notes a request for a scan of each mirror: of all of them, or of none.
///
/// # Errors
/// [`AdminError::Nothing`] for a cache; [`AdminError::Lookup`],
/// [`AdminError::Db`].
pub fn ping(session: &mut Session, args: &PingArgs) -> Result<Exit, AdminError> {
    let (now, flags) = (session.now, args.flags);
    let names = if flags.dry_run {
        let reader = open_reader(&session.site.database)?;
        let found = args.identifiers.iter().map(|wanted| find(&reader, wanted));
        let found: Vec<MirrorRecord> = found.collect::<Result<_, _>>()?;
        found.into_iter().map(|record| record.identifier).collect()
    } else {
        in_transaction(&mut session.writer()?, |transaction| {
            let mut names = Vec::new();
            for wanted in &args.identifiers {
                let record = find(transaction, wanted)?;
                request::store(transaction, record.id, now)?;
                names.push(record.identifier);
            }
            Ok::<_, AdminError>(names)
        })?
    };
    if flags.json {
        let value = json!({ "mirrors": names, "dry_run": flags.dry_run });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    for name in names {
        let line = rehearsed(&format!("{name}: a scan is asked for."), flags);
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

/// A mirror that can be scanned.
fn find(database: &impl Queryable, wanted: &str) -> Result<MirrorRecord, AdminError> {
    let record = find_mirror(database, wanted)?;
    if record.kind == MirrorKind::Cache {
        return Err(AdminError::Nothing(format!(
            "{} is a cache: it is never scanned, so that there is nothing to ask for",
            record.identifier
        )));
    }
    Ok(record)
}
