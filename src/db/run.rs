//! Runs: every scan, probe, index and import, with its outcome.

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Longest time from the start of an index run to its changes; a slow disk with millions of files
/// takes hours.
const INDEX_RUN_MAX_S: i64 = 86_400;

const CHANGES: &str = "SELECT started_at, \
     CASE WHEN json_valid(counts) THEN json_extract(counts, '$.changed_at') END, \
     CASE WHEN json_valid(counts) THEN json_extract(counts, '$.first_id') END \
     FROM run WHERE mirror_id IS NULL AND kind = 'index' ORDER BY id DESC";

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
pub enum Outcome {
    /// All of it was done.
    Ok,
    /// Some of it was done; the error says what was not.
    Partial,
    /// Nothing was changed.
    Failed,
    /// Nothing was changed: what was seen needs a second look.
    Suspicious,
    /// The program was told to stop.
    Interrupted,
}

impl Outcome {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Partial => "partial",
            Outcome::Failed => "failed",
            Outcome::Suspicious => "suspicious",
            Outcome::Interrupted => "interrupted",
        }
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
    pub outcome: Outcome,
    /// A JSON object of numbers.
    pub counts: String,
    /// What went wrong; empty when nothing did.
    pub error: String,
}

/// Records that a run begins. A run that was killed stays `running` and without an end.
///
/// # Errors
/// [`DbError::Sql`].
pub fn begin(
    transaction: &Transaction<'_>,
    kind: RunKind,
    mirror: Option<MirrorId>,
    at: Timestamp,
) -> Result<RunId, DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO run (kind, mirror_id, started_at) VALUES (?1, ?2, ?3)",
            params![kind.as_str(), mirror.map(|mirror| mirror.0), at.0],
        )
        .doing("recording the start of a run")?;
    Ok(RunId(transaction.inner.last_insert_rowid()))
}

/// Records how a run ended.
///
/// # Errors
/// [`DbError::Sql`].
pub fn end(transaction: &Transaction<'_>, run: RunId, end: &RunEnd) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "UPDATE run SET ended_at = ?2, outcome = ?3, counts = ?4, error = ?5 WHERE id = ?1",
            params![run.0, end.at.0, end.outcome.as_str(), end.counts, end.error],
        )
        .doing("recording the end of a run")?;
    Ok(())
}

/// Forgets runs of a kind that ended without a word before a time, and all of them before an
/// earlier one; returns how many.
///
/// # Errors
/// [`DbError::Sql`].
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
             OR started_at < ?2 AND outcome = 'ok' AND error = '')",
            params![kind.as_str(), quiet_before.0, all_before.0],
        )
        .doing("forgetting old runs")
}

/// Adds to how a run ended: the counts to its counts, the outcome if it is worse than ok.
///
/// # Errors
/// [`DbError::Sql`].
pub fn add_to_end(transaction: &Transaction<'_>, run: RunId, end: &RunEnd) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "UPDATE run SET ended_at = ?2, counts = json_patch(counts, ?4), \
             outcome = CASE WHEN ?3 = 'ok' AND outcome <> 'running' THEN outcome ELSE ?3 END, \
             error = CASE WHEN ?5 = '' OR error = '' THEN error || ?5 ELSE error || '; ' || ?5 END \
             WHERE id = ?1",
            params![run.0, end.at.0, end.outcome.as_str(), end.counts, end.error],
        )
        .doing("recording the end of a run")?;
    Ok(())
}

/// A run as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// `index`, `scan`…
    pub kind: String,
    /// The mirror that was scanned, while it exists.
    pub mirror: Option<MirrorId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended_at: Option<Timestamp>,
    /// `ok`, `partial`…
    pub outcome: String,
    /// A JSON object of numbers.
    pub counts: String,
    /// What went wrong.
    pub error: String,
}

fn record(row: &Row<'_>) -> Result<RunRecord, rusqlite::Error> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        kind: row.get(1)?,
        mirror: row.get::<_, Option<i64>>(2)?.map(MirrorId),
        started_at: Timestamp(row.get(3)?),
        ended_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        outcome: row.get(5)?,
        counts: row.get(6)?,
        error: row.get(7)?,
    })
}

/// The latest runs of a kind, newest first; of one mirror, or of all.
///
/// # Errors
/// [`DbError::Sql`].
pub fn latest(
    database: &impl Queryable,
    kind: RunKind,
    mirror: Option<MirrorId>,
    limit: u32,
) -> Result<Vec<RunRecord>, DbError> {
    recent(database, Some(kind), mirror, limit)
}

/// The latest runs, newest first; of one kind or of all, of one mirror or of all.
///
/// # Errors
/// [`DbError::Sql`].
pub fn recent(
    database: &impl Queryable,
    kind: Option<RunKind>,
    mirror: Option<MirrorId>,
    limit: u32,
) -> Result<Vec<RunRecord>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT id, kind, mirror_id, started_at, ended_at, outcome, counts, error FROM run \
             WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR mirror_id = ?2) \
             ORDER BY id DESC LIMIT ?3",
        )
        .doing("preparing to read runs")?;
    let rows = statement
        .query_map(
            params![
                kind.map(RunKind::as_str),
                mirror.map(|mirror| mirror.0),
                limit
            ],
            record,
        )
        .doing("reading runs")?;
    rows.collect::<Result<_, _>>().doing("reading runs")
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
/// [`DbError::Sql`].
pub fn changes_since(
    database: &impl Queryable,
    since: Timestamp,
) -> Result<Vec<CatalogueChange>, DbError> {
    let doing = "reading when the catalogue changed";
    let mut statement = database.sqlite().prepare_cached(CHANGES).doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    let mut changes = Vec::new();
    // Newest first, so that older runs are not read at all.
    while let Some(row) = rows.next().doing(doing)? {
        let started_at: i64 = row.get(0).doing(doing)?;
        if started_at.saturating_add(INDEX_RUN_MAX_S) < since.0 {
            break;
        }
        let (at, first_id): (Option<i64>, Option<u32>) =
            (row.get(1).doing(doing)?, row.get(2).doing(doing)?);
        if let (Some(at), Some(first_id)) = (at.map(Timestamp), first_id)
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
                let run_end = RunEnd {
                    at: Timestamp(started_at + 9_999),
                    outcome: Outcome::Ok,
                    counts: counts.to_owned(),
                    error: String::new(),
                };
                end(transaction, id, &run_end)?;
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
    fn the_latest_index_runs_are_found_without_reading_all_runs() {
        let folder = tempfile::tempdir().expect("folder");
        let writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let plan: String = writer
            .sqlite()
            .query_row(&format!("EXPLAIN QUERY PLAN {CHANGES}"), [], |row| {
                row.get(3)
            })
            .expect("plan");
        assert_eq!(
            plan,
            "SEARCH run USING INDEX run_by_mirror (mirror_id=? AND kind=?)"
        );
    }
}
