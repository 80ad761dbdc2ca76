//! Stores what one scan over HTTP leaves for the next.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, params};

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Seconds for which versions of pages are believed. Some servers take the time of the directory
/// for that of the page, and a file that is changed in its place does not change it.
pub const MAX_AGE_S: i64 = 7 * 86_400;

/// Memory of a crawl for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanMemory {
    /// A hash of the URL that was scanned.
    pub source: i64,
    /// The catalogue's generation then.
    pub tree_generation: i64,
    /// When.
    pub learnt_at: Timestamp,
    /// Minutes that the mirror's page times are ahead of UTC.
    pub shift_min: i32,
    /// Versions of pages, in the scanner's own form.
    pub directories: Vec<u8>,
    /// Directories that were not come to, in the scanner's own form.
    pub unfinished: Vec<u8>,
}

/// Memory of the scan that made a mirror's present content; `None` if another scan made it.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn load(database: &impl Queryable, mirror: MirrorId) -> Result<Option<ScanMemory>, DbError> {
    let row = database.sqlite().query_row(
        "SELECT source, tree_generation, scan_directory.learnt_at, shift_min, directories, \
         unfinished \
         FROM scan_directory JOIN mirror_content USING (mirror_id, generation) \
         WHERE mirror_id = ?1",
        [mirror.0],
        |row| {
            Ok(ScanMemory {
                source: row.get(0)?,
                tree_generation: row.get(1)?,
                learnt_at: Timestamp(row.get(2)?),
                shift_min: row.get(3)?,
                directories: row.get(4)?,
                unfinished: row.get(5)?,
            })
        },
    );
    row.optional().doing("reading what the last scan left")
}

/// Mirrors whose present content was made by a scan that was stopped.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn unfinished(database: &impl Queryable) -> Result<HashSet<MirrorId>, DbError> {
    let doing = "reading which scans were stopped";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT mirror_id FROM scan_directory JOIN mirror_content \
             USING (mirror_id, generation) WHERE length(unfinished) > 0",
        )
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| Ok(MirrorId(row.get(0)?)))
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// Stores the notes that a scan left, together with the content that it published before in the
/// same transaction. Notes that are as before are not written; without any notes the row goes.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn store(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    left: Option<&ScanMemory>,
) -> Result<(), DbError> {
    let Some(left) = left else {
        transaction
            .inner
            .execute(
                "DELETE FROM scan_directory WHERE mirror_id = ?1",
                [mirror.0],
            )
            .doing("forgetting what the last scan left")?;
        return Ok(());
    };
    let before = load(transaction, mirror)?;
    let is_same = before.is_some_and(|before| {
        let age_s = left.learnt_at.0 - before.learnt_at.0;
        left.unfinished.is_empty()
            && (0..MAX_AGE_S).contains(&age_s)
            && ScanMemory {
                learnt_at: left.learnt_at,
                tree_generation: left.tree_generation,
                ..before
            } == *left
    });
    if is_same {
        return Ok(());
    }
    transaction
        .inner
        .execute(
            "INSERT OR REPLACE INTO scan_directory (mirror_id, generation, source, \
             tree_generation, learnt_at, shift_min, directories, unfinished) \
             SELECT mirror_id, generation, ?2, ?3, ?4, ?5, ?6, ?7 \
             FROM mirror_content WHERE mirror_id = ?1",
            params![
                mirror.0,
                left.source,
                left.tree_generation,
                left.learnt_at.0,
                left.shift_min,
                left.directories,
                left.unfinished
            ],
        )
        .doing("storing what a scan left")?;
    Ok(())
}
