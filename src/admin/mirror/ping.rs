//! Runs `ping`: records that a mirror has changed and should be scanned soon.

use crate::admin::args::PingArgs;
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::scan::request;
use crate::domain::mirror::MirrorKind;
use crate::program::exit::Exit;

/// Notes a request for a scan of each mirror: of all of them, or of none.
///
/// # Errors
/// [`AdminError::Nothing`] for a cache; [`AdminError::Lookup`],
/// [`AdminError::Db`].
pub fn ping(session: &mut Session, args: &PingArgs) -> Result<Exit, AdminError> {
    let now = session.now;
    let names = in_transaction(&mut session.writer()?, |transaction| {
        let mut names = Vec::new();
        for wanted in &args.identifiers {
            let record = find_mirror(transaction, wanted)?;
            if record.kind == MirrorKind::Cache {
                return Err(AdminError::Nothing(format!(
                    "{} is a cache: it is never scanned, so that there is nothing to ask for",
                    record.identifier
                )));
            }
            request::store(transaction, record.id, now)?;
            names.push(record.identifier);
        }
        Ok::<_, AdminError>(names)
    })?;
    for name in names {
        session
            .console
            .line(format!("{name}: a scan is asked for."))?;
    }
    Ok(Exit::Ok)
}
