//! Measures the database and its tables.

use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;

/// The room that the database takes on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseRoom {
    /// All of its file.
    pub bytes: u64,
    /// Pages in it that hold nothing.
    pub free_bytes: u64,
}

/// The room that one table or index takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its pages.
    pub bytes: u64,
}

/// How large the database is.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn room(database: &impl Queryable) -> Result<DatabaseRoom, DbError> {
    let number = |pragma: &str| -> Result<u64, DbError> {
        let value = database
            .sqlite()
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        Ok(value.doing("measuring the database")?.max(0) as u64)
    };
    let page_bytes = number("page_size")?;
    Ok(DatabaseRoom {
        bytes: number("page_count")? * page_bytes,
        free_bytes: number("freelist_count")? * page_bytes,
    })
}

/// How large each table and index is, by name.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn table_sizes(database: &impl Queryable) -> Result<Vec<TableSize>, DbError> {
    let doing = "measuring tables";
    let mut statement = database
        .sqlite()
        .prepare("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY name")
        .doing(doing)?;
    let sizes = statement
        .query_map([], |row| {
            Ok(TableSize {
                name: row.get(0)?,
                bytes: row.get::<_, i64>(1)?.max(0) as u64,
            })
        })
        .doing(doing)?;
    sizes.collect::<Result<_, _>>().doing(doing)
}
