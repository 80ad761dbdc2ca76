//! Reads the mirrors of a site from their rows and their probes.

use crate::db::open::Queryable;
use crate::db::{DbError, drain, mirror, probe};
use crate::domain::select::Roster;

/// Reads the mirrors of a site, with the results of probes.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn roster(database: &impl Queryable) -> Result<Roster, DbError> {
    let mut mirrors = Vec::new();
    let mut reaches = probe::reaches(database)?;
    let mut drains = drain::all(database)?;
    for record in mirror::all(database)? {
        let (mut mirror, problems) = record.check();
        mirror.reach = reaches.remove(&mirror.id).unwrap_or_default();
        mirror.drain = drains.remove(&mirror.id);
        for problem in problems {
            log::debug!("mirror={} {problem}", mirror.identifier);
        }
        mirrors.push(mirror);
    }
    Ok(Roster::new(mirrors))
}
