//! Stores runs: every scan, probe, index and import, with its outcome.

use std::collections::HashMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::db::catalogue;
use crate::domain::cache::Generations;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;

/// Longest time from the start of an index run to its changes; a slow disk with millions of files
/// takes hours.
const INDEX_RUN_MAX_S: i64 = 86_400;

const CHANGES: &str = "SELECT started_at, counts FROM run \
     WHERE mirror_id IS NULL AND kind = ?1 ORDER BY id DESC";

/// Columns of a [`RunRecord`].
const SELECT: &str = "SELECT run.id, kind, mirror_id, started_at, ended_at, outcome, counts, \
     error, note, run_repeat.times, run_repeat.last_at \
     FROM run LEFT JOIN run_repeat ON run_repeat.run_id = run.id";

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// The tree into the catalogue.
    Index,
    /// One mirror's listing.
    Scan,
    /// Which mirrors answer.
    Probe,
    /// From another system.
    Import,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [RunKind; 4] = [
        RunKind::Index,
        RunKind::Scan,
        RunKind::Probe,
        RunKind::Import,
    ];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            RunKind::Index => "index",
            RunKind::Scan => "scan",
            RunKind::Probe => "probe",
            RunKind::Import => "import",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// All of it was done.
    Ok,
    /// Some of it was done; the note says what was not.
    Partial,
    /// Nothing was changed.
    Failed,
    /// Nothing was changed: what was seen needs a second look.
    Suspicious,
    /// The program was told to stop, or was killed.
    Interrupted,
    /// It has not ended.
    Running,
}

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [RunOutcome; 6] = [
        RunOutcome::Ok,
        RunOutcome::Partial,
        RunOutcome::Failed,
        RunOutcome::Suspicious,
        RunOutcome::Interrupted,
        RunOutcome::Running,
    ];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            RunOutcome::Ok => "ok",
            RunOutcome::Partial => "partial",
            RunOutcome::Failed => "failed",
            RunOutcome::Suspicious => "suspicious",
            RunOutcome::Interrupted => "interrupted",
            RunOutcome::Running => "running",
        }
    }

    /// Outcomes of runs whose result counts.
    const GOOD: [RunOutcome; 2] = [RunOutcome::Ok, RunOutcome::Partial];

    /// Whether the result of the run counts.
    pub fn is_good(self) -> bool {
        RunOutcome::GOOD.contains(&self)
    }
}

/// Reads one of a few words.
fn word<T: Copy>(
    value: ValueRef<'_>,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> FromSqlResult<T> {
    let text = value.as_str()?;
    let known = all.iter().copied().find(|value| as_str(*value) == text);
    known.ok_or_else(|| {
        let problem = format!("'{text}' is unknown; a newer Heliostat may have written it");
        FromSqlError::Other(problem.into())
    })
}

impl FromSql for RunKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RunKind> {
        word(value, &RunKind::ALL, RunKind::as_str)
    }
}

impl ToSql for RunKind {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RunOutcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RunOutcome> {
        word(value, &RunOutcome::ALL, RunOutcome::as_str)
    }
}

impl ToSql for RunOutcome {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(self.as_str().into())
    }
}

/// Number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub i64);

/// How a run ended, to be recorded.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: RunOutcome,
    /// Its numbers.
    pub counts: RunCounts,
    /// Why it failed; empty: it did not.
    pub error: String,
    /// What an admin should know of a run that did its work; empty: nothing.
    pub note: String,
}

/// Whose runs a lock guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardedRuns {
    /// Runs of that kind, but not those that only hash.
    All(RunKind),
    /// Runs that only hash.
    Hashing,
}

/// Marks runs that were killed: who holds their lock knows that none of them is at work.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn mark_killed(
    transaction: &Transaction<'_>,
    guarded: GuardedRuns,
    now: Timestamp,
) -> Result<(), DbError> {
    let (kind, is_hashing) = match guarded {
        GuardedRuns::All(kind) => (kind, false),
        GuardedRuns::Hashing => (RunKind::Index, true),
    };
    let doing = "marking runs that were killed";
    let mut statement = transaction
        .inner
        .prepare("SELECT id, counts FROM run WHERE outcome = ?1 AND kind = ?2")
        .doing(doing)?;
    let running = statement
        .query_map(params![RunOutcome::Running, kind], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .doing(doing)?;
    let running: Vec<(i64, String)> = running.collect::<Result<_, _>>().doing(doing)?;
    for (id, counts) in running {
        let counts = RunCounts::parse(&counts).unwrap_or_default();
        if counts.number(RunNumber::HashingMs).is_some() == is_hashing {
            transaction
                .inner
                .execute(
                    "UPDATE run SET outcome = ?2, error = ?3 WHERE id = ?1",
                    params![id, RunOutcome::Interrupted, killed(now)],
                )
                .doing(doing)?;
        }
    }
    Ok(())
}

fn killed(now: Timestamp) -> String {
    format!("it was killed, or the machine went down; noticed at {now}")
}

/// Records a scan of a mirror that began at `since` and was killed, unless a run of the mirror
/// has been recorded since. Scans write nothing when they begin, so that scanning mirrors that did
/// not change writes next to nothing.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn record_killed_scan(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO run (kind, mirror_id, started_at, outcome, error) \
             SELECT ?4, ?1, ?2, ?5, ?3 WHERE NOT EXISTS ( \
             SELECT 1 FROM run LEFT JOIN run_repeat ON run_repeat.run_id = run.id \
             WHERE kind = ?4 AND mirror_id = ?1 \
             AND max(started_at, coalesce(last_at, 0)) >= ?2) \
             AND EXISTS (SELECT 1 FROM mirror WHERE id = ?1)",
            params![
                mirror.0,
                since.0,
                killed(now),
                RunKind::Scan,
                RunOutcome::Interrupted
            ],
        )
        .doing("recording a scan that was killed")?;
    Ok(())
}

/// Records that a run begins that only hashes. A number tells it from an index run, which another
/// lock guards.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn begin_hashing(transaction: &Transaction<'_>, at: Timestamp) -> Result<RunId, DbError> {
    let run = begin(transaction, RunKind::Index, None, at)?;
    transaction
        .inner
        .execute(
            "UPDATE run SET counts = ?2 WHERE id = ?1",
            params![run.0, RunCounts::only(RunNumber::HashingMs, 0).text()],
        )
        .doing("recording the start of a run")?;
    Ok(run)
}

/// Records that a run begins. A run that was killed stays `running` and without an end until
/// [`mark_killed`] finds it.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn begin(
    transaction: &Transaction<'_>,
    kind: RunKind,
    mirror: Option<MirrorId>,
    at: Timestamp,
) -> Result<RunId, DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO run (kind, mirror_id, started_at, outcome) VALUES (?1, ?2, ?3, ?4)",
            params![
                kind,
                mirror.map(|mirror| mirror.0),
                at.0,
                RunOutcome::Running
            ],
        )
        .doing("recording the start of a run")?;
    Ok(RunId(transaction.inner.last_insert_rowid()))
}

/// Records a run that is over.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn record(
    transaction: &Transaction<'_>,
    kind: RunKind,
    mirror: Option<MirrorId>,
    began: Timestamp,
    how: &RunEnd,
) -> Result<RunId, DbError> {
    let run = begin(transaction, kind, mirror, began)?;
    end(transaction, run, how)?;
    Ok(run)
}

/// Counts runs that found just what an earlier one had found, each with its time.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn repeat(
    transaction: &Transaction<'_>,
    repeats: &[(RunId, Timestamp)],
) -> Result<(), DbError> {
    for (run, at) in repeats {
        // The run, or its mirror with it, may have been deleted meanwhile.
        transaction
            .inner
            .execute(
                "INSERT INTO run_repeat (run_id, times, last_at) \
                 SELECT id, 1, ?2 FROM run WHERE id = ?1 \
                 ON CONFLICT (run_id) DO UPDATE SET times = times + 1, last_at = ?2",
                params![run.0, at.0],
            )
            .doing("counting a run that found nothing new")?;
    }
    Ok(())
}

/// Records how a run ended.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn end(transaction: &Transaction<'_>, run: RunId, end: &RunEnd) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "UPDATE run SET ended_at = ?2, outcome = ?3, counts = ?4, error = ?5, note = ?6 \
             WHERE id = ?1",
            params![
                run.0,
                end.at.0,
                end.outcome,
                end.counts.text(),
                end.error,
                end.note
            ],
        )
        .doing("recording the end of a run")?;
    Ok(())
}

/// Forgets runs of a kind that ended without a word before a time, and all of them before an
/// earlier one; returns how many.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn forget(
    transaction: &Transaction<'_>,
    kind: RunKind,
    quiet_before: Timestamp,
    all_before: Timestamp,
) -> Result<usize, DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM run WHERE kind = ?1 AND (started_at < ?3 \
             OR started_at < ?2 AND outcome = ?4 AND error = '' AND note = '')",
            params![kind, quiet_before.0, all_before.0, RunOutcome::Ok],
        )
        .doing("forgetting old runs")
}

/// Adds to how a run ended: the counts to its counts, the outcome if it is worse than ok.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn add_to_end(transaction: &Transaction<'_>, run: RunId, more: &RunEnd) -> Result<(), DbError> {
    let stored = transaction
        .inner
        .query_row(&format!("{SELECT} WHERE run.id = ?1"), [run.0], from_row)
        .optional()
        .doing("reading the end of a run")?;
    let Some(stored) = stored else {
        return Ok(());
    };
    let mut counts = stored.counts.unwrap_or_default();
    counts.add(&more.counts);
    let outcome = match more.outcome {
        RunOutcome::Ok if stored.outcome != RunOutcome::Running => stored.outcome,
        other => other,
    };
    let sum = RunEnd {
        at: more.at,
        outcome,
        counts,
        error: joined(stored.error, &more.error),
        note: joined(stored.note, &more.note),
    };
    end(transaction, run, &sum)
}

fn joined(mut text: String, more: &str) -> String {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("; ");
    }
    text.push_str(more);
    text
}

/// A run as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// What it did.
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
    /// What an admin should know of a run that did its work; empty: nothing.
    pub note: String,
    /// How often runs found the same since, and when the last of them did.
    pub repeats: Option<(u64, Timestamp)>,
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

/// Whether the counts in a column are those of a run that was not of single directories.
fn is_of_all(row: &Row<'_>, column: usize) -> Result<bool, rusqlite::Error> {
    let counts = RunCounts::parse(&row.get::<_, String>(column)?);
    Ok(counts.is_some_and(|counts| counts.is_of_all()))
}

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
    select(database, Some(kind), mirror, how)
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
    let at = "coalesce(run_repeat.last_at, run.started_at)";
    let order = format!(
        "CASE WHEN {at} <= {now} THEN {at} \
         ELSE (SELECT max(started_at) FROM run AS earlier \
         WHERE earlier.id < run.id AND earlier.started_at <= {now}) END DESC, \
         {at} <= {now} DESC, run.id",
        now = now.0
    );
    let how = RunSelection {
        order: &order,
        limit,
    };
    select(database, kind, mirror, how)
}

/// How many files a mirror had after scans of all it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastCoverage {
    /// Current files.
    pub files: u64,
    /// Files that it might have had; 0: not recorded.
    pub allowed: u64,
}

/// What a mirror had after its scans since a time, also those that found nothing new.
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

/// Index runs that are looked at for when generations were made.
const GENERATION_RUNS_MAX: u32 = 2000;

/// When generations of the tree were made, as far as runs tell.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn generations(database: &impl Queryable) -> Result<Generations, DbError> {
    let runs = latest(database, RunKind::Index, None, GENERATION_RUNS_MAX)?;
    let made = runs.iter().rev().filter_map(|run| {
        let generation = run.counts.as_ref()?.number(RunNumber::Generation)?;
        Some((generation, run.ended_at?))
    });
    Ok(Generations {
        ours: catalogue::generation(database)?,
        made: made.collect(),
    })
}

/// Which runs, in SQL.
struct RunSelection<'a> {
    order: &'a str,
    limit: u32,
}

fn select(
    database: &impl Queryable,
    kind: Option<RunKind>,
    mirror: Option<MirrorId>,
    how: RunSelection<'_>,
) -> Result<Vec<RunRecord>, DbError> {
    let mut runs = Vec::new();
    select_while(database, kind, mirror, how, |run| {
        runs.push(run);
        true
    })?;
    Ok(runs)
}

/// Reads runs until `goes_on` returns false.
fn select_while(
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

/// A moment at which the catalogue got new versions of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueChange {
    /// When.
    pub at: Timestamp,
    /// The first of their ids; all later ids are of this change or of later ones.
    pub first_id: u32,
}

/// Changes of the catalogue since a time, oldest first; those by programs that did not record them
/// are missing.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn changes_since(
    database: &impl Queryable,
    since: Timestamp,
) -> Result<Vec<CatalogueChange>, DbError> {
    let doing = "reading when the catalogue changed";
    let mut statement = database.sqlite().prepare_cached(CHANGES).doing(doing)?;
    let mut rows = statement.query([RunKind::Index]).doing(doing)?;
    let mut changes = Vec::new();
    // Newest first, so that older runs are not read at all.
    while let Some(row) = rows.next().doing(doing)? {
        let started_at: i64 = row.get(0).doing(doing)?;
        if started_at.saturating_add(INDEX_RUN_MAX_S) < since.0 {
            break;
        }
        let counts: String = row.get(1).doing(doing)?;
        let counts = RunCounts::parse(&counts).unwrap_or_default();
        let at = counts.number(RunNumber::ChangedAt).map(Timestamp);
        let first_id = counts.number(RunNumber::FirstId);
        let first_id = first_id.and_then(|id| u32::try_from(id).ok());
        if let (Some(at), Some(first_id)) = (at, first_id)
            && at >= since
        {
            changes.push(CatalogueChange { at, first_id });
        }
    }
    changes.sort_by_key(|change| change.first_id);
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;

    #[test]
    fn changes_are_those_that_were_recorded_since() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let runs = [
            (100, r#"{"first_id":1,"changed_at":100}"#),
            (200_000, r#"{"first_id":5,"changed_at":200100}"#),
            (200_200, r#"{"files":5}"#),
            (200_300, "no JSON"),
            (200_400, r#"{"first_id":9,"changed_at":200450,"more":1}"#),
        ];
        let found = writer.transaction(|transaction| {
            for (started_at, counts) in runs {
                let id = begin(transaction, RunKind::Index, None, Timestamp(started_at))?;
                transaction
                    .inner
                    .execute(
                        "UPDATE run SET counts = ?2, outcome = ?3 WHERE id = ?1",
                        params![id.0, counts, RunOutcome::Ok],
                    )
                    .doing("a test")?;
            }
            changes_since(transaction, Timestamp(200_050))
        });
        let expected = [(200_100, 5), (200_450, 9)].map(|(at, first_id)| CatalogueChange {
            at: Timestamp(at),
            first_id,
        });
        assert_eq!(found.expect("read"), expected);
    }

    #[test]
    fn runs_that_lie_ahead_do_not_head_the_list_and_killed_ones_are_marked() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let begun = writer.transaction(|transaction| {
            begin(transaction, RunKind::Index, None, Timestamp(100))?;
            begin_hashing(transaction, Timestamp(5_000))?;
            begin(transaction, RunKind::Probe, None, Timestamp(200))?;
            mark_killed(
                transaction,
                GuardedRuns::All(RunKind::Index),
                Timestamp(300),
            )?;
            begin(transaction, RunKind::Index, None, Timestamp(300))
        });
        begun.expect("begun");
        let list = |limit| {
            let now = Timestamp(1_000);
            let runs = recent(&writer, None, None, (now, limit)).expect("runs");
            let runs = runs.into_iter().map(|run| (run.id.0, run.outcome));
            runs.collect::<Vec<_>>()
        };
        let expected = [
            (4, RunOutcome::Running),
            (3, RunOutcome::Running),
            (1, RunOutcome::Interrupted),
            (2, RunOutcome::Running),
        ];
        assert_eq!(list(9), expected);
        assert_eq!(list(1), expected[..1]);
        writer
            .transaction(|t| mark_killed(t, GuardedRuns::Hashing, Timestamp(400)))
            .expect("marked");
        let runs = recent(&writer, None, None, (Timestamp(1_000), 9)).expect("runs");
        assert_eq!(runs[3].outcome, RunOutcome::Interrupted);
        assert!(runs[3].error.contains("killed"), "{:?}", runs[3]);
    }

    #[test]
    fn what_is_added_to_an_end_keeps_the_worse_outcome_and_both_texts() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let end_of = |outcome, error: &str, note: &str| RunEnd {
            at: Timestamp(5),
            outcome,
            counts: RunCounts::default(),
            error: error.to_owned(),
            note: note.to_owned(),
        };
        for (first, second, expected) in [
            (
                end_of(RunOutcome::Partial, "", "a"),
                end_of(RunOutcome::Ok, "", ""),
                (RunOutcome::Partial, "", "a"),
            ),
            (
                end_of(RunOutcome::Partial, "", "a"),
                end_of(RunOutcome::Partial, "", "b"),
                (RunOutcome::Partial, "", "a; b"),
            ),
            (
                end_of(RunOutcome::Ok, "", "a"),
                end_of(RunOutcome::Failed, "c", ""),
                (RunOutcome::Failed, "c", "a"),
            ),
        ] {
            let (kind, began) = (RunKind::Index, Timestamp(1));
            let added = writer.transaction(|transaction| {
                let run = record(transaction, kind, None, began, &first)?;
                add_to_end(transaction, run, &second)
            });
            added.expect("added");
            let run = latest(&writer, kind, None, 1).expect("runs").remove(0);
            assert_eq!(
                (run.outcome, run.error.as_str(), run.note.as_str()),
                expected
            );
        }
    }

    #[test]
    fn quiet_runs_are_forgotten_before_those_with_a_note() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let left = writer.transaction(|transaction| {
            for note in ["", "a remark"] {
                let end = RunEnd {
                    at: Timestamp(5),
                    outcome: RunOutcome::Ok,
                    counts: RunCounts::default(),
                    error: String::new(),
                    note: note.to_owned(),
                };
                record(transaction, RunKind::Probe, None, Timestamp(1), &end)?;
            }
            forget(transaction, RunKind::Probe, Timestamp(3), Timestamp(0))?;
            latest(transaction, RunKind::Probe, None, 9)
        });
        let notes = left.expect("runs").into_iter().map(|run| run.note);
        assert_eq!(notes.collect::<Vec<_>>(), ["a remark"]);
    }

    #[test]
    fn the_latest_index_runs_are_found_without_reading_all_runs() {
        let folder = tempfile::tempdir().expect("folder");
        let writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let plan: String = writer
            .sqlite()
            .query_row(
                &format!("EXPLAIN QUERY PLAN {CHANGES}"),
                [RunKind::Index],
                |row| row.get(3),
            )
            .expect("plan");
        assert_eq!(
            plan,
            "SEARCH run USING INDEX run_by_mirror (mirror_id=? AND kind=?)"
        );
    }
}
