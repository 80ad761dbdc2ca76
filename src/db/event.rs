//! Stores events: each change, and who made it.

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Records a change: `actor` is a user's name or a program's, `what` one line.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn record(
    transaction: &Transaction<'_>,
    at: Timestamp,
    actor: &str,
    mirror: Option<MirrorId>,
    what: &str,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO event (at, actor, mirror_id, what) VALUES (?1, ?2, ?3, ?4)",
            params![at.0, actor, mirror.map(|mirror| mirror.0), what],
        )
        .doing("recording an event")?;
    Ok(())
}

/// A change as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The mirror, which may be gone by now.
    pub mirror: Option<MirrorId>,
    /// The change, on one line.
    pub what: String,
}

/// The changes by one actor since a time, newest first.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn since(
    database: &impl Queryable,
    (actor, since): (&str, Timestamp),
    limit: u32,
) -> Result<Vec<EventRecord>, DbError> {
    let doing = "reading events";
    let sql = "SELECT at, actor, mirror_id, what FROM event \
        WHERE actor = ?1 AND at >= ?2 ORDER BY id DESC LIMIT ?3";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement.query_map(params![actor, since.0, limit], record_of);
    rows.doing(doing)?.collect::<Result<_, _>>().doing(doing)
}

fn record_of(row: &Row<'_>) -> Result<EventRecord, rusqlite::Error> {
    Ok(EventRecord {
        at: Timestamp(row.get(0)?),
        actor: row.get(1)?,
        mirror: row.get::<_, Option<i64>>(2)?.map(MirrorId),
        what: row.get(3)?,
    })
}

/// The latest changes, newest first; of one mirror, or of all.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn latest(
    database: &impl Queryable,
    mirror: Option<MirrorId>,
    limit: u32,
) -> Result<Vec<EventRecord>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT at, actor, mirror_id, what FROM event \
             WHERE ?1 IS NULL OR mirror_id = ?1 ORDER BY id DESC LIMIT ?2",
        )
        .doing("preparing to read events")?;
    let rows = statement
        .query_map(params![mirror.map(|mirror| mirror.0), limit], record_of)
        .doing("reading events")?;
    rows.collect::<Result<_, _>>().doing("reading events")
}
