//! Reads what changed in the catalogue since an earlier state of it.

use super::catalogue_mark::CatalogueMark;
use super::change_log::generations;
use crate::db::DbError;
use crate::db::catalogue;
use crate::db::error::Doing;
use crate::db::open::Queryable;
use crate::domain::file::CatalogueFile;

/// A path that changed, and the file there now; `None`: it was removed.
pub type ChangedFile = (Vec<u8>, Option<CatalogueFile>);

/// Gives the files that changed since an earlier state of the catalogue; one that changed twice may
/// come twice, as it is now. Returns `None` if they are more than `limit`, if that state is not
/// known, or if not all that changed since is remembered.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn changed_since(
    database: &impl Queryable,
    known: CatalogueMark,
    limit: usize,
) -> Result<Option<Vec<ChangedFile>>, DbError> {
    let Some(expected) = remembered(database, known)? else {
        return Ok(None);
    };
    if usize::try_from(expected).is_ok_and(|count| count > limit) {
        return Ok(None);
    }
    let doing = "reading what changed in the catalogue";
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT f.id, f.size, f.mtime, c.path, f.id IS NULL FROM file_change c \
             LEFT JOIN file f ON f.path = c.path WHERE c.generation > ?1",
        )
        .doing(doing)?;
    let rows = statement
        .query_map([known.generation], |row| {
            let is_gone: bool = row.get(4)?;
            let file = if is_gone {
                None
            } else {
                Some(catalogue::file(row)?)
            };
            Ok((row.get(3)?, file))
        })
        .doing(doing)?;
    let changed: Vec<ChangedFile> = rows.collect::<Result<_, _>>().doing(doing)?;
    Ok((changed.len() as i64 == expected).then_some(changed))
}

/// How many paths are remembered since a state; `None` if they cannot be all.
fn remembered(database: &impl Queryable, known: CatalogueMark) -> Result<Option<i64>, DbError> {
    let newest = catalogue::generation(database)?;
    let mut total = 0;
    let mut next = known.generation;
    for (generation, stamp, changes) in generations(database, known.generation)? {
        if generation != next {
            return Ok(None);
        }
        if generation == known.generation {
            if Some(stamp) != known.stamp {
                return Ok(None);
            }
        } else {
            let Some(changes) = changes else {
                return Ok(None);
            };
            total += changes;
        }
        next += 1;
    }
    // A generation without a row was made by a program that remembers nothing. A state that is to
    // come here was seen in another history, or by a reader that is ahead.
    let is_whole = next == newest + 1 && known.generation <= newest;
    Ok(is_whole.then_some(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalogue::CatalogueWriter;
    use crate::db::change::mark;
    use crate::db::{Writer, open_writer};
    use crate::domain::file::FileVersion;

    fn change(writer: &mut Writer, work: impl Fn(&mut CatalogueWriter<'_>) -> Result<(), DbError>) {
        let changed = writer.transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            work(&mut catalogue)?;
            catalogue.finish()
        });
        changed.expect("changed");
    }

    fn version(mtime: i64) -> FileVersion {
        FileVersion { size: 1, mtime }
    }

    fn add(writer: &mut Writer, range: std::ops::Range<u32>) {
        change(writer, |catalogue| {
            range.clone().try_for_each(|number| {
                let path = format!("{number:06}");
                catalogue.insert(path.as_bytes(), version(1)).map(drop)
            })
        });
    }

    fn since(writer: &Writer, known: CatalogueMark) -> Option<Vec<(String, Option<u32>)>> {
        let changed = changed_since(writer, known, usize::MAX).expect("read")?;
        let shown = changed.into_iter().map(|(path, file)| {
            let path = String::from_utf8(path).expect("text");
            (path, file.map(|file| file.id.0))
        });
        Some(shown.collect())
    }

    #[test]
    fn what_changed_since_any_remembered_state_is_told_as_it_is_now() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let empty = mark(&writer).expect("mark");
        assert_eq!(since(&writer, empty), Some(Vec::new()));
        add(&mut writer, 0..3);
        let first = mark(&writer).expect("mark");
        assert_eq!(
            since(&writer, empty),
            None,
            "the first run is not remembered"
        );
        change(&mut writer, |catalogue| {
            catalogue.remove(b"000001")?;
            catalogue.replace(b"000002", version(2)).map(drop)
        });
        let second = mark(&writer).expect("mark");
        change(&mut writer, |catalogue| {
            catalogue.insert(b"000001", version(3)).map(drop)
        });
        let gone = |id| ("000001".to_owned(), id);
        assert_eq!(since(&writer, second), Some(vec![gone(Some(5))]));
        let all = [gone(Some(5)), ("000002".to_owned(), Some(4)), gone(Some(5))];
        assert_eq!(since(&writer, first), Some(all.to_vec()));
        let now = mark(&writer).expect("mark");
        assert_eq!(since(&writer, now), Some(Vec::new()));
        assert_eq!(changed_since(&writer, first, 2).expect("read"), None);
    }

    #[test]
    fn another_history_a_gap_and_a_missing_row_are_not_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        add(&mut writer, 0..3);
        let first = mark(&writer).expect("mark");
        add(&mut writer, 3..5);
        add(&mut writer, 5..6);
        assert_eq!(since(&writer, first).map(|all| all.len()), Some(3));
        let stamp = first.stamp.map(|stamp| stamp ^ 1);
        assert_eq!(since(&writer, CatalogueMark { stamp, ..first }), None);
        let none = CatalogueMark {
            stamp: None,
            ..first
        };
        assert_eq!(since(&writer, none), None);
        for generation in [4, 9, i64::MAX] {
            let later = CatalogueMark {
                generation,
                ..first
            };
            assert_eq!(since(&writer, later), None, "{generation} is to come");
        }
        for (broken, repaired) in [
            ("DELETE FROM file_change WHERE path = x'303030303034'", None),
            ("DELETE FROM file_generation WHERE generation = 2", None),
            (
                // As a program of an earlier version does.
                "UPDATE meta SET value = value + 1 WHERE key = 'tree_generation'",
                Some("UPDATE meta SET value = value - 1 WHERE key = 'tree_generation'"),
            ),
        ]
        .into_iter()
        .rev()
        {
            let run = |sql| {
                let ran = writer.sqlite().execute(sql, []);
                assert_eq!(ran.expect("ran"), 1, "{sql}");
            };
            run(broken);
            assert_eq!(since(&writer, first), None, "{broken}");
            if let Some(repaired) = repaired {
                run(repaired);
                assert_eq!(since(&writer, first).map(|all| all.len()), Some(3));
            }
        }
    }

    #[test]
    fn old_and_large_changes_are_forgotten() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        add(&mut writer, 0..10);
        let first = mark(&writer).expect("mark");
        add(&mut writer, 10..3000);
        let second = mark(&writer).expect("mark");
        assert_eq!(since(&writer, first).map(|all| all.len()), Some(2990));
        add(&mut writer, 3000..5000);
        assert_eq!(since(&writer, first), None, "both are more than the least");
        assert_eq!(since(&writer, second).map(|all| all.len()), Some(2000));
        let third = mark(&writer).expect("mark");
        add(&mut writer, 5000..10_000);
        assert_eq!(since(&writer, third), None, "one run is more");
        let rows = writer
            .sqlite()
            .query_row("SELECT count(*) FROM file_change", [], |row| row.get(0));
        assert_eq!(rows, Ok(0));
    }
}
