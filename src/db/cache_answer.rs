//! Stores how many answers of a pull-through cache came from its store, as its answers said.

use std::collections::HashMap;

use rusqlite::params;

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;

/// Answers after which all are halved: a week of a pass a minute over both families.
const ANSWERS_MAX: i64 = 20_000;

/// Answers to probes that told whether the cache had the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheAnswers {
    /// Answers that said that the cache had the file.
    pub hits: u64,
    /// All of them.
    pub answers: u64,
}

impl CacheAnswers {
    /// The share of hits, 0 … 1; `None`: no answer told.
    pub fn ratio(self) -> Option<f64> {
        (self.answers > 0).then(|| self.hits as f64 / self.answers as f64)
    }
}

/// Adds answers of a cache.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be written.
pub fn add(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    more: CacheAnswers,
) -> Result<(), DbError> {
    if more.answers == 0 {
        return Ok(());
    }
    let doing = "counting answers of a cache";
    let (hits, answers) = (more.hits as i64, more.answers as i64);
    transaction
        .inner
        .execute(
            "INSERT INTO cache_answer (mirror_id, hits, answers) VALUES (?1, ?2, ?3) \
             ON CONFLICT (mirror_id) DO UPDATE SET hits = hits + ?2, answers = answers + ?3",
            params![mirror.0, hits, answers],
        )
        .doing(doing)?;
    transaction
        .inner
        .execute(
            "UPDATE cache_answer SET hits = hits / 2, answers = answers / 2 \
             WHERE mirror_id = ?1 AND answers >= ?2",
            params![mirror.0, ANSWERS_MAX],
        )
        .doing(doing)?;
    Ok(())
}

/// Those of all caches.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<HashMap<MirrorId, CacheAnswers>, DbError> {
    let doing = "reading answers of caches";
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, hits, answers FROM cache_answer")
        .doing(doing)?;
    let count = |number: i64| number.max(0) as u64;
    let rows = statement
        .query_map([], |row| {
            let answers = CacheAnswers {
                hits: count(row.get(1)?),
                answers: count(row.get(2)?),
            };
            Ok((MirrorId(row.get(0)?), answers))
        })
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::{self, MirrorRecord};
    use crate::db::open_writer;

    #[test]
    fn answers_are_summed_and_old_ones_count_less() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let sums = writer.transaction(|transaction| {
            let id = mirror::insert(transaction, &MirrorRecord::new("c"))?;
            add(transaction, id, CacheAnswers::default())?;
            let none = all(transaction)?.get(&id).copied();
            for (hits, answers) in [(1, 2), (1, 2), (20_000, 20_000)] {
                add(transaction, id, CacheAnswers { hits, answers })?;
            }
            Ok((none, all(transaction)?.get(&id).copied()))
        });
        let (none, sum) = sums.expect("stored");
        assert_eq!(none, None);
        let halved = CacheAnswers {
            hits: 10_001,
            answers: 10_002,
        };
        assert_eq!(sum, Some(halved));
        assert_eq!(CacheAnswers::default().ratio(), None);
    }
}
