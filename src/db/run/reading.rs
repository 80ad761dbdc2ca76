//! Reads runs for people and programs: those that began last, and those of one mirror.

use rusqlite::{OptionalExtension, Row, params};

use super::kind::{RunId, RunKind, RunOutcome};
use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;

/// Columns of a [`RunRecord`].
const SELECT: &str = "SELECT run.id, kind, mirror_id, started_at, ended_at, outcome, counts, \
     error, note, run_repeat.times, run_repeat.last_at \
     FROM run LEFT JOIN run_repeat ON run_repeat.run_id = run.id";

/// A run as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// Its kind.
    pub kind: RunKind,
    /// The mirror that was scanned, while it exists.
    pub mirror: Option<MirrorId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs, and when it was killed.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Its numbers; `None` if they cannot be read.
    pub counts: Option<RunCounts>,
    /// Why it failed; empty: it did not.
    pub error: String,
    /// Remark for the admin on a run that did its work; empty: none.
    pub note: String,
    /// How often runs found the same since, and when the last of them did.
    pub repeats: Option<(u64, Timestamp)>,
}

/// The runs of a kind that began last, newest first; of one mirror, or of all.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn latest(
    database: &impl Queryable,
    kind: RunKind,
    mirror: Option<MirrorId>,
    limit: u32,
) -> Result<Vec<RunRecord>, DbError> {
    let how = RunSelection {
        order: "run.id",
        limit,
    };
    let mut runs = Vec::new();
    select_while(database, Some(kind), mirror, how, |run| {
        runs.push(run);
        true
    })?;
    Ok(runs)
}

/// The latest runs, newest first, those that were repeated by their last time, and those that lie
/// ahead of `now` (a clock was wrong) behind the run before them; of one kind or of all, of one
/// mirror or of all.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn recent(
    database: &impl Queryable,
    kind: Option<RunKind>,
    mirror: Option<MirrorId>,
    (now, limit): (Timestamp, u32),
) -> Result<Vec<RunRecord>, DbError> {
    recent_that(database, (kind, mirror), (now, limit), limit, |_| true)
}

/// As [`recent`], but only runs that did not do all they should.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn recent_failed(
    database: &impl Queryable,
    kind: Option<RunKind>,
    mirror: Option<MirrorId>,
    (now, limit): (Timestamp, u32),
) -> Result<Vec<RunRecord>, DbError> {
    let fails = |run: &RunRecord| !matches!(run.outcome, RunOutcome::Ok | RunOutcome::Running);
    recent_that(database, (kind, mirror), (now, limit), u32::MAX, fails)
}

/// Reads recent runs until there are enough wanted ones, but not more than `rows_max` rows.
fn recent_that(
    database: &impl Queryable,
    (kind, mirror): (Option<RunKind>, Option<MirrorId>),
    (now, limit): (Timestamp, u32),
    rows_max: u32,
    is_wanted: impl Fn(&RunRecord) -> bool,
) -> Result<Vec<RunRecord>, DbError> {
    let how = RunSelection {
        order: &order_of_recent(now),
        limit: rows_max,
    };
    let mut runs = Vec::new();
    let limit = limit as usize;
    select_while(database, kind, mirror, how, |run| {
        runs.extend((is_wanted(&run) && runs.len() < limit).then_some(run));
        runs.len() < limit
    })?;
    Ok(runs)
}

fn order_of_recent(now: Timestamp) -> String {
    let at = "coalesce(run_repeat.last_at, run.started_at)";
    format!(
        "CASE WHEN {at} <= {now} THEN {at} \
         ELSE (SELECT max(started_at) FROM run AS earlier \
         WHERE earlier.id < run.id AND earlier.started_at <= {now}) END DESC, \
         {at} <= {now} DESC, run.id",
        now = now.0
    )
}

/// The run with a number; `None` if it was deleted.
pub(super) fn by_id(database: &impl Queryable, run: RunId) -> Result<Option<RunRecord>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(&format!("{SELECT} WHERE run.id = ?1"))
        .doing("preparing to read a run")?;
    statement
        .query_row([run.0], from_row)
        .optional()
        .doing("reading a run")
}

/// Which runs, in SQL.
pub(super) struct RunSelection<'a> {
    pub(super) order: &'a str,
    pub(super) limit: u32,
}

/// Reads runs until `goes_on` returns false.
pub(super) fn select_while(
    database: &impl Queryable,
    kind: Option<RunKind>,
    mirror: Option<MirrorId>,
    how: RunSelection<'_>,
    mut goes_on: impl FnMut(RunRecord) -> bool,
) -> Result<(), DbError> {
    let doing = "reading runs";
    let mut statement = database
        .sqlite()
        .prepare_cached(&format!(
            "{SELECT} WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR mirror_id = ?2) \
             ORDER BY {} DESC LIMIT ?3",
            how.order
        ))
        .doing("preparing to read runs")?;
    let mirror = mirror.map(|mirror| mirror.0);
    let mut rows = statement
        .query(params![kind, mirror, how.limit])
        .doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        if !goes_on(from_row(row).doing(doing)?) {
            break;
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<RunRecord, rusqlite::Error> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        kind: row.get(1)?,
        mirror: row.get::<_, Option<i64>>(2)?.map(MirrorId),
        started_at: Timestamp(row.get(3)?),
        ended_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        outcome: row.get(5)?,
        counts: RunCounts::parse(&row.get::<_, String>(6)?),
        error: row.get(7)?,
        note: row.get(8)?,
        repeats: match (row.get::<_, Option<i64>>(9)?, row.get(10)?) {
            (Some(times), Some(at)) => Some((times.max(0) as u64, Timestamp(at))),
            _ => None,
        },
    })
}
