//! Keeps the table of known files in a file beside the database, so that a start reads it instead
//! of making it.
//!
//! An index run and an import write `DATABASE.files` aside and rename it. The responder only reads
//! it. The file only saves time: in case of doubt, the table is made from the database. A wrong id
//! would send clients to mirrors that lack the file, so the file is believed only if it names the
//! lineage of the database and a state of the catalogue, with its stamp, from which the database
//! remembers every change, and if the sums of its head and its content are right. Because of these
//! sums, writers need not wait until the file is on the disk. The name of the unfinished file is
//! always the same: a lock on it keeps a second writer away.
//!
//! The file is read, not mapped into memory: a file that is cut by accident would kill the process.
//!
//! # Security
//! The seed in the file keeps others from choosing paths that collide, so the file is as private as
//! the database.

use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::known_catalogue::{KnownCatalogue, changes_max};
use super::known_files::{EMPTY, KnownFile, KnownFiles, slots_of};
use crate::db::DbError;
use crate::db::change::{CatalogueMark, ChangedFile, changed_since, mark};
use crate::db::copy::lineage::Lineage;
use crate::db::open::{Reader, open_reader};
use crate::regular_file;
use crate::system::{create_private, make_private};

/// The first bytes; the digit changes with the format.
const MAGIC: &[u8; 8] = b"HELIOFT1";

/// Magic, database, branch, generation, stamp, seed, number of files: eight bytes each.
const HEAD_FIELDS_BYTES: usize = 7 * 8;

/// Bytes of a sum.
const SUM_BYTES: usize = 16;

/// Bytes of the head: its fields and their sum.
const HEAD_BYTES: usize = HEAD_FIELDS_BYTES + SUM_BYTES;

/// Bytes of a file.
const FILE_BYTES: usize = 32;

/// Bytes of a slot of the hash table.
const SLOT_BYTES: usize = 4;

/// Bytes that are read or written at a time: they stay in the processor's cache.
const PIECE_BYTES: usize = 256 * 1024;

/// Number of changes since the file was written after which it is rewritten: a start needs a tenth
/// of a second to catch up with them. A file is also rewritten after half as many changes as a
/// table can hold beside it, so that a responder that starts with it has room for more.
const CHANGES_MAX: usize = 16 * 1024;

/// Ends the name of the file; the database's name stands before.
const SUFFIX: &str = ".files";

/// Ends the name of a file that is being written.
const NEW_SUFFIX: &str = ".files.new";

/// Why the file beside the database is not used, or was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableFileError {
    /// The file does not exist.
    #[error("there is no {path}; the next run of heliostat-index makes it")]
    Absent {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot use {path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's message.
        problem: io::Error,
    },
    /// The file was cut or altered.
    #[error("{path} is damaged ({problem}); the next run of heliostat-index replaces it")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: &'static str,
    },
    /// The file belongs to another database, or to a state that the database no longer remembers.
    #[error("{path} is {problem}; the next run of heliostat-index replaces it")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// How it differs.
        problem: &'static str,
    },
    /// Another program is writing the file.
    #[error("another program is writing {path}")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Db(#[from] DbError),
}

/// The head of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TableHead {
    lineage: Lineage,
    mark: CatalogueMark,
    seed: u64,
    files: u64,
}

/// The path of the file that belongs to a database.
pub fn table_path(database: &Path) -> PathBuf {
    beside(database, SUFFIX)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

impl TableHead {
    fn to_bytes(self) -> Option<[u8; HEAD_BYTES]> {
        let (database, branch) = self.lineage.numbers();
        let fields = [
            *MAGIC,
            database.to_le_bytes(),
            branch.to_le_bytes(),
            self.mark.generation.to_le_bytes(),
            self.mark.stamp?.to_le_bytes(),
            self.seed.to_le_bytes(),
            self.files.to_le_bytes(),
        ];
        let mut bytes = [0; HEAD_BYTES];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field);
        }
        let sum = xxh3_128(&bytes[..HEAD_FIELDS_BYTES]);
        bytes[HEAD_FIELDS_BYTES..].copy_from_slice(&sum.to_le_bytes());
        Some(bytes)
    }

    fn of_bytes(bytes: &[u8; HEAD_BYTES]) -> Option<TableHead> {
        let (fields, sum) = bytes.split_at(HEAD_FIELDS_BYTES);
        if fields[..MAGIC.len()] != *MAGIC || xxh3_128(fields).to_le_bytes() != *sum {
            return None;
        }
        let signed = |field: usize| i64_at(fields, field * 8);
        Some(TableHead {
            lineage: Lineage::of_numbers(signed(1), signed(2)),
            mark: CatalogueMark {
                generation: signed(3),
                stamp: Some(signed(4)),
            },
            seed: signed(5).cast_unsigned(),
            files: signed(6).cast_unsigned(),
        })
    }

    /// Size of the whole file; `None` for a number of files that no catalogue has.
    fn file_bytes(&self) -> Option<u64> {
        let files = usize::try_from(self.files).ok();
        let files = files.filter(|files| u32::try_from(*files).is_ok_and(|n| n < EMPTY))?;
        let bytes = HEAD_BYTES + files * FILE_BYTES + slots_of(files) * SLOT_BYTES + SUM_BYTES;
        Some(bytes as u64)
    }
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default())
}

/// A file that fits the database; its content is not read yet.
#[derive(Debug)]
pub(super) struct OpenTable {
    file: File,
    path: PathBuf,
    head: TableHead,
    /// The files that changed since.
    changed: Vec<ChangedFile>,
}

impl OpenTable {
    /// Opens the file beside the database, and reads what changed since, in the caller's read
    /// transaction.
    ///
    /// # Errors
    /// Returns [`TableFileError`] if the file may not be used; then the table is made from the
    /// database.
    pub fn open(reader: &Reader) -> Result<OpenTable, TableFileError> {
        let path = table_path(reader.path());
        let mut file = regular_file::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => TableFileError::Absent { path: path.clone() },
            _ => TableFileError::File {
                path: path.clone(),
                problem: source,
            },
        })?;
        let head = read_head(&mut file, &path)?;
        let unfit = |problem| TableFileError::Unfit {
            path: path.clone(),
            problem,
        };
        if head.lineage != reader.lineage()? {
            return Err(unfit("of another database"));
        }
        let files = usize::try_from(head.files).unwrap_or(0);
        let limit = CHANGES_MAX.min(changes_max(files) / 2);
        let Some(changed) = changed_since(reader, head.mark, limit)? else {
            return Err(unfit("too old, or of a state that was taken back"));
        };
        Ok(OpenTable {
            file,
            path,
            head,
            changed,
        })
    }

    /// Reads the content. Returns the catalogue as it is at `now`, the moment of the transaction in
    /// which the file was opened.
    ///
    /// # Errors
    /// Returns [`TableFileError`] if the content is damaged or cannot be read.
    pub fn read(mut self, now: CatalogueMark) -> Result<KnownCatalogue, TableFileError> {
        let table = read_content(&mut self.file, &self.head, &self.path)?;
        let files = KnownCatalogue::new(self.head.mark, table);
        Ok(files.changed(now, &self.changed))
    }
}

fn read_head(file: &mut File, path: &Path) -> Result<TableHead, TableFileError> {
    let failed = |problem| TableFileError::File {
        path: path.to_owned(),
        problem,
    };
    let damaged = |problem| TableFileError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = [0; HEAD_BYTES];
    file.read_exact(&mut bytes)
        .map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("too short"),
            _ => failed(source),
        })?;
    let head = TableHead::of_bytes(&bytes).ok_or_else(|| damaged("its head is wrong"))?;
    if head.file_bytes() != Some(length) {
        return Err(damaged("its length is wrong"));
    }
    Ok(head)
}

/// Reads the files and the hash table, and believes them only if the sum at the end is theirs.
fn read_content(
    file: &mut File,
    head: &TableHead,
    path: &Path,
) -> Result<KnownFiles, TableFileError> {
    let damaged = |problem| TableFileError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let read = |source: io::Error| match source.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it was cut while it was read"),
        _ => TableFileError::File {
            path: path.to_owned(),
            problem: source,
        },
    };
    let count = usize::try_from(head.files).map_err(|_| damaged("it has too many files"))?;
    let mut source = SummedReader {
        file,
        sum: Xxh3::new(),
        piece: vec![0; PIECE_BYTES],
    };
    let mut files = vec_with_room(count).ok_or_else(|| damaged("it has too many files"))?;
    source
        .for_each(count * FILE_BYTES, |piece| {
            files.extend(piece.chunks_exact(FILE_BYTES).map(file_of));
        })
        .map_err(read)?;
    let slots = slots_of(count);
    let mut table = vec_with_room(slots).ok_or_else(|| damaged("it has too many files"))?;
    source
        .for_each(slots * SLOT_BYTES, |piece| {
            table.extend(piece.chunks_exact(SLOT_BYTES).map(|slot| u32_at(slot, 0)));
        })
        .map_err(read)?;
    let mut sum = [0; SUM_BYTES];
    source.file.read_exact(&mut sum).map_err(read)?;
    if source.sum.digest128().to_le_bytes() != sum {
        return Err(damaged("its sum is wrong"));
    }
    KnownFiles::of_parts(head.seed, files, table).ok_or_else(|| damaged("its table is wrong"))
}

/// An empty vector with room; `None` if there is no such memory. The number is of a file whose sum
/// is not known yet.
fn vec_with_room<T>(count: usize) -> Option<Vec<T>> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(count).ok()?;
    Some(vec)
}

/// Reads piece by piece and adds up.
struct SummedReader<'f> {
    file: &'f mut File,
    sum: Xxh3,
    piece: Vec<u8>,
}

impl SummedReader<'_> {
    fn for_each(&mut self, bytes: usize, mut give: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let piece = &mut self.piece[..left.min(PIECE_BYTES)];
            self.file.read_exact(piece)?;
            self.sum.update(piece);
            give(piece);
            left -= piece.len();
        }
        Ok(())
    }
}

fn file_of(bytes: &[u8]) -> KnownFile {
    KnownFile {
        key: i64_at(bytes, 0).cast_unsigned(),
        key_more: u32_at(bytes, 8),
        id: u32_at(bytes, 12),
        size: i64_at(bytes, 16).cast_unsigned(),
        mtime: i64_at(bytes, 24),
    }
}

fn bytes_of(file: &KnownFile) -> [u8; FILE_BYTES] {
    let mut bytes = [0; FILE_BYTES];
    bytes[..8].copy_from_slice(&file.key.to_le_bytes());
    bytes[8..12].copy_from_slice(&file.key_more.to_le_bytes());
    bytes[12..16].copy_from_slice(&file.id.to_le_bytes());
    bytes[16..24].copy_from_slice(&file.size.to_le_bytes());
    bytes[24..].copy_from_slice(&file.mtime.to_le_bytes());
    bytes
}

/// Brings the file beside a database up to date, if a start would not use it as it is.
///
/// # Errors
/// Returns [`TableFileError`] if it cannot be written; the program that wanted it has done its work
/// nevertheless.
pub fn refresh_table(database: &Path) -> Result<(), TableFileError> {
    let reader = open_reader(database)?;
    reader.begin_read()?;
    let now = mark(&reader)?;
    match OpenTable::open(&reader).and_then(|table| table.read(now)) {
        Ok(_) => return Ok(()),
        Err(TableFileError::Db(error)) => return Err(error.into()),
        Err(reason) => log::debug!("the table of files is written: reason=\"{reason}\""),
    }
    let seed = fastrand::u64(..);
    let files = KnownFiles::load(&reader, seed)?;
    let head = TableHead {
        lineage: reader.lineage()?,
        mark: now,
        seed,
        files: files.len() as u64,
    };
    reader.end_read()?;
    let Some(bytes) = head.to_bytes() else {
        // A program of an earlier version changed the catalogue; the next change mends that.
        return Ok(());
    };
    write(database, &bytes, &files)
}

/// Writes the file aside and renames it.
fn write(
    database: &Path,
    head: &[u8; HEAD_BYTES],
    files: &KnownFiles,
) -> Result<(), TableFileError> {
    let new = beside(database, NEW_SUFFIX);
    let failed = |problem| TableFileError::File {
        path: new.clone(),
        problem,
    };
    create_private(&new).map_err(failed)?;
    let file = regular_file::open_own(&new).map_err(failed)?;
    // One that another program left may be open to everybody.
    make_private(&new).map_err(failed)?;
    let busy = || TableFileError::Busy { path: new.clone() };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Another writer may have renamed it before it was locked here.
    let here = std::fs::metadata(&new).map_err(failed)?;
    if here.ino() != file.metadata().map_err(failed)?.ino() {
        return Err(busy());
    }
    let written = file
        .set_len(0)
        .and_then(|()| write_content(&file, head, files))
        .and_then(|()| std::fs::rename(&new, table_path(database)));
    written.map_err(|source| {
        // An unfinished file is of no use.
        let _ = std::fs::remove_file(&new);
        failed(source)
    })
}

fn write_content(file: &File, head: &[u8; HEAD_BYTES], files: &KnownFiles) -> io::Result<()> {
    let (_, rows, table) = files.parts();
    let mut out = BufWriter::with_capacity(PIECE_BYTES, file);
    let mut sum = Xxh3::new();
    out.write_all(head)?;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    for rows in rows.chunks(PIECE_BYTES / FILE_BYTES) {
        piece.clear();
        rows.iter()
            .for_each(|row| piece.extend_from_slice(&bytes_of(row)));
        sum.update(&piece);
        out.write_all(&piece)?;
    }
    for slots in table.chunks(PIECE_BYTES / SLOT_BYTES) {
        piece.clear();
        let bytes = slots.iter().flat_map(|slot| slot.to_le_bytes());
        piece.extend(bytes);
        sum.update(&piece);
        out.write_all(&piece)?;
    }
    out.write_all(&sum.digest128().to_le_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalogue::{self, CatalogueWriter};
    use crate::db::copy::moment::{Moment, give_name};
    use crate::db::{Writer, open_writer};
    use crate::domain::file::{CatalogueFile, FileVersion};

    fn read(reader: &Reader, now: CatalogueMark) -> Result<KnownCatalogue, TableFileError> {
        OpenTable::open(reader).and_then(|table| table.read(now))
    }

    fn path_of(number: u32) -> Vec<u8> {
        format!("dir/file-{number:04}").into_bytes()
    }

    fn change(writer: &mut Writer, work: impl Fn(&mut CatalogueWriter<'_>) -> Result<(), DbError>) {
        let changed = writer.transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            work(&mut catalogue)?;
            catalogue.finish()
        });
        changed.expect("changed");
    }

    fn version(number: u32) -> FileVersion {
        FileVersion {
            size: u64::from(number),
            mtime: -i64::from(number),
        }
    }

    /// A database of `count` files; one has no version.
    fn make(path: &Path, count: u32) -> Writer {
        let mut writer = open_writer(path).expect("a database");
        change(&mut writer, |catalogue| {
            (1..count).try_for_each(|n| catalogue.insert(&path_of(n), version(n)).map(drop))?;
            catalogue.import(b"imported", crate::domain::file::FileId(5000))
        });
        writer
    }

    /// Looks all up as the responder would; `None` if the file is not believed.
    fn read_all(reader: &Reader) -> Option<Vec<(Vec<u8>, Option<CatalogueFile>)>> {
        reader.begin_read().expect("begin");
        let now = mark(reader).expect("mark");
        let found = read(reader, now).ok().map(|all| {
            let paths = (0..60).map(path_of).chain([b"imported".to_vec()]);
            paths.map(|path| (path.clone(), all.get(&path))).collect()
        });
        reader.end_read().expect("end");
        found
    }

    /// The same, from the database.
    fn truth(reader: &Reader) -> Vec<(Vec<u8>, Option<CatalogueFile>)> {
        let paths = (0..60).map(path_of).chain([b"imported".to_vec()]);
        let find = |path: Vec<u8>| {
            let file = catalogue::find(reader, &path).expect("read");
            (path, file)
        };
        paths.map(find).collect()
    }

    fn reason(database: &Path) -> TableFileError {
        let reader = open_reader(database).expect("open");
        let now = mark(&reader).expect("mark");
        read(&reader, now).expect_err("not believed")
    }

    #[test]
    fn a_file_with_any_byte_altered_or_cut_anywhere_is_not_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("a.sqlite");
        make(&database, 40);
        assert!(matches!(reason(&database), TableFileError::Absent { .. }));
        refresh_table(&database).expect("written");
        let reader = open_reader(&database).expect("open");
        assert_eq!(read_all(&reader), Some(truth(&reader)));
        let table = table_path(&database);
        let whole = std::fs::read(&table).expect("the file");
        for at in 0..whole.len() {
            for change in [1 << (at % 8), 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                std::fs::write(&table, bytes).expect("altered");
                assert_eq!(read_all(&reader), None, "byte {at} by {change}");
            }
            std::fs::write(&table, &whole[..at]).expect("cut");
            assert_eq!(read_all(&reader), None, "cut at {at}");
        }
        let longer = [&whole[..], b"\0"].concat();
        std::fs::write(&table, longer).expect("longer");
        assert_eq!(read_all(&reader), None);
        std::fs::remove_file(&table).expect("removed");
        std::fs::create_dir(&table).expect("a folder");
        assert!(matches!(reason(&database), TableFileError::File { .. }));
        std::fs::remove_dir(&table).expect("removed");
        // A damaged file is mended.
        std::fs::write(&table, &whole[..99]).expect("cut");
        refresh_table(&database).expect("written");
        assert_eq!(read_all(&reader), Some(truth(&reader)));
    }

    /// Root may run an index beside a database whose folder belongs to the services' user.
    #[test]
    fn nothing_is_written_through_a_link_and_no_fifo_is_waited_for() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("a.sqlite");
        make(&database, 40);
        let [precious, new] = ["precious", "a.sqlite.files.new"].map(|n| folder.path().join(n));
        std::fs::write(&precious, "precious").expect("a file");
        symlink(&precious, &new).expect("a link");
        let error = refresh_table(&database).expect_err("refused").to_string();
        assert!(error.contains("it is a link"), "{error}");
        assert_eq!(std::fs::read(&precious).expect("there"), b"precious");
        std::fs::remove_file(&new).expect("removed");
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
        rustix::fs::mknodat(rustix::fs::CWD, &new, kind, mode, 0).expect("a FIFO");
        let error = refresh_table(&database).expect_err("refused").to_string();
        assert!(error.contains("a FIFO"), "{error}");
        std::fs::remove_file(&new).expect("removed");
        std::fs::write(&new, "left over").expect("a file");
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&new, open).expect("mode");
        refresh_table(&database).expect("written");
        let table = table_path(&database);
        let mode = table.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o007, 0, "{mode:o}");
        // A link in the place of the whole file is replaced, not followed.
        std::fs::remove_file(&table).expect("removed");
        symlink(&precious, &table).expect("a link");
        assert!(matches!(reason(&database), TableFileError::Damaged { .. }));
        refresh_table(&database).expect("written");
        assert_eq!(std::fs::read(&precious).expect("there"), b"precious");
        let reader = open_reader(&database).expect("open");
        assert_eq!(read_all(&reader), Some(truth(&reader)));
    }

    #[test]
    fn an_older_file_is_caught_up_or_not_used() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("a.sqlite");
        let mut writer = make(&database, 50);
        refresh_table(&database).expect("written");
        let table = table_path(&database);
        let old = std::fs::read(&table).expect("the file");
        change(&mut writer, |catalogue| {
            catalogue.remove(&path_of(7))?;
            catalogue.replace(&path_of(8), version(80))?;
            catalogue.insert(&path_of(55), version(55))?;
            catalogue.adopt(b"imported", crate::domain::file::FileId(5000), version(9))
        });
        let reader = open_reader(&database).expect("open");
        assert_eq!(read_all(&reader), Some(truth(&reader)));
        refresh_table(&database).expect("it may stay");
        assert_eq!(std::fs::read(&table).expect("the file"), old);
        // One more than a start catches up.
        change(&mut writer, |catalogue| {
            (0..600).try_for_each(|n| {
                catalogue
                    .insert(format!("more-{n}").as_bytes(), version(1))
                    .map(drop)
            })
        });
        assert_eq!(read_all(&reader), None);
        refresh_table(&database).expect("written");
        assert_ne!(std::fs::read(&table).expect("the file"), old);
        assert_eq!(read_all(&reader), Some(truth(&reader)));
        // A program of an earlier version changes the catalogue.
        let older = "UPDATE meta SET value = value + 1 WHERE key = 'tree_generation'";
        let raw = rusqlite_free(&database, older);
        assert!(raw, "sqlite3 runs");
        assert_eq!(read_all(&reader), None);
        refresh_table(&database).expect("nothing to write");
        assert_eq!(read_all(&reader), None);
    }

    /// Runs SQL as a foreign program does.
    fn rusqlite_free(database: &Path, sql: &str) -> bool {
        let ran = std::process::Command::new("sqlite3")
            .arg(database)
            .arg(sql)
            .status();
        ran.expect("sqlite3").success()
    }

    #[test]
    fn a_file_of_another_database_branch_or_history_is_not_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let [ours, other, copy] = ["a", "b", "c"].map(|name| folder.path().join(name));
        let mut writer = make(&ours, 40);
        make(&other, 40);
        refresh_table(&ours).expect("written");
        std::fs::copy(table_path(&ours), table_path(&other)).expect("copied");
        let error = reason(&other).to_string();
        assert!(error.contains("of another database"), "{error}");
        // A copy of the same moment may use it, until it goes its own way.
        let moment = Moment::open(&ours).expect("it opens");
        let new = folder.path().join("new");
        moment.write_copy(&new, &mut |_| {}).expect("a copy");
        give_name(&new, &copy).expect("named");
        assert!(
            matches!(reason(&copy), TableFileError::Absent { .. }),
            "no part of a backup"
        );
        std::fs::copy(table_path(&ours), table_path(&copy)).expect("copied");
        {
            let reader = open_reader(&copy).expect("open");
            assert_eq!(read_all(&reader), Some(truth(&reader)));
        }
        let mut restored = open_writer(&copy).expect("it is written");
        assert!(reason(&copy).to_string().contains("of another database"));
        // Both count up to the same generation with other content; and the head is forged to fit.
        change(&mut writer, |catalogue| catalogue.remove(&path_of(3)));
        change(&mut restored, |catalogue| catalogue.remove(&path_of(4)));
        std::fs::remove_file(table_path(&ours)).expect("removed");
        refresh_table(&ours).expect("written");
        let bytes = std::fs::read(table_path(&ours)).expect("the file");
        let head: [u8; HEAD_BYTES] = bytes[..HEAD_BYTES].try_into().expect("a head");
        let head = TableHead {
            lineage: open_reader(&copy).expect("open").lineage().expect("read"),
            ..TableHead::of_bytes(&head).expect("a head")
        };
        let forged = [&head.to_bytes().expect("a stamp"), &bytes[HEAD_BYTES..]].concat();
        std::fs::write(table_path(&copy), forged).expect("written");
        let error = reason(&copy).to_string();
        assert!(error.contains("a state that was taken back"), "{error}");
    }

    #[test]
    fn a_file_of_a_generation_that_was_taken_back_is_not_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let [database, before] = ["a", "before"].map(|name| folder.path().join(name));
        let mut writer = make(&database, 40);
        writer.commit_durably().expect("all goes into the one file");
        change(&mut writer, |catalogue| catalogue.remove(&path_of(5)));
        std::fs::copy(&database, &before).expect("copied");
        change(&mut writer, |catalogue| catalogue.remove(&path_of(3)));
        refresh_table(&database).expect("written");
        drop(writer);
        // As a power cut does: the last transaction is gone, the file beside it is not.
        std::fs::remove_file(beside(&database, "-wal")).expect("removed");
        std::fs::rename(&before, &database).expect("renamed");
        let error = reason(&database).to_string();
        assert!(error.contains("taken back"), "{error}");
        let mut writer = open_writer(&database).expect("it opens");
        change(&mut writer, |catalogue| catalogue.remove(&path_of(4)));
        let error = reason(&database).to_string();
        assert!(error.contains("taken back"), "{error}");
        refresh_table(&database).expect("written");
        let reader = open_reader(&database).expect("open");
        assert_eq!(read_all(&reader), Some(truth(&reader)));
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_read_gives_no_wrong_answer() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("a.sqlite");
        let mut writer = make(&database, 50);
        refresh_table(&database).expect("written");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let is_over = || stop.load(std::sync::atomic::Ordering::Relaxed);
            scope.spawn(|| {
                for round in 0..40 {
                    change(&mut writer, |catalogue| {
                        catalogue.replace(&path_of(9), version(100 + round))?;
                        match round % 2 {
                            0 => catalogue.remove(&path_of(10)),
                            _ => catalogue.insert(&path_of(10), version(round)).map(drop),
                        }
                    });
                    let _ = std::fs::remove_file(table_path(&database));
                    refresh_table(&database).expect("written");
                }
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            let reader = open_reader(&database).expect("open");
            let mut believed = 0;
            while !is_over() || believed == 0 {
                reader.begin_read().expect("begin");
                let now = mark(&reader).expect("mark");
                let expected = truth(&reader);
                if let Ok(all) = read(&reader, now) {
                    for (path, file) in expected {
                        assert_eq!(all.get(&path), file);
                    }
                    believed += 1;
                }
                reader.end_read().expect("end");
            }
        });
    }

    #[test]
    fn a_table_that_a_look_up_would_not_leave_is_refused() {
        let file = |id| KnownFile {
            key: u64::from(id),
            key_more: 0,
            id,
            size: 0,
            mtime: 0,
        };
        let of = |table: &[u32]| KnownFiles::of_parts(0, vec![file(1), file(2)], table.to_vec());
        assert!(of(&[0, 1, EMPTY, EMPTY]).is_some());
        for table in [
            &[0, 1, 0, 1][..],
            &[0, EMPTY, EMPTY, EMPTY],
            &[0, 2, EMPTY, EMPTY],
            &[0, 1],
        ] {
            assert!(of(table).is_none(), "{table:?}");
        }
    }
}
