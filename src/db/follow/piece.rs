//! Stores how many pieces of files of each mirror were compared with ours.

use std::collections::HashMap;

use rusqlite::params;

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// The pieces of one mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceChecks {
    /// When the first was compared.
    pub since: Timestamp,
    /// When the last was.
    pub checked_at: Timestamp,
    /// Pieces that are ours.
    pub good: u64,
    /// Pieces with other bytes.
    pub wrong: u64,
    /// Bytes that were fetched on the day of the last.
    pub bytes: u64,
}

impl PieceChecks {
    /// Bytes that were fetched on the day of a time.
    pub fn bytes_on_day_of(&self, now: Timestamp) -> u64 {
        let is_today = self.checked_at.0.div_euclid(DAY_S) == now.0.div_euclid(DAY_S);
        if is_today { self.bytes } else { 0 }
    }
}

/// A piece that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchedPiece {
    /// The mirror.
    pub mirror: MirrorId,
    /// Whether it has our bytes; `None`: nothing was learnt.
    pub is_good: Option<bool>,
    /// Its bytes.
    pub bytes: u64,
}

/// Reads the pieces of all mirrors.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, PieceChecks>, DbError> {
    let sql = "SELECT mirror_id, since, checked_at, good, wrong, bytes FROM piece_check";
    let count = |number: i64| number.max(0) as u64;
    let read = || {
        let mut statement = database.sqlite().prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let checks = PieceChecks {
                since: Timestamp(row.get(1)?),
                checked_at: Timestamp(row.get(2)?),
                good: count(row.get(3)?),
                wrong: count(row.get(4)?),
                bytes: count(row.get(5)?),
            };
            Ok((MirrorId(row.get(0)?), checks))
        })?;
        rows.collect::<Result<HashMap<_, _>, _>>()
    };
    read().doing("reading checks of pieces")
}

/// Adds a piece.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn add(
    transaction: &Transaction<'_>,
    piece: FetchedPiece,
    now: Timestamp,
) -> Result<(), DbError> {
    let (good, wrong) = match piece.is_good {
        Some(true) => (1, 0),
        Some(false) => (0, 1),
        None => (0, 0),
    };
    let day = now.0.div_euclid(DAY_S);
    transaction
        .inner
        .execute(
            "INSERT INTO piece_check SELECT id, ?2, ?2, ?3, ?4, ?5, ?6 FROM mirror WHERE id = ?1 \
             ON CONFLICT DO UPDATE SET checked_at = ?2, good = good + ?3, wrong = wrong + ?4, \
             bytes = ?6 + CASE day WHEN ?5 THEN bytes ELSE 0 END, day = ?5",
            params![piece.mirror.0, now.0, good, wrong, day, piece.bytes as i64],
        )
        .doing("adding a check of a piece")?;
    Ok(())
}
