//! Stores markers: names of subtrees, and the files that show that a mirror has them.

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};

/// A subtree and the files that show that a mirror has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The name of the subtree, for people.
    pub name: String,
    /// Paths, separated by spaces; all must be there, but for those after a `!`.
    pub files: String,
}

/// All markers, in the order in which they were added.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<Vec<Marker>, DbError> {
    let doing = "reading markers";
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT subtree_name, markers FROM marker ORDER BY id")
        .doing(doing)?;
    let markers = statement
        .query_map([], |row| {
            Ok(Marker {
                name: row.get(0)?,
                files: row.get(1)?,
            })
        })
        .doing(doing)?;
    markers.collect::<Result<_, _>>().doing(doing)
}

/// Replaces all markers.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn replace(transaction: &Transaction<'_>, markers: &[Marker]) -> Result<(), DbError> {
    let doing = "storing markers";
    let sqlite = transaction.inner;
    sqlite.execute("DELETE FROM marker", []).doing(doing)?;
    let mut insert = sqlite
        .prepare_cached("INSERT INTO marker (subtree_name, markers) VALUES (?1, ?2)")
        .doing(doing)?;
    for marker in markers {
        insert
            .execute(params![marker.name, marker.files])
            .doing(doing)?;
    }
    Ok(())
}
