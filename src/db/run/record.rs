//! Records runs: that one begins, how it ended, that it found the same as an earlier one.

use rusqlite::params;

use super::kind::{RunId, RunKind, RunOutcome};
use super::reading;
use crate::db::error::{DbError, Doing};
use crate::db::open::Transaction;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;

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
    /// Remark for the admin on a run that did its work; empty: none.
    pub note: String,
}

/// Records that a run begins. A run that was killed stays `running` and without an end until
/// [`mark_killed`](super::mark_killed) finds it.
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

/// Adds to how a run ended: the counts to its counts, the outcome if it is worse than ok.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn add_to_end(transaction: &Transaction<'_>, run: RunId, more: &RunEnd) -> Result<(), DbError> {
    let Some(stored) = reading::by_id(transaction, run)? else {
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

/// Deletes runs of a kind: those without error and note that began before a time, and all that
/// began before an earlier time; returns their number.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;
    use crate::db::run::latest;

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
}
