//! Stores pairs of a mirror and a file that it did not have although a scan had seen it there.

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::file::FileId;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Pairs of one mirror that are masked at most. A mirror with more needs its admin and a scan.
pub const PAIRS_MAX: i64 = 1000;

/// A mirror and a file that it did not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The mirror.
    pub mirror: MirrorId,
    /// The version of the file.
    pub file: FileId,
    /// When it was first wrong.
    pub seen_at: Timestamp,
    /// The time at which it was wrong again; since then the pair is masked. Absent if it was wrong
    /// once.
    pub confirmed_at: Option<Timestamp>,
    /// The word of its result.
    pub result: String,
    /// A command line that shows the same.
    pub evidence: String,
}

/// All pairs.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<Vec<Contradiction>, DbError> {
    let sql = "SELECT mirror_id, file_id, seen_at, confirmed_at, result, evidence \
               FROM contradiction ORDER BY seen_at, mirror_id, file_id";
    let read = || {
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Contradiction {
                mirror: MirrorId(row.get(0)?),
                file: FileId(row.get(1)?),
                seen_at: Timestamp(row.get(2)?),
                confirmed_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                result: row.get(4)?,
                evidence: row.get(5)?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading contradictions")
}

/// The pairs that get no clients.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn masked(database: &impl Queryable) -> Result<Vec<(MirrorId, FileId)>, DbError> {
    let sql = "SELECT mirror_id, file_id FROM contradiction WHERE confirmed_at IS NOT NULL";
    let read = || {
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows =
            statement.query_map([], |row| Ok((MirrorId(row.get(0)?), FileId(row.get(1)?))))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().doing("reading contradictions")
}

/// Stores a pair. A second look takes the place of the first; a first look leaves a stored pair as
/// it is. Stores nothing if the mirror is gone or has [`PAIRS_MAX`] other pairs.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn store(transaction: &Transaction<'_>, pair: &Contradiction) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO contradiction SELECT id, ?2, ?3, ?4, ?5, ?6 FROM mirror \
             WHERE id = ?1 AND (SELECT count(*) FROM contradiction \
             WHERE mirror_id = ?1 AND file_id <> ?2) < ?7 \
             ON CONFLICT DO UPDATE SET confirmed_at = ?4, result = ?5, evidence = ?6 \
             WHERE ?4 IS NOT NULL",
            params![
                pair.mirror.0,
                pair.file.0,
                pair.seen_at.0,
                pair.confirmed_at.map(|at| at.0),
                pair.result,
                pair.evidence,
                PAIRS_MAX
            ],
        )
        .doing("storing a contradiction")?;
    Ok(())
}

/// Forgets a pair.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn remove(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    file: FileId,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM contradiction WHERE mirror_id = ?1 AND file_id = ?2",
            params![mirror.0, file.0],
        )
        .doing("forgetting a contradiction")?;
    Ok(())
}

/// Forgets the pairs of a mirror that were last wrong before that time, because a scan of all that
/// it has began then.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn clear(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    began: Timestamp,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM contradiction \
             WHERE mirror_id = ?1 AND coalesce(confirmed_at, seen_at) <= ?2",
            [mirror.0, began.0],
        )
        .doing("forgetting contradictions")?;
    Ok(())
}
