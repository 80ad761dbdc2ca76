//! Stores when file ids were given, which tells since when a version has existed.

use rusqlite::params;

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::file::FileId;
use crate::domain::time::Timestamp;

/// Runs that are remembered: 160 KB, four months of a run every quarter of an hour.
const EPOCHS_MAX: i64 = 10_000;

/// When ids were given, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epochs(Vec<(u32, Timestamp)>);

impl Epochs {
    /// Reads them.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn load(database: &impl Queryable) -> Result<Epochs, DbError> {
        let doing = "reading when file ids were given";
        let mut statement = database
            .sqlite()
            .prepare_cached("SELECT first_id, at FROM id_epoch ORDER BY first_id")
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
            .doing(doing)?;
        Ok(Epochs(rows.collect::<Result<_, _>>().doing(doing)?))
    }

    /// The first id of each run that gave any, and when, in the order of ids.
    pub fn all(&self) -> &[(u32, Timestamp)] {
        &self.0
    }

    /// When an id was given; `None`: before anything was remembered.
    pub fn seen_at(&self, id: FileId) -> Option<Timestamp> {
        let next = self.0.partition_point(|(first, _)| *first <= id.0);
        Some(self.0.get(next.checked_sub(1)?)?.1)
    }
}

/// Records that ids from `first` on were given at a time. The same run sees the version of an entry
/// that was imported without one (`adopted`: the least such id): all from there on counts as new,
/// since nothing tells which version there was before.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub(super) fn record(
    transaction: &Transaction<'_>,
    (first, adopted): (Option<i64>, Option<i64>),
    at: Timestamp,
) -> Result<(), DbError> {
    let doing = "recording when file ids were given";
    let sqlite = transaction.inner;
    if let Some(adopted) = adopted {
        sqlite
            .execute(
                "UPDATE id_epoch SET at = ?2 WHERE first_id >= ?1 AND at < ?2",
                params![adopted, at.0],
            )
            .doing(doing)?;
    }
    for first in [first, adopted].into_iter().flatten() {
        sqlite
            .execute(
                "INSERT OR REPLACE INTO id_epoch (first_id, at) VALUES (?1, ?2)",
                params![first, at.0],
            )
            .doing(doing)?;
    }
    sqlite
        .execute(
            "DELETE FROM id_epoch WHERE first_id <= \
             (SELECT first_id FROM id_epoch ORDER BY first_id DESC LIMIT 1 OFFSET ?1)",
            [EPOCHS_MAX],
        )
        .doing(doing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalogue::CatalogueWriter;
    use crate::db::{Writer, open_writer};
    use crate::domain::file::FileVersion;

    fn run(writer: &mut Writer, at: i64, change: impl FnOnce(&mut CatalogueWriter<'_>)) {
        let done = writer.transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            change(&mut catalogue);
            catalogue.finish_at(Timestamp(at))
        });
        done.expect("written");
    }

    #[test]
    fn an_id_is_as_old_as_the_run_that_gave_it() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let version = FileVersion { size: 1, mtime: 1 };
        run(&mut writer, 100, |catalogue| {
            catalogue.import(b"old", FileId(7)).expect("import");
        });
        let seen = |writer: &Writer, id| {
            let epochs = Epochs::load(writer).expect("epochs");
            epochs.seen_at(FileId(id)).map(|at| at.0)
        };
        assert_eq!(seen(&writer, 7), None, "an import sees no version");
        run(&mut writer, 200, |catalogue| {
            catalogue.insert(b"a", version).expect("insert");
            catalogue.insert(b"b", version).expect("insert");
        });
        run(&mut writer, 300, |catalogue| {
            catalogue.remove(b"a").expect("remove");
        });
        run(&mut writer, 400, |catalogue| {
            catalogue.replace(b"b", version).expect("replace");
        });
        let found = [7, 8, 9, 10].map(|id| seen(&writer, id));
        assert_eq!(found, [None, Some(200), Some(200), Some(400)]);
        run(&mut writer, 500, |catalogue| {
            catalogue.adopt(b"old", FileId(7), version).expect("adopt");
        });
        let found = [6, 7, 8, 10].map(|id| seen(&writer, id));
        assert_eq!(found, [None, Some(500), Some(500), Some(500)]);
    }
}
