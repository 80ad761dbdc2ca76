//! Reads scans of all that a mirror has, as opposed to scans of single directories.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::kind::{RunKind, RunOutcome};
use super::reading::{RunRecord, RunSelection, select_while};
use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;

/// The last scan of all that a mirror has, or of a subtree of it, but not of single directories;
/// only one that was published, or any.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn latest_whole(
    database: &impl Queryable,
    mirror: MirrorId,
    is_published: bool,
) -> Result<Option<RunRecord>, DbError> {
    let how = RunSelection {
        order: "run.id",
        limit: u32::MAX,
    };
    let mut latest = None;
    select_while(database, Some(RunKind::Scan), Some(mirror), how, |run| {
        let is_whole = run.counts.as_ref().is_some_and(RunCounts::is_of_all);
        let is_wanted = is_whole && (run.outcome.is_good() || !is_published);
        latest = is_wanted.then_some(run);
        !is_wanted
    })?;
    Ok(latest)
}

/// When a scan of all that a mirror has found last just what the one before had found; `None`:
/// never yet.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn last_repeat(
    database: &impl Queryable,
    mirror: MirrorId,
) -> Result<Option<Timestamp>, DbError> {
    let doing = "reading when a mirror was scanned last";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT last_at, counts FROM run JOIN run_repeat ON run_repeat.run_id = run.id \
             WHERE mirror_id = ?1 AND kind = ?2 ORDER BY last_at DESC",
        )
        .doing(doing)?;
    let mut rows = statement
        .query(params![mirror.0, RunKind::Scan])
        .doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        if is_of_all(row, 1).doing(doing)? {
            return Ok(Some(Timestamp(row.get(0).doing(doing)?)));
        }
    }
    Ok(None)
}

/// When scans of all that a mirror has found last just what one before had found, by mirror; since
/// a time.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn whole_repeats_since(
    database: &impl Queryable,
    since: Timestamp,
) -> Result<HashMap<MirrorId, Timestamp>, DbError> {
    let doing = "reading when mirrors were scanned last";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT mirror_id, last_at, counts FROM run_repeat JOIN run ON run.id = run_id \
             WHERE last_at >= ?1 AND kind = ?2 AND mirror_id IS NOT NULL ORDER BY last_at",
        )
        .doing(doing)?;
    let mut rows = statement
        .query(params![since.0, RunKind::Scan])
        .doing(doing)?;
    let mut repeats = HashMap::new();
    while let Some(row) = rows.next().doing(doing)? {
        if is_of_all(row, 2).doing(doing)? {
            let (mirror, at) = (row.get(0).doing(doing)?, row.get(1).doing(doing)?);
            repeats.insert(MirrorId(mirror), Timestamp(at));
        }
    }
    Ok(repeats)
}

/// How many files a mirror had after scans of all it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastCoverage {
    /// Current files.
    pub files: u64,
    /// Files that it might have had; 0: not recorded.
    pub allowed: u64,
}

/// Numbers of files of a mirror after each scan since a time, also scans that found nothing new.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn coverage_since(
    database: &impl Queryable,
    mirror: MirrorId,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<PastCoverage>, DbError> {
    let doing = "reading what a mirror had";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT counts \
             FROM run LEFT JOIN run_repeat ON run_repeat.run_id = run.id \
             WHERE mirror_id = ?1 AND kind = ?4 AND outcome IN (?5, ?6) \
             AND coalesce(run_repeat.last_at, run.started_at) >= ?2 AND run.started_at <= ?3",
        )
        .doing(doing)?;
    let [ok, partial] = RunOutcome::GOOD;
    let rows = statement
        .query_map(
            params![mirror.0, since.0, now.0, RunKind::Scan, ok, partial],
            |row| row.get(0),
        )
        .doing(doing)?;
    let texts: Vec<String> = rows.collect::<Result<_, _>>().doing(doing)?;
    let counts = texts.iter().filter_map(|text| RunCounts::parse(text));
    let number = |counts: &RunCounts, which| counts.number(which).unwrap_or(0).max(0) as u64;
    let coverage = counts
        .filter(RunCounts::is_of_all)
        .map(|counts| PastCoverage {
            files: number(&counts, RunNumber::After),
            allowed: number(&counts, RunNumber::Allowed),
        });
    Ok(coverage.collect())
}

/// Whether the counts in a column are those of a run that was not of single directories.
fn is_of_all(row: &Row<'_>, column: usize) -> Result<bool, rusqlite::Error> {
    let counts = RunCounts::parse(&row.get::<_, String>(column)?);
    Ok(counts.is_some_and(|counts| counts.is_of_all()))
}
