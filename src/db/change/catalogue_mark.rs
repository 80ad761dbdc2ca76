//! Tells one state of the catalogue from every other.

use rusqlite::OptionalExtension;

use crate::db::DbError;
use crate::db::catalogue;
use crate::db::error::Doing;
use crate::db::open::Queryable;

/// One state of the catalogue: the number of its generation, and the random number that this
/// generation got. A power cut can take back the last generation, and a copy can be restored; then
/// another run gives the same number to other content, but not the same stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueMark {
    /// Number of the last index run that changed the catalogue.
    pub generation: i64,
    /// `None`: a program of an earlier version changed the catalogue, and recorded nothing.
    pub stamp: Option<i64>,
}

/// The state of the catalogue now.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn mark(database: &impl Queryable) -> Result<CatalogueMark, DbError> {
    let generation = catalogue::generation(database)?;
    let stamp = database
        .sqlite()
        .query_row(
            "SELECT stamp FROM file_generation WHERE generation = ?1",
            [generation],
            |row| row.get(0),
        )
        .optional()
        .doing("reading the stamp of the catalogue")?;
    Ok(CatalogueMark { generation, stamp })
}
