//! Tells which database a file is a copy of, and which line of its history it has.
//!
//! Ids of files and generations of bitmaps are given one after the other. Once a copy is written,
//! it gives numbers that the other file gives, too, to other versions. So such a copy begins a
//! branch of its own, and nothing that was read from one branch may be used with another.

use rusqlite::Connection;

use crate::db::error::{DbError, Doing};

/// Identity of the content of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    database: i64,
    branch: i64,
}

impl Lineage {
    /// Reads it from an open database.
    pub(in crate::db) fn read(connection: &Connection) -> Result<Lineage, DbError> {
        const VALUES: &str = "SELECT
            (SELECT value FROM meta WHERE key = 'database_id'),
            (SELECT value FROM meta WHERE key = 'branch_id')";
        let values = connection.prepare_cached(VALUES).and_then(|mut found| {
            found.query_row([], |row| {
                Ok(Lineage {
                    database: row.get(0)?,
                    branch: row.get(1)?,
                })
            })
        });
        values.doing("reading which database this is")
    }

    /// Whether both are copies of one database, of whatever time and branch.
    pub fn is_of_database(self, other: Lineage) -> bool {
        self.database == other.database
    }

    /// Both numbers, for a file beside the database.
    pub fn numbers(self) -> (i64, i64) {
        (self.database, self.branch)
    }

    /// Makes a lineage of the numbers that [`Lineage::numbers`] gave.
    pub fn of_numbers(database: i64, branch: i64) -> Lineage {
        Lineage { database, branch }
    }

    /// The number of the database, as 16 hexadecimal digits.
    pub fn database_id(self) -> String {
        format!("{:016x}", self.database)
    }
}

/// Begins a branch, in a transaction of the caller's.
pub(in crate::db) fn begin_branch(connection: &Connection) -> Result<(), DbError> {
    const BEGIN: &str = "UPDATE meta SET value = CASE key WHEN 'is_copy' THEN 0 ELSE random() END
        WHERE key IN ('branch_id', 'is_copy')";
    connection
        .execute(BEGIN, [])
        .doing("beginning a branch of the database")?;
    Ok(())
}

/// Whether the database was made by `heliostat backup` and never written since.
pub(in crate::db) fn is_copy(connection: &Connection) -> Result<bool, DbError> {
    connection
        .query_row(
            "SELECT value <> 0 FROM meta WHERE key = 'is_copy'",
            [],
            |row| row.get(0),
        )
        .doing("asking whether the database is a copy")
}

/// Says so; older schemas have no place for it, and learn it when they are migrated.
pub(super) fn mark_as_copy(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE meta SET value = 1 WHERE key = 'is_copy'", [])?;
    Ok(())
}
