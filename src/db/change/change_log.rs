//! Remembers the paths that the last generations of the catalogue changed.
//!
//! A path is stored with its generation, in the transaction that changes the file. The file's fate
//! is read from the catalogue itself, so that the two cannot differ.
//!
//! # Limits
//! So many paths are kept as [`kept_max`] says; a run that changes more is not remembered at all.

use rusqlite::params;

use crate::db::DbError;
use crate::db::error::Doing;
use crate::db::open::{Queryable, Transaction};

/// Largest number of remembered paths: 30 MB of the database and of a run's memory, and 2.6 % of
/// ten million files. Reading the whole catalogue costs no more than reading as many by path.
const CHANGES_MAX: usize = 1 << 18;

/// So many paths are remembered however small the catalogue is: half a megabyte.
const CHANGES_ALWAYS: i64 = 4096;

/// More than this part of the catalogue is not remembered: reading all of it costs less.
const CHANGES_PART: i64 = 8;

/// Collects the paths that one run changes.
#[derive(Debug, Default)]
pub(in crate::db) struct ChangeLog {
    paths: Vec<u8>,
    ends: Vec<usize>,
    is_full: bool,
}

impl ChangeLog {
    /// Notes a path that is added, changed or removed.
    pub(in crate::db) fn note(&mut self, path: &[u8]) {
        if self.ends.len() == CHANGES_MAX {
            *self = ChangeLog {
                is_full: true,
                ..ChangeLog::default()
            };
        }
        if !self.is_full {
            self.paths.extend_from_slice(path);
            self.ends.push(self.paths.len());
        }
    }

    /// Stores the paths under the generation that the transaction has just begun. `count` is asked
    /// for the number of files only if many changed.
    pub(in crate::db) fn store(
        self,
        transaction: &Transaction<'_>,
        generation: i64,
        count: impl Fn() -> Result<u64, DbError>,
    ) -> Result<(), DbError> {
        let changes = self.store_paths(transaction, generation)?;
        transaction
            .inner
            .execute(
                "INSERT OR REPLACE INTO file_generation (generation, stamp, changes) \
                 VALUES (?1, random(), ?2)",
                params![generation, changes],
            )
            .doing("recording a generation of the catalogue")?;
        forget(transaction, generation, count)
    }

    /// Returns how many paths were stored; `None` if they are not remembered. The first generation
    /// of all follows an empty catalogue, which nobody knows.
    fn store_paths(
        &self,
        transaction: &Transaction<'_>,
        generation: i64,
    ) -> Result<Option<i64>, DbError> {
        if self.is_full || generation <= 1 {
            return Ok(None);
        }
        let doing = "recording what changed in the catalogue";
        let sqlite = transaction.inner;
        // A generation that was taken back by a power cut may have left its number only.
        sqlite
            .execute(
                "DELETE FROM file_change WHERE generation >= ?1",
                [generation],
            )
            .doing(doing)?;
        let mut insert = sqlite
            .prepare_cached("INSERT OR IGNORE INTO file_change (generation, path) VALUES (?1, ?2)")
            .doing(doing)?;
        let (mut begin, mut stored) = (0, 0);
        for &end in &self.ends {
            let path = &self.paths[begin..end];
            stored += insert.execute(params![generation, path]).doing(doing)? as i64;
            begin = end;
        }
        Ok(Some(stored))
    }
}

/// Forgets the oldest generations, so that not too many paths are kept, and all behind a gap.
fn forget(
    transaction: &Transaction<'_>,
    newest: i64,
    count: impl Fn() -> Result<u64, DbError>,
) -> Result<(), DbError> {
    let doing = "forgetting old changes of the catalogue";
    let mut oldest = newest;
    let mut total = 0;
    let mut limit = None;
    for (generation, _, changes) in generations(transaction, 0)?.into_iter().rev() {
        if generation != oldest {
            break;
        }
        let Some(changes) = changes else { break };
        total += changes;
        if total > CHANGES_ALWAYS {
            let max = match limit {
                Some(max) => max,
                None => kept_max(count()?),
            };
            limit = Some(max);
            if total > max {
                break;
            }
        }
        oldest -= 1;
    }
    let sqlite = transaction.inner;
    let run = |sql| sqlite.execute(sql, [oldest]).doing(doing);
    run("DELETE FROM file_change WHERE generation <= ?1")?;
    run("DELETE FROM file_generation WHERE generation < ?1")?;
    run("UPDATE file_generation SET changes = NULL WHERE generation = ?1")?;
    Ok(())
}

/// How many changed paths are worth remembering of so many files.
fn kept_max(files: u64) -> i64 {
    let part = i64::try_from(files).unwrap_or(i64::MAX) / CHANGES_PART;
    part.clamp(CHANGES_ALWAYS, CHANGES_MAX as i64)
}

/// Generation, stamp and number of changes of each generation from one on, ascending.
pub(super) fn generations(
    database: &impl Queryable,
    from: i64,
) -> Result<Vec<(i64, i64, Option<i64>)>, DbError> {
    let doing = "reading the generations of the catalogue";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT generation, stamp, changes FROM file_generation WHERE generation >= ?1 \
             ORDER BY generation",
        )
        .doing(doing)?;
    let rows = statement
        .query_map([from], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_changes_too_much_is_not_remembered() {
        let mut log = ChangeLog::default();
        (0..=CHANGES_MAX).for_each(|_| log.note(b"x"));
        assert!(log.is_full && log.paths.is_empty());
        assert_eq!(kept_max(10_000_000), CHANGES_MAX as i64);
    }
}
