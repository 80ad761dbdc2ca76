//! Stores the plans by which mirrors are taken out of service for a while.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::{DRAIN_RAMP_UP_S, MirrorDrain, MirrorId};
use crate::domain::time::Timestamp;

const COLUMNS: &str = "SELECT mirror_id, from_at, ramp_s, until_at, back_at, reason FROM drain";

/// A drain whose end has passed, of a mirror with a good probe and with a scan that began after
/// that end. A cache or a mirror for everybody is never scanned.
const IS_WELL: &str = "until_at <= ?1 AND back_at IS NULL \
    AND EXISTS (SELECT 1 FROM probe WHERE probe.mirror_id = drain.mirror_id \
        AND usable = 1 AND ok = 1 AND checked_at >= until_at) \
    AND (EXISTS (SELECT 1 FROM mirror WHERE mirror.id = drain.mirror_id \
            AND (kind = 'cache' OR country = '**')) \
        OR EXISTS (SELECT 1 FROM run LEFT JOIN run_repeat ON run_repeat.run_id = run.id \
            WHERE run.mirror_id = drain.mirror_id AND run.kind = 'scan' \
            AND outcome IN ('ok', 'partial') \
            AND coalesce(run_repeat.last_at, run.started_at) >= until_at))";

fn drain(row: &Row<'_>) -> Result<(MirrorId, MirrorDrain), rusqlite::Error> {
    let drain = MirrorDrain {
        from: Timestamp(row.get(1)?),
        ramp_s: row.get(2)?,
        until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        back_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        reason: row.get(5)?,
    };
    Ok((MirrorId(row.get(0)?), drain))
}

/// The plans of all mirrors that have one.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, MirrorDrain>, DbError> {
    let doing = "reading drains";
    let mut statement = database.sqlite().prepare_cached(COLUMNS).doing(doing)?;
    let rows = statement.query_map([], drain).doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// Stores the plan of a mirror, in place of the one that it had.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn store(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    drain: &MirrorDrain,
) -> Result<(), DbError> {
    let values = params![
        mirror.0,
        drain.from.0,
        drain.ramp_s,
        drain.until.map(|until| until.0),
        drain.back_at.map(|at| at.0),
        drain.reason,
    ];
    let sql = "INSERT OR REPLACE INTO drain \
        (mirror_id, from_at, ramp_s, until_at, back_at, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let stored = transaction.sqlite().execute(sql, values);
    stored.doing("storing a drain").map(|_| ())
}

/// Forgets the plan of a mirror.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn forget(transaction: &Transaction<'_>, mirror: MirrorId) -> Result<(), DbError> {
    let forgotten = transaction
        .sqlite()
        .execute("DELETE FROM drain WHERE mirror_id = ?1", [mirror.0]);
    forgotten.doing("forgetting a drain").map(|_| ())
}

/// Lets mirrors come back whose drain is over and that are well; forgets the plans of those that
/// are back wholly. Returns the mirrors that begin to come back.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn end_due(transaction: &Transaction<'_>, now: Timestamp) -> Result<Vec<MirrorId>, DbError> {
    let doing = "ending drains";
    let sqlite = transaction.sqlite();
    let mut statement = sqlite
        .prepare_cached(&format!("SELECT mirror_id FROM drain WHERE {IS_WELL}"))
        .doing(doing)?;
    let rows = statement.query_map([now.0], |row| Ok(MirrorId(row.get(0)?)));
    let well: Vec<MirrorId> = rows.doing(doing)?.collect::<Result<_, _>>().doing(doing)?;
    for mirror in &well {
        let sql = "UPDATE drain SET back_at = ?1 WHERE mirror_id = ?2";
        sqlite.execute(sql, params![now.0, mirror.0]).doing(doing)?;
    }
    let back = now.0.saturating_sub(DRAIN_RAMP_UP_S);
    sqlite
        .execute("DELETE FROM drain WHERE back_at <= ?1", [back])
        .doing(doing)?;
    Ok(well)
}
