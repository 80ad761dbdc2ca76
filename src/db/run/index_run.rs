//! Reads what index runs recorded: when the catalogue changed, and when generations were made.

use super::kind::RunKind;
use super::reading::latest;
use crate::db::catalogue;
use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;
use crate::domain::cache::Generations;
use crate::domain::order::ShortList;
use crate::domain::run_counts::{RunCounts, RunNumber};
use crate::domain::time::Timestamp;

/// Longest time from the start of an index run to its changes; a slow disk with millions of files
/// takes hours.
const INDEX_RUN_MAX_S: i64 = 86_400;

/// Index runs that are looked at for when generations were made.
const GENERATION_RUNS_MAX: u32 = 2000;

const CHANGES: &str = "SELECT started_at, counts FROM run \
     WHERE mirror_id IS NULL AND kind = ?1 ORDER BY id DESC";

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
    changes.order_by_key(|change| change.first_id);
    Ok(changes)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;
    use crate::db::run::{RunOutcome, begin};
    use rusqlite::params;

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
