//! Imports another system's mirrors, files and hashes, all or nothing.
//!
//! Files are staged in a temporary table and then go into the catalogue in path order: the table
//! is built page after page, whatever order they come in, and doubles lie side by side. Who has
//! what is gathered as one bitmap a mirror.
//!
//! # Limits
//! Memory: the bitmaps, and SQLite's caches. [`MIRRORS_MAX`] mirrors.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use rusqlite::{CachedStatement, params};

use super::catalogue::CatalogueWriter;
use super::content::{self, Content, ContentOrigin};
use super::error::{DbError, Doing};
use super::hash::{self, HashRecord};
use super::mirror::{self, MirrorRecord};
use super::open::{Queryable, Transaction, Writer};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::time::Timestamp;

/// Mirrors that an import may name: far above any list of mirrors (the largest have some
/// hundreds), and low enough that damaged data cannot fill the memory with bitmaps.
pub const MIRRORS_MAX: usize = 16_384;

/// A kind of data that an import changes or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// Taken over with a cleaned path (`/a//b` as `a/b`).
    PathCleaned,
    /// Left out: the path names nothing below the tree, or a directory.
    PathUnusable,
    /// Left out: another entry has the path.
    PathTwice,
    /// Left out: another file has the id.
    IdTwice,
    /// Left out: a mirror that does not exist has the file.
    PairOfNoMirror,
    /// Left out: a mirror has a file that does not exist.
    PairOfNoFile,
    /// Left out: the hashes belong to no file.
    HashOfNoFile,
    /// Left out: a digest has the wrong length.
    DigestOfWrongLength,
    /// Left out: the code has another name already.
    CodeTwice,
}

impl Oddity {
    /// As reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Oddity::PathCleaned => "paths cleaned of extra slashes and dots",
            Oddity::PathUnusable => "paths left out: they name no file below the tree",
            Oddity::PathTwice => "paths left out: another entry has the same path",
            Oddity::IdTwice => "files left out: another file has the same id",
            Oddity::PairOfNoMirror => "pairs left out: there is no such mirror",
            Oddity::PairOfNoFile => "pairs left out: their file does not exist or was left out",
            Oddity::HashOfNoFile => "hashes left out: there is no such file",
            Oddity::DigestOfWrongLength => "digests left out: their length is wrong",
            Oddity::CodeTwice => "country or region names left out: their code is taken",
        }
    }
}

/// Number of a file in the other system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignFileId(pub i64);

/// How often something odd came, and the first case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddityCount {
    /// How often.
    pub count: u64,
    /// The first case.
    pub example: String,
}

/// The numbers of rows that an import added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Mirrors.
    pub mirrors: u64,
    /// Files.
    pub files: u64,
    /// A mirror that has a file.
    pub pairs: u64,
    /// Files with hashes.
    pub hashes: u64,
    /// Markers.
    pub markers: u64,
    /// Names of countries and regions.
    pub names: u64,
    /// The data that the import changed or left out.
    pub odd: BTreeMap<Oddity, OddityCount>,
}

impl ImportCounts {
    /// Counts something odd.
    pub fn note(&mut self, oddity: Oddity, count: u64, example: impl FnOnce() -> String) {
        if count > 0 {
            let odd = self.odd.entry(oddity).or_insert_with(|| OddityCount {
                count: 0,
                example: example(),
            });
            odd.count += count;
        }
    }
}

/// Number of mirrors and of files.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn size(database: &impl Queryable) -> Result<(u64, u64), DbError> {
    let mirrors = database
        .sqlite()
        .query_row("SELECT count(*) FROM mirror", [], |row| {
            row.get::<_, i64>(0)
        })
        .doing("counting mirrors")?;
    Ok((mirrors.max(0) as u64, super::catalogue::count(database)?))
}

/// Runs `work` in one write transaction; any error of whatever layer rolls everything back.
///
/// # Errors
/// Returns an error as [`Writer::attempt`] does.
pub fn in_transaction<T, E: From<DbError>>(
    writer: &mut Writer,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    writer.attempt(work)
}

/// An import in progress.
pub struct Importer<'t> {
    transaction: &'t Transaction<'t>,
    stage: CachedStatement<'t>,
    /// Added to each file id, so that none is ever used twice.
    id_offset: i64,
    /// The number after which the generations of mirrors go on.
    generation_offset: i64,
    ids: RoaringBitmap,
    mirrors: BTreeSet<MirrorId>,
    contents: BTreeMap<MirrorId, RoaringBitmap>,
    imported: ImportCounts,
}

const STAGE: &str = "CREATE TEMP TABLE import_file \
    (path BLOB NOT NULL, cleaned INTEGER NOT NULL, id INTEGER NOT NULL)";

/// In path order; of doubles an entry that had the path as it is wins, then the oldest.
const STAGED: &str = "SELECT path, id FROM temp.import_file ORDER BY path, cleaned, id";

const EVERYTHING: &str = "DELETE FROM mirror; DELETE FROM file; DELETE FROM hash_pieces; \
    DELETE FROM hash; DELETE FROM marker; DELETE FROM country; DELETE FROM region;";

impl<'t> Importer<'t> {
    /// Prepares an import into an empty database, or in place of everything.
    ///
    /// # Errors
    /// Returns [`DbError::NotEmpty`] if the database has mirrors or files and `replace` is false,
    /// and [`DbError::Sql`] if it cannot be read or written.
    pub fn new(transaction: &'t Transaction<'t>, replace: bool) -> Result<Importer<'t>, DbError> {
        let sqlite = transaction.inner;
        let (mirrors, files) = size(transaction)?;
        if mirrors + files > 0 && !replace {
            return Err(DbError::NotEmpty { mirrors, files });
        }
        let number = |sql| sqlite.query_row(sql, [], |row| row.get::<_, i64>(0));
        let next_id = number("SELECT value FROM meta WHERE key = 'next_file_id'")
            .doing("reading the next file id")?;
        let generation = number("SELECT coalesce(max(generation), 0) FROM mirror_content")
            .doing("reading generations")?;
        sqlite
            .execute_batch(EVERYTHING)
            .doing("emptying the database")?;
        sqlite.execute_batch(STAGE).doing("preparing an import")?;
        let stage = sqlite
            .prepare_cached("INSERT INTO temp.import_file (path, cleaned, id) VALUES (?1, ?2, ?3)")
            .doing("preparing an import")?;
        Ok(Importer {
            transaction,
            stage,
            id_offset: next_id - 1,
            generation_offset: generation,
            ids: RoaringBitmap::new(),
            mirrors: BTreeSet::new(),
            contents: BTreeMap::new(),
            imported: ImportCounts::default(),
        })
    }

    /// Adds a mirror under its own number.
    ///
    /// # Errors
    /// Returns [`DbError::DuplicateIdentifier`] if the name is taken, [`DbError::TooManyMirrors`]
    /// if there would be too many mirrors, and [`DbError::Sql`] if the database cannot be read or
    /// written.
    pub fn mirror(&mut self, record: &MirrorRecord) -> Result<(), DbError> {
        if self.mirrors.len() >= MIRRORS_MAX {
            return Err(DbError::TooManyMirrors { most: MIRRORS_MAX });
        }
        mirror::insert(self.transaction, record)?;
        self.mirrors.insert(record.id);
        self.imported.mirrors += 1;
        Ok(())
    }

    fn file_id(&self, ForeignFileId(id): ForeignFileId) -> Result<FileId, DbError> {
        let shifted = id.checked_add(self.id_offset).filter(|_| id > 0);
        shifted
            .and_then(|id| u32::try_from(id).ok())
            .map(FileId)
            .ok_or(DbError::BadFileId {
                id,
                offset: self.id_offset,
            })
    }

    /// Adds a file of unknown version, with the mirrors that have it.
    ///
    /// # Errors
    /// Returns [`DbError::BadFileId`] if the id is out of bounds, [`DbError::TooManyMirrors`] if
    /// the import names too many mirrors, and [`DbError::Sql`] if the database cannot be written.
    pub fn file(
        &mut self,
        id: ForeignFileId,
        path: &[u8],
        mirrors: &[MirrorId],
    ) -> Result<(), DbError> {
        let file_id = self.file_id(id)?;
        let Some(clean) = usable_path(path) else {
            let example = || path.escape_ascii().to_string();
            self.imported.note(Oddity::PathUnusable, 1, example);
            return Ok(());
        };
        if !self.ids.insert(file_id.0) {
            let example = || format!("{}: {}", id.0, path.escape_ascii());
            self.imported.note(Oddity::IdTwice, 1, example);
            return Ok(());
        }
        let cleaned = clean.as_bytes() != path;
        if cleaned {
            let example = || path.escape_ascii().to_string();
            self.imported.note(Oddity::PathCleaned, 1, example);
        }
        self.stage
            .execute(params![clean.as_bytes(), cleaned, file_id.0])
            .doing("staging a file")?;
        for &mirror in mirrors {
            self.add_pair(mirror, file_id)?;
        }
        Ok(())
    }

    /// Adds that a mirror has a file; mirror and file may be added later.
    ///
    /// # Errors
    /// Returns [`DbError::BadFileId`] if the id is out of bounds, and [`DbError::TooManyMirrors`]
    /// if the import names too many mirrors.
    pub fn pair(&mut self, mirror: MirrorId, id: ForeignFileId) -> Result<(), DbError> {
        let file_id = self.file_id(id)?;
        self.add_pair(mirror, file_id)
    }

    fn add_pair(&mut self, mirror: MirrorId, file_id: FileId) -> Result<(), DbError> {
        if let Some(content) = self.contents.get_mut(&mirror) {
            content.insert(file_id.0);
            return Ok(());
        }
        if self.contents.len() >= MIRRORS_MAX {
            return Err(DbError::TooManyMirrors { most: MIRRORS_MAX });
        }
        self.contents
            .insert(mirror, RoaringBitmap::from_iter([file_id.0]));
        Ok(())
    }

    /// Adds the hashes of a file; the file may be added later.
    ///
    /// # Errors
    /// Returns [`DbError::BadFileId`] if the id is out of bounds, and [`DbError::Sql`] if the
    /// database cannot be written.
    pub fn hash(
        &mut self,
        id: ForeignFileId,
        version: FileVersion,
        mut record: HashRecord,
    ) -> Result<(), DbError> {
        let file_id = self.file_id(id)?;
        let digests = &mut record.digests;
        let lengths = [
            (&mut digests.md5, "md5", 16),
            (&mut digests.sha1, "sha1", 20),
            (&mut digests.sha256, "sha256", 32),
            (&mut digests.sha512, "sha512", 64),
            (&mut digests.btih, "btih", 20),
        ];
        for (digest, name, length) in lengths {
            if let Some(wrong) = digest.take_if(|bytes| bytes.len() != length) {
                let example = || format!("{name} of file {}: {} bytes", id.0, wrong.len());
                self.imported.note(Oddity::DigestOfWrongLength, 1, example);
            }
        }
        hash::store(self.transaction, file_id, version, &record)?;
        self.imported.hashes += 1;
        Ok(())
    }

    /// Adds a marker for the overview of mirrors.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn marker(&mut self, subtree_name: &str, markers: &str) -> Result<(), DbError> {
        self.transaction
            .inner
            .execute(
                "INSERT INTO marker (subtree_name, markers) VALUES (?1, ?2)",
                [subtree_name, markers],
            )
            .doing("adding a marker")?;
        self.imported.markers += 1;
        Ok(())
    }

    /// Adds the name of a country.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn country(&mut self, code: &str, name: &str) -> Result<(), DbError> {
        self.name(
            "INSERT OR IGNORE INTO country (code, name) VALUES (?1, ?2)",
            code,
            name,
        )
    }

    /// Adds the name of a region.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn region(&mut self, code: &str, name: &str) -> Result<(), DbError> {
        self.name(
            "INSERT OR IGNORE INTO region (code, name) VALUES (?1, ?2)",
            code,
            name,
        )
    }

    fn name(&mut self, sql: &str, code: &str, name: &str) -> Result<(), DbError> {
        let added = self
            .transaction
            .inner
            .execute(sql, [code, name])
            .doing("adding the name of a place")?;
        self.imported.names += added as u64;
        let left_out = 1_u64.saturating_sub(added as u64);
        let example = || format!("{code}: {name}");
        self.imported.note(Oddity::CodeTwice, left_out, example);
        Ok(())
    }

    /// Puts everything in its place; nothing is to be seen of it before the transaction ends.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn finish(mut self, origin: &ContentOrigin) -> Result<ImportCounts, DbError> {
        self.fill_catalogue()?;
        self.publish(origin)?;
        let orphans = hash::remove_orphans(self.transaction)? as u64;
        self.imported.hashes -= orphans.min(self.imported.hashes);
        self.imported
            .note(Oddity::HashOfNoFile, orphans, String::new);
        Ok(self.imported)
    }

    fn fill_catalogue(&mut self) -> Result<(), DbError> {
        let sqlite = self.transaction.inner;
        let mut catalogue = CatalogueWriter::new(self.transaction)?;
        let mut staged = sqlite.prepare(STAGED).doing("sorting files")?;
        let mut rows = staged.query([]).doing("sorting files")?;
        let mut last: Vec<u8> = Vec::new();
        while let Some(row) = rows.next().doing("sorting files")? {
            let id: u32 = row.get(1).doing("sorting files")?;
            let path = row.get_ref(0).doing("sorting files")?;
            let path = path.as_bytes().unwrap_or_default();
            if path == last {
                self.ids.remove(id);
                let example = || path.escape_ascii().to_string();
                self.imported.note(Oddity::PathTwice, 1, example);
                continue;
            }
            catalogue.import(path, FileId(id))?;
            self.imported.files += 1;
            last.clear();
            last.extend_from_slice(path);
        }
        catalogue.finish()?;
        drop(rows);
        drop(staged);
        sqlite
            .execute_batch("DROP TABLE temp.import_file")
            .doing("tidying up after an import")
    }

    fn publish(&mut self, origin: &ContentOrigin) -> Result<(), DbError> {
        for (mirror, mut current) in std::mem::take(&mut self.contents) {
            let all = current.len();
            if !self.mirrors.contains(&mirror) {
                let example = || format!("mirror {mirror}, {all} files");
                self.imported.note(Oddity::PairOfNoMirror, all, example);
                continue;
            }
            current &= &self.ids;
            let example = || format!("mirror {mirror}");
            let lost = all - current.len();
            self.imported.note(Oddity::PairOfNoFile, lost, example);
            self.imported.pairs += current.len();
            let content = Content {
                current,
                outdated: RoaringBitmap::new(),
            };
            content::publish(self.transaction, mirror, &content, origin)?;
        }
        // Who watches generations must see that these are others than those they replace.
        self.transaction
            .inner
            .execute(
                "UPDATE mirror_content SET generation = generation + ?1",
                [self.generation_offset],
            )
            .doing("numbering generations")?;
        Ok(())
    }

    /// When and how the contents were learnt.
    pub fn origin(at: Timestamp) -> ContentOrigin {
        ContentOrigin {
            at,
            by: "import".to_owned(),
            unknown_files: 0,
        }
    }
}

/// A path that names a file; one that ends in a slash names a directory.
fn usable_path(path: &[u8]) -> Option<FilePath> {
    if path.ends_with(b"/") {
        return None;
    }
    FilePath::parse(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{catalogue, open_writer};

    fn run(
        writer: &mut Writer,
        replace: bool,
        work: impl FnOnce(&mut Importer<'_>) -> Result<(), DbError>,
    ) -> Result<ImportCounts, DbError> {
        in_transaction(writer, |transaction| {
            let mut importer = Importer::new(transaction, replace)?;
            work(&mut importer)?;
            importer.finish(&Importer::origin(Timestamp(7)))
        })
    }

    fn mirror(id: i64) -> MirrorRecord {
        MirrorRecord {
            id: MirrorId(id),
            ..MirrorRecord::new(&format!("m{id}"))
        }
    }

    fn current(writer: &Writer, mirror: i64) -> Vec<u32> {
        let content = content::load(writer, MirrorId(mirror)).expect("load");
        content.map_or_else(Vec::new, |found| found.content.current.iter().collect())
    }

    #[test]
    fn odd_entries_are_left_out_and_counted() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let imported = run(&mut writer, false, |importer| {
            importer.mirror(&mirror(3))?;
            importer.file(
                ForeignFileId(9),
                b"z",
                &[MirrorId(3), MirrorId(3), MirrorId(70_000)],
            )?;
            importer.file(ForeignFileId(1), b"/a//b", &[MirrorId(3)])?;
            importer.file(ForeignFileId(2), b"a/b", &[MirrorId(3)])?;
            importer.file(ForeignFileId(4), b"/c\xff", &[MirrorId(3), MirrorId(-1)])?;
            for path in [&b""[..], b"/", b"../x", b"d/"] {
                importer.file(ForeignFileId(5), path, &[MirrorId(3)])?;
            }
            importer.file(ForeignFileId(9), b"other", &[MirrorId(3)])?;
            importer.pair(MirrorId(3), ForeignFileId(77))?;
            let version = FileVersion { size: 1, mtime: 2 };
            importer.hash(ForeignFileId(2), version, HashRecord::default())?;
            importer.hash(ForeignFileId(78), version, HashRecord::default())?;
            let mut short = HashRecord::default();
            short.digests.md5 = Some(vec![1]);
            importer.hash(ForeignFileId(9), version, short)?;
            importer.country("id", "Indonesia")?;
            importer.country("id", "Saint Martin")?;
            importer.marker("all", "README")
        })
        .expect("import");
        let odd: Vec<(Oddity, u64)> = imported.odd.iter().map(|(k, v)| (*k, v.count)).collect();
        assert_eq!(
            odd,
            [
                (Oddity::PathCleaned, 2),
                (Oddity::PathUnusable, 4),
                (Oddity::PathTwice, 1),
                (Oddity::IdTwice, 1),
                (Oddity::PairOfNoMirror, 2),
                (Oddity::PairOfNoFile, 2),
                (Oddity::HashOfNoFile, 1),
                (Oddity::DigestOfWrongLength, 1),
                (Oddity::CodeTwice, 1),
            ]
        );
        assert_eq!((imported.files, imported.pairs, imported.hashes), (3, 3, 2));
        assert_eq!(current(&writer, 3), [2, 4, 9]);
        let found = |path: &[u8]| {
            catalogue::find(&writer, path)
                .expect("find")
                .map(|f| f.id.0)
        };
        assert_eq!(
            (found(b"a/b"), found(b"c\xff"), found(b"z")),
            (Some(2), Some(4), Some(9))
        );
    }

    #[test]
    fn a_second_import_replaces_only_when_told_and_never_uses_an_id_again() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let once = |importer: &mut Importer<'_>| {
            importer.mirror(&mirror(3))?;
            importer.file(ForeignFileId(9), b"z", &[MirrorId(3)])
        };
        run(&mut writer, false, once).expect("first");
        let error = run(&mut writer, false, once).expect_err("second");
        assert!(
            matches!(
                error,
                DbError::NotEmpty {
                    mirrors: 1,
                    files: 1
                }
            ),
            "{error}"
        );
        let error = run(&mut writer, true, |importer| {
            once(importer)?;
            importer.file(ForeignFileId(i64::from(u32::MAX)), b"y", &[])
        })
        .expect_err("an id beyond the last");
        assert!(matches!(error, DbError::BadFileId { .. }), "{error}");
        assert_eq!(current(&writer, 3), [9], "nothing changed");

        run(&mut writer, true, once).expect("replaced");
        assert_eq!(current(&writer, 3), [18]);
        let generations = content::generations(&writer).expect("generations");
        assert_eq!(
            generations,
            [(MirrorId(3), 2)],
            "a responder sees that it is another"
        );
    }
}
