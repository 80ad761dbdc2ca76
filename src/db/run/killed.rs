//! Records runs that were killed before they could record their end.

use rusqlite::params;

use super::kind::{RunKind, RunOutcome};
use crate::db::error::{DbError, Doing};
use crate::db::open::Transaction;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;

/// Whose runs a lock guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardedRuns {
    /// Runs of that kind, but not those that only hash.
    All(RunKind),
    /// Runs that only hash.
    Hashing,
}

/// Marks runs that were killed. The caller holds their lock, so none of them is still at work.
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

fn killed(now: Timestamp) -> String {
    format!("it was killed, or the machine went down; noticed at {now}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;
    use crate::db::run::{begin, begin_hashing, recent};

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
}
