//! Stores the catalogue: path, id, size and mtime of each file.

use roaring::RoaringBitmap;
use rusqlite::{CachedStatement, OptionalExtension, Row, params};

use super::change::ChangeLog;
use super::epoch;
use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};
use crate::domain::path::PATH_BYTES_MAX;
use crate::domain::time::Timestamp;

/// One point lookup on the primary key; requests look in [`crate::snapshot::KnownFiles`] instead.
pub(super) const FIND: &str = "SELECT id, size, mtime FROM file WHERE path = ?1";

const ALL: &str = "SELECT id, size, mtime, path FROM file ORDER BY path";

const BELOW: &str = "SELECT id, size, mtime, path FROM file \
                     WHERE path >= ?1 AND path < ?2 ORDER BY path";

const SOME_FROM: &str =
    "SELECT id, size, mtime, path FROM file WHERE path >= ?1 ORDER BY path LIMIT ?2";
const IDS_BELOW: &str = "SELECT id FROM file WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT ?3";
const PATHS_BELOW: &str =
    "SELECT path, id FROM file WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT ?3";

/// A file of a row that begins with id, size and mtime.
pub(super) fn file(row: &Row<'_>) -> Result<CatalogueFile, rusqlite::Error> {
    let version = match (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?) {
        (Some(size), Some(mtime)) => Some(FileVersion {
            size: size.max(0) as u64,
            mtime,
        }),
        _ => None,
    };
    Ok(CatalogueFile {
        id: FileId(row.get(0)?),
        version,
    })
}

/// Looks a canonical path up.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn find(database: &impl Queryable, path: &[u8]) -> Result<Option<CatalogueFile>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(FIND)
        .doing("preparing to look a file up")?;
    statement
        .query_row([path], file)
        .optional()
        .doing("looking a file up")
}

/// Number of files.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn count(database: &impl Queryable) -> Result<u64, DbError> {
    database
        .sqlite()
        .query_row("SELECT count(*) FROM file", [], |row| row.get::<_, i64>(0))
        .map(|count| count.max(0) as u64)
        .doing("counting files")
}

/// Number of the last index run that changed the catalogue.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn generation(database: &impl Queryable) -> Result<i64, DbError> {
    database
        .sqlite()
        .query_row(
            "SELECT value FROM meta WHERE key = 'tree_generation'",
            [],
            |row| row.get(0),
        )
        .doing("reading the tree's generation")
}

/// The id that the next version of a file gets; all that were given are smaller.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn next_id(database: &impl Queryable) -> Result<i64, DbError> {
    database
        .sqlite()
        .query_row(
            "SELECT value FROM meta WHERE key = 'next_file_id'",
            [],
            |row| row.get(0),
        )
        .doing("reading the next file id")
}

/// Gives each file in the order of path bytes; `below` limits it to a directory ("" is the tree).
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn for_each(
    database: &impl Queryable,
    below: &[u8],
    mut give: impl FnMut(&[u8], CatalogueFile),
) -> Result<(), DbError> {
    let sql = if below.is_empty() { ALL } else { BELOW };
    let mut statement = database
        .sqlite()
        .prepare(sql)
        .doing("preparing to read the catalogue")?;
    let mut rows = if below.is_empty() {
        statement.query([])
    } else {
        // '0' is the byte after '/', so that the range is the subtree exactly.
        statement.query(params![[below, b"/"].concat(), [below, b"0"].concat()])
    }
    .doing("reading the catalogue")?;
    while let Some(row) = rows.next().doing("reading the catalogue")? {
        let found = file(row).doing("reading the catalogue")?;
        let path = row.get_ref(3).doing("reading the catalogue")?;
        give(path.as_bytes().unwrap_or_default(), found);
    }
    Ok(())
}

/// Gives each of the files whose ids are wanted, in the order of path bytes.
///
/// Ids have no index, so this reads the catalogue until the last wanted one is found.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn for_each_of(
    database: &impl Queryable,
    wanted: &RoaringBitmap,
    mut give: impl FnMut(&[u8], CatalogueFile),
) -> Result<(), DbError> {
    let mut left = wanted.len();
    let mut statement = database
        .sqlite()
        .prepare_cached(ALL)
        .doing("preparing to read the catalogue")?;
    let mut rows = statement.query([]).doing("reading the catalogue")?;
    while left > 0 {
        let Some(row) = rows.next().doing("reading the catalogue")? else {
            break;
        };
        let id: u32 = row.get(0).doing("reading the catalogue")?;
        if wanted.contains(id) {
            let found = file(row).doing("reading the catalogue")?;
            let path = row.get_ref(3).doing("reading the catalogue")?;
            give(path.as_bytes().unwrap_or_default(), found);
            left -= 1;
        }
    }
    Ok(())
}

/// The first files at or after a path, in the order of path bytes.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn some_from(
    database: &impl Queryable,
    path: &[u8],
    limit: u32,
) -> Result<Vec<(Vec<u8>, CatalogueFile)>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(SOME_FROM)
        .doing("preparing to read the catalogue")?;
    let rows = statement
        .query_map(params![path, limit], |row| Ok((row.get(3)?, file(row)?)))
        .doing("reading the catalogue")?;
    rows.collect::<Result<_, _>>()
        .doing("reading the catalogue")
}

/// The files right in a directory, in the order of path bytes, not more than `limit`; "" is the
/// tree. Files below its directories are passed over, however many they are.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn files_in(
    database: &impl Queryable,
    directory: &[u8],
    limit: usize,
) -> Result<Vec<(Vec<u8>, CatalogueFile)>, DbError> {
    let mut prefix = directory.to_vec();
    if !prefix.is_empty() {
        prefix.push(b'/');
    }
    let mut files = Vec::new();
    let mut from = prefix.clone();
    while files.len() < limit {
        let Some((path, file)) = some_from(database, &from, 1)?.pop() else {
            break;
        };
        let Some(name) = path.strip_prefix(prefix.as_slice()) else {
            break;
        };
        if let Some(end) = name.iter().position(|&byte| byte == b'/') {
            // '0' is the byte after '/': the first path behind all below that directory.
            from = [&path[..prefix.len() + end], b"0"].concat();
            continue;
        }
        // The next path at all.
        from = [path.as_slice(), b"\0"].concat();
        files.push((path, file));
    }
    Ok(files)
}

/// The ids of a directory's files and of those below, in the order of path bytes, not more than
/// `limit`; "" is the tree.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn files_below(
    database: &impl Queryable,
    directory: &[u8],
    limit: usize,
) -> Result<Vec<FileId>, DbError> {
    let doing = "reading a directory's files";
    let (from, to) = range_below(directory);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = database.sqlite().prepare_cached(IDS_BELOW).doing(doing)?;
    let ids = statement
        .query_map(params![from, to, limit], |row| Ok(FileId(row.get(0)?)))
        .doing(doing)?;
    ids.collect::<Result<_, _>>().doing(doing)
}

/// The same with the paths of the files.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn paths_below(
    database: &impl Queryable,
    directory: &[u8],
    limit: usize,
) -> Result<Vec<(Vec<u8>, FileId)>, DbError> {
    let doing = "reading a directory's paths";
    let (from, to) = range_below(directory);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = database.sqlite().prepare_cached(PATHS_BELOW).doing(doing)?;
    let files = statement
        .query_map(params![from, to, limit], |row| {
            Ok((row.get(0)?, FileId(row.get(1)?)))
        })
        .doing(doing)?;
    files.collect::<Result<_, _>>().doing(doing)
}

/// The first path that can be below a directory, and the first that no longer can.
fn range_below(directory: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match directory {
        // Beyond every path, which are shorter.
        [] => (Vec::new(), vec![0xff; PATH_BYTES_MAX + 1]),
        _ => ([directory, b"/"].concat(), [directory, b"0"].concat()),
    }
}

/// Changes the catalogue within one transaction.
pub struct CatalogueWriter<'t> {
    transaction: &'t Transaction<'t>,
    insert: CachedStatement<'t>,
    update: CachedStatement<'t>,
    remove: CachedStatement<'t>,
    next_id: i64,
    changes: u64,
    log: ChangeLog,
    /// The first id that was given, and the least that got its version.
    given: (Option<i64>, Option<i64>),
}

impl<'t> CatalogueWriter<'t> {
    /// Prepares to change the catalogue.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn new(transaction: &'t Transaction<'t>) -> Result<CatalogueWriter<'t>, DbError> {
        let sqlite = transaction.inner;
        let prepare = |sql| {
            sqlite
                .prepare_cached(sql)
                .doing("preparing to change the catalogue")
        };
        let next_id = next_id(transaction)?;
        Ok(CatalogueWriter {
            transaction,
            insert: prepare("INSERT INTO file (path, id, size, mtime) VALUES (?1, ?2, ?3, ?4)")?,
            update: prepare("UPDATE file SET id = ?2, size = ?3, mtime = ?4 WHERE path = ?1")?,
            remove: prepare("DELETE FROM file WHERE path = ?1")?,
            next_id,
            changes: 0,
            log: ChangeLog::default(),
            given: (None, None),
        })
    }

    fn take_id(&mut self) -> Result<FileId, DbError> {
        let id = u32::try_from(self.next_id).map_err(|_| DbError::OutOfFileIds)?;
        self.given.0.get_or_insert(self.next_id);
        self.next_id += 1;
        Ok(FileId(id))
    }

    /// Adds a file that was not there; it gets a new id.
    ///
    /// # Errors
    /// Returns [`DbError::OutOfFileIds`] if no file id is left, and [`DbError::Sql`] if the
    /// catalogue already has the path or the database cannot be written.
    pub fn insert(&mut self, path: &[u8], version: FileVersion) -> Result<FileId, DbError> {
        let id = self.take_id()?;
        self.note(path);
        self.insert
            .execute(params![path, id.0, version.size as i64, version.mtime])
            .doing("adding a file")?;
        Ok(id)
    }

    /// Adds an entry of unknown version under an id that an import brings along.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the catalogue already has the path or the database cannot be
    /// written.
    pub fn import(&mut self, path: &[u8], id: FileId) -> Result<(), DbError> {
        self.next_id = self.next_id.max(i64::from(id.0) + 1);
        self.note(path);
        self.insert
            .execute(params![path, id.0, None::<i64>, None::<i64>])
            .doing("importing a file")?;
        Ok(())
    }

    /// Records a new version of a file; it gets a new id, so that what mirrors were seen to have
    /// no longer counts.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written, and
    /// [`DbError::OutOfFileIds`] if no file id is left.
    pub fn replace(&mut self, path: &[u8], version: FileVersion) -> Result<FileId, DbError> {
        let id = self.take_id()?;
        self.set(path, id, version)?;
        Ok(id)
    }

    /// Records the version of an imported entry for the first time; its id stays.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn adopt(&mut self, path: &[u8], id: FileId, version: FileVersion) -> Result<(), DbError> {
        let least = self.given.1.map_or(i64::MAX, |least| least);
        self.given.1 = Some(least.min(i64::from(id.0)));
        self.set(path, id, version)
    }

    fn note(&mut self, path: &[u8]) {
        self.changes += 1;
        self.log.note(path);
    }

    fn set(&mut self, path: &[u8], id: FileId, version: FileVersion) -> Result<(), DbError> {
        self.note(path);
        self.update
            .execute(params![path, id.0, version.size as i64, version.mtime])
            .doing("changing a file")?;
        Ok(())
    }

    /// Takes a file out.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn remove(&mut self, path: &[u8]) -> Result<(), DbError> {
        self.note(path);
        self.remove.execute([path]).doing("removing a file")?;
        Ok(())
    }

    /// The same as [`CatalogueWriter::finish`]; what was given is remembered with its time.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn finish_at(self, at: Timestamp) -> Result<(), DbError> {
        if self.given != (None, None) {
            epoch::record(self.transaction, self.given, at)?;
        }
        self.finish()
    }

    /// Records what ids were given and, if anything changed, a new generation of the tree.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn finish(self) -> Result<(), DbError> {
        if self.changes == 0 {
            return Ok(());
        }
        let sqlite = self.transaction.inner;
        sqlite
            .execute(
                "UPDATE meta SET value = ?1 WHERE key = 'next_file_id'",
                [self.next_id],
            )
            .doing("recording the next file id")?;
        sqlite
            .execute(
                "UPDATE meta SET value = value + 1 WHERE key = 'tree_generation'",
                [],
            )
            .doing("recording the tree's generation")?;
        let transaction = self.transaction;
        let begun = generation(transaction)?;
        self.log.store(transaction, begun, || count(transaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;

    #[test]
    fn a_lookup_is_one_search_on_the_primary_key() {
        let folder = tempfile::tempdir().expect("folder");
        let writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let plan: String = writer
            .sqlite()
            .query_row(&format!("EXPLAIN QUERY PLAN {FIND}"), [&b"a"[..]], |row| {
                row.get(3)
            })
            .expect("plan");
        assert_eq!(plan, "SEARCH file USING PRIMARY KEY (path=?)");
    }

    #[test]
    fn a_directorys_files_are_a_range_of_the_primary_key() {
        let folder = tempfile::tempdir().expect("folder");
        let writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let plan: String = writer
            .sqlite()
            .query_row(
                &format!("EXPLAIN QUERY PLAN {IDS_BELOW}"),
                params![&b"a"[..], &b"b"[..], 1],
                |row| row.get(3),
            )
            .expect("plan");
        let expected = "SEARCH file USING PRIMARY KEY (path>? AND path<?)";
        assert_eq!(plan, expected);
    }

    #[test]
    fn versions_get_new_ids_and_subtrees_are_exact() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let version = |mtime| FileVersion { size: 5, mtime };
        writer
            .transaction(|transaction| {
                let mut catalogue = CatalogueWriter::new(transaction)?;
                for path in [&b"d-x"[..], b"d/a", b"d/b\xff", b"d0", b"e"] {
                    catalogue.insert(path, version(1))?;
                }
                catalogue.import(b"old", FileId(70))?;
                catalogue.finish()
            })
            .expect("insert");
        writer
            .transaction(|transaction| {
                let mut catalogue = CatalogueWriter::new(transaction)?;
                assert_eq!(catalogue.replace(b"d/a", version(2))?, FileId(71));
                catalogue.adopt(b"old", FileId(70), version(9))?;
                catalogue.remove(b"e")?;
                catalogue.finish()
            })
            .expect("change");
        let mut below = Vec::new();
        for_each(&writer, b"d", |path, file| {
            below.push((path.to_vec(), file.id.0))
        })
        .expect("read");
        assert_eq!(below, [(b"d/a".to_vec(), 71), (b"d/b\xff".to_vec(), 3)]);
        for (directory, limit, expected) in [
            (&b"d"[..], 10, vec![71, 3]),
            (b"d", 1, vec![71]),
            (b"nothing", 10, vec![]),
            (b"", 10, vec![1, 71, 3, 4, 70]),
        ] {
            let ids = files_below(&writer, directory, limit).expect("read");
            let ids: Vec<u32> = ids.into_iter().map(|id| id.0).collect();
            assert_eq!(ids, expected, "{directory:?}");
        }
        assert_eq!(count(&writer).expect("count"), 5);
        assert_eq!(generation(&writer).expect("generation"), 2);
        let old = find(&writer, b"old").expect("find").expect("there");
        assert_eq!((old.id, old.version), (FileId(70), Some(version(9))));
        assert_eq!(find(&writer, b"e").expect("find"), None);
    }
}
