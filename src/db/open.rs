//! Opens connections: one place sets what every reader and every writer needs.
//!
//! # Security
//! Mirrors' URLs hold passwords. The file and what SQLite puts beside it are 0640 in a folder of
//! 0750 whatever the umask, also those of earlier versions; what is deleted is overwritten
//! (`secure_delete`).

use super::lock_wait::{
    WRITER_BUSY_TIMEOUT, begin, beside, open_error, refuse_read_only, wait_told,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::copy::header::{has_moved, is_rollback_mode};
use super::copy::lineage::Lineage;
use super::error::{DbError, Doing};
use super::schema;
use crate::regular_file;
use crate::system::{create_private, free_bytes, make_private, make_private_folder};

/// How long a reader waits: WAL readers wait only for recovery or for an exclusive lock of
/// somebody else, and a download must go on meanwhile.
const READER_BUSY_TIMEOUT: Duration = Duration::from_millis(50);

/// Page cache of a reader in KiB: what requests read are hashes, and the inner pages of a million
/// of their rows take less than one; each worker of the responder may have as much.
const READER_CACHE_KIB: i64 = 2 * 1024;

/// Page cache of a writer in KiB; a first index sorts a million rows through it.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// Page cache of a writer whose rows are long and are written once each.
const STREAM_CACHE_KIB: i64 = 2 * 1024;

/// Less room than this on the disk is none: what a scan or a pass writes may take as much.
const FREE_BYTES_MIN: u64 = 1024 * 1024;

/// The WAL file is cut to this size after a checkpoint, so that one large run leaves no large file.
const JOURNAL_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;

/// A WAL up to this size stays as it is; SQLite keeps one of about 4 MiB anyway.
const SHRINK_ABOVE_BYTES: u64 = 8 * 1024 * 1024;

/// How long emptying the WAL waits for readers; other writers wait meanwhile.
const SHRINK_BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that cannot write.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// A connection that can write; the schema is up to date.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// The lineage when it was opened: what the caller learnt belongs to it.
    lineage: Lineage,
    /// Commits wait for the disk.
    is_durable: bool,
}

impl Reader {
    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a read transaction: all that is read until its end belongs to one moment.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if SQLite refuses.
    pub fn begin_read(&self) -> Result<(), DbError> {
        self.connection
            .execute_batch("BEGIN")
            .doing("beginning to read")
    }

    /// Looks again whether this program can read the database: another may have migrated it.
    ///
    /// # Errors
    /// Returns [`DbError::Newer`], [`DbError::Older`], [`DbError::Foreign`] if it cannot.
    pub fn check_schema(&self) -> Result<(), DbError> {
        schema::check_for_reading(&self.connection, &self.path)
    }

    /// The database that this is, and its branch.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn lineage(&self) -> Result<Lineage, DbError> {
        Lineage::read(&self.connection)
    }

    /// Ends the read transaction.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if SQLite refuses.
    pub fn end_read(&self) -> Result<(), DbError> {
        self.connection
            .execute_batch("COMMIT")
            .doing("ending to read")
    }

    /// How changes are recorded: "wal", unless another program set another mode.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn journal_mode(&self) -> Result<String, DbError> {
        self.connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .doing("looking at the journal mode")
    }

    /// A number that changes when another connection has committed.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read.
    pub fn data_version(&self) -> Result<i64, DbError> {
        self.connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .doing("looking for changes")
    }
}

impl Writer {
    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Anything that can be queried.
pub trait Queryable {
    /// The connection; only for this layer.
    #[doc(hidden)]
    fn sqlite(&self) -> &Connection;
}

impl Queryable for Reader {
    fn sqlite(&self) -> &Connection {
        &self.connection
    }
}

impl Queryable for Writer {
    fn sqlite(&self) -> &Connection {
        &self.connection
    }
}

/// Finds out whether the disk of a database has room for changes.
///
/// # Errors
/// Returns [`DbError::NoRoom`] if the disk is nearly full.
pub fn check_room(path: &Path) -> Result<(), DbError> {
    match free_bytes(path).filter(|bytes| *bytes < FREE_BYTES_MIN) {
        Some(bytes) => Err(DbError::NoRoom {
            path: path.to_owned(),
            bytes,
        }),
        None => Ok(()),
    }
}

/// Opens for reading; never creates, never migrates.
///
/// # Errors
/// Returns [`DbError::Missing`] if the file does not exist, [`DbError::Kind`] if it is no regular
/// file, [`DbError::Open`] if it cannot be opened, [`DbError::Foreign`] if it is no database of
/// Heliostat, and [`DbError::Newer`] or [`DbError::Older`] if it has another schema.
pub fn open_reader(path: &Path) -> Result<Reader, DbError> {
    // A file that cannot be looked at is not missing; SQLite then says why it cannot be opened.
    if matches!(path.try_exists(), Ok(false)) {
        return Err(DbError::Missing {
            path: path.to_owned(),
        });
    }
    check_kinds(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |source| open_error(path, source);
    let connection = Connection::open_with_flags(path, flags).map_err(open)?;
    refuse_stale_wal(&connection, path)?;
    let prepare = || {
        connection.busy_timeout(READER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)
    };
    prepare().map_err(open)?;
    schema::check_for_reading(&connection, path)?;
    Ok(Reader {
        connection,
        path: path.to_owned(),
    })
}

/// Checks that a database exists.
///
/// # Errors
/// Returns [`DbError::Missing`] if it does not, and [`DbError::Unseen`] if this program cannot
/// look.
pub fn check_there(path: &Path) -> Result<(), DbError> {
    let path = path.to_owned();
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(DbError::Missing { path }),
        Err(source) => Err(DbError::Unseen { path, source }),
    }
}

fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::ReadOnly)
    )
}

/// Refuses a file that was put beside the WAL of the file before it: SQLite would mix both. A file
/// that is written with a rollback journal has no WAL.
pub(super) fn refuse_stale_wal(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let wal = beside(path, "-wal");
    let has_wal = || std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0);
    let is_rollback = || is_rollback_mode(connection) == Some(true);
    // Asked twice, because another program may set WAL meanwhile.
    if is_rollback() && has_wal() && is_rollback() {
        let path = path.to_owned();
        return Err(DbError::StaleWal { path, wal });
    }
    Ok(())
}

/// SQLite waits for a FIFO that took the place of a file.
pub(super) fn check_kinds(path: &Path) -> Result<(), DbError> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        let beside = PathBuf::from(beside);
        // If a file cannot be looked at, SQLite says why.
        if let Err(source) = regular_file::check_if_there(&beside)
            && source.kind() == std::io::ErrorKind::InvalidInput
        {
            return Err(DbError::Kind {
                path: beside,
                source,
            });
        }
    }
    Ok(())
}

/// Opens for writing; creates and migrates as needed.
///
/// # Errors
/// Returns [`DbError::Kind`] if the path is no regular file, [`DbError::Open`] if the file cannot
/// be opened or created, [`DbError::Locked`] if another program does not unlock it,
/// [`DbError::Foreign`] if it is no database of Heliostat, [`DbError::Newer`] if this program does
/// not know its schema, and any other [`DbError`] if the migration fails.
pub fn open_writer(path: &Path) -> Result<Writer, DbError> {
    check_kinds(path)?;
    // If the file cannot be made, SQLite says better why.
    if let Err(error) = create_private(path) {
        log::debug!("database not made: path={} {error}", path.display());
    }
    let open = |source| open_error(path, source);
    let connection = Connection::open(path).map_err(open)?;
    refuse_stale_wal(&connection, path)?;
    // The first look at the file waits for whoever has locked all of it.
    wait_told(&connection, path, || {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    })
    .map_err(|error| match error {
        DbError::Sql { source, .. } => open_error(path, source),
        error => error,
    })?;
    let prepare = || {
        connection.busy_timeout(WRITER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // NORMAL in WAL mode survives a killed process whole; a power cut may lose the last
        // transactions, which the next index and scan learn again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Passwords that were replaced are not to stay in free pages.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
    };
    prepare().map_err(open)?;
    let is_migrated = schema::migrate(&connection, path)?;
    keep_wal_files(&connection);
    close_to_others(path);
    let writer = Writer {
        lineage: Lineage::read(&connection)?,
        connection,
        path: path.to_owned(),
        is_durable: false,
    };
    if is_migrated {
        writer.purge();
    }
    Ok(writer)
}

/// Takes databases of earlier versions, and of whoever copied one, from users outside the group.
fn close_to_others(path: &Path) {
    let [file, wal, shm] = ["", "-wal", "-shm"].map(|suffix| beside(path, suffix));
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    let is_ours = |entry: &[u8]| {
        entry.starts_with(name) || entry == b"ping" || {
            let mut parts = entry.windows(SQLITE_SUFFIX.len());
            parts.any(|part| part == SQLITE_SUFFIX)
        }
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    let closed = make_private(&file).and_then(|is_closed| {
        make_private(&wal)?;
        make_private(&shm)?;
        // A file that others could not read had no secret for them, whatever its folder was.
        make_private_folder(folder, is_ours)?;
        Ok(is_closed)
    });
    match closed {
        Ok(false) => {}
        Ok(true) => log::warn!(
            "database {} has passwords of mirrors and could be read by every user; it is now \
             readable for its group alone: whoever else runs heliostat-fcgi must be in that group",
            path.display()
        ),
        Err(error) => log::warn!(
            "database {} has passwords of mirrors and may be readable by every user: {error}; \
             `chmod o=` takes it from them",
            path.display()
        ),
    }
}

/// In the names of databases of other sites in the same folder.
const SQLITE_SUFFIX: &[u8] = b".sqlite";

/// Leaves `-wal` and `-shm` in place when the last writer closes, so that a responder that may
/// only read can open the database at any time.
pub(super) fn keep_wal_files(connection: &Connection) {
    let mut on: std::ffi::c_int = 1;
    // SAFETY: the handle is that of a live connection, which this thread alone uses; "main" is a
    // NUL-terminated name; for SQLITE_FCNTL_PERSIST_WAL SQLite reads and writes one int through
    // the pointer during the call and keeps nothing.
    let code = unsafe {
        rusqlite::ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            rusqlite::ffi::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        )
    };
    if code != rusqlite::ffi::SQLITE_OK {
        log::debug!("the database's WAL files will not be kept: code={code}");
    }
}

impl Writer {
    /// Runs `work` in one IMMEDIATE transaction; an error rolls everything back.
    ///
    /// # Errors
    /// Returns the error of `work`, [`DbError::Locked`] if another program does not unlock the
    /// database, and [`DbError::NotWritten`] if the transaction cannot be stored.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.attempt(work).map_err(|error| match error {
            // Which statement met the disk's state first is no matter of the user's.
            DbError::Sql { source, .. } if is_of_the_disk(&source) => DbError::NotWritten {
                path: self.path.clone(),
                source,
            },
            error => error,
        })
    }

    /// The same for work that may give up for reasons of its own.
    ///
    /// # Errors
    /// Returns the error of `work`, [`DbError::Locked`] if another program does not unlock the
    /// database, and [`DbError::NotWritten`] if the transaction cannot be committed.
    pub fn attempt<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = begin(&self.connection, &self.path)?;
        // Ids that the caller learnt before may mean something else by now.
        if has_moved(&self.connection) || Lineage::read(&transaction)? != self.lineage {
            let path = self.path.clone();
            return Err(DbError::Replaced { path }.into());
        }
        let result = work(&Transaction {
            inner: &transaction,
        })?;
        let path = &self.path;
        transaction.commit().map_err(|source| DbError::NotWritten {
            path: path.clone(),
            source,
        })?;
        if self.is_durable {
            self.empty_wal();
        }
        Ok(result)
    }

    /// Makes each commit wait until the disk has it, so that what was acknowledged survives a power
    /// cut, and leaves nothing of what was replaced in the WAL.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn commit_durably(&mut self) -> Result<(), DbError> {
        self.connection
            .pragma_update(None, "synchronous", "FULL")
            .doing("setting how commits are made")?;
        self.is_durable = true;
        self.purge();
        Ok(())
    }

    /// Overwrites what versions before `secure_delete` left in free pages, once for each database.
    fn purge(&self) {
        let connection = &self.connection;
        let is_purged = connection.query_row(
            "SELECT value <> 0 FROM meta WHERE key = 'is_purged'",
            [],
            |row| row.get::<_, bool>(0),
        );
        // Without the key there is nothing to purge.
        if is_purged.unwrap_or(true) {
            return;
        }
        log::info!("removing what was deleted from {}", self.path.display());
        let purged = connection
            .execute_batch("VACUUM; UPDATE meta SET value = 1 WHERE key = 'is_purged'")
            .map_err(|source| DbError::NotWritten {
                path: self.path.clone(),
                source,
            });
        match purged {
            Ok(()) => self.empty_wal(),
            Err(error) => log::warn!(
                "old passwords of mirrors may still lie in free pages of the database; the next \
                 change by `heliostat` tries again: {}: {}",
                error,
                std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)
            ),
        }
    }

    /// Finds out whether changes can be stored, before work begins that would be in vain.
    ///
    /// # Errors
    /// Returns [`DbError::NoRoom`] if the disk is nearly full, [`DbError::NotWritten`] if the
    /// database cannot be written, [`DbError::Locked`] if another program does not unlock it, and
    /// [`DbError::Sql`] if it cannot be read.
    pub fn check_writable(&mut self) -> Result<(), DbError> {
        refuse_read_only(&self.connection, &self.path)?;
        // The WAL may have room for one more small change, which would prove nothing.
        check_room(&self.path)?;
        self.transaction(|transaction| {
            transaction
                .inner
                .execute(
                    "UPDATE meta SET value = value WHERE key = 'tree_generation'",
                    [],
                )
                .doing("trying to write")?;
            Ok(())
        })
    }

    /// Prepares for long rows that are written once each: they go to the disk early instead of
    /// filling a large cache.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be read or written.
    pub fn expect_long_rows(&self) -> Result<(), DbError> {
        self.connection
            .pragma_update(None, "cache_size", -STREAM_CACHE_KIB)
            .doing("setting the size of the cache")
    }

    /// Moves what a large transaction left in the WAL into the database and empties the file; a
    /// small one stays as it is. If other programs use the database for too long, the next call
    /// does it.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if the database cannot be written, for example on a full disk. The
    /// transaction stays committed.
    pub fn shrink_wal(&self) -> Result<(), DbError> {
        let wal = beside(&self.path, "-wal");
        let size_bytes = std::fs::metadata(wal).map_or(0, |metadata| metadata.len());
        if size_bytes <= SHRINK_ABOVE_BYTES {
            return Ok(());
        }
        self.checkpoint()
    }

    /// Empties the WAL; if that cannot be done now, it stays until the next time.
    pub(super) fn empty_wal(&self) {
        if let Err(error) = self.checkpoint() {
            log::debug!("the WAL is not emptied: {error}");
        }
    }

    fn checkpoint(&self) -> Result<(), DbError> {
        let connection = &self.connection;
        let shrink = || {
            connection.busy_timeout(SHRINK_BUSY_TIMEOUT)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                row.get::<_, bool>(0)
            })
        };
        let busy = shrink();
        let restored = connection.busy_timeout(WRITER_BUSY_TIMEOUT);
        if busy.doing("moving the WAL into the database")? {
            log::debug!("the WAL is in use and stays as large as it is");
        }
        restored.doing("setting a time-out")
    }
}

/// A write transaction in progress.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(super) inner: &'a rusqlite::Transaction<'a>,
}

impl Queryable for Transaction<'_> {
    fn sqlite(&self) -> &Connection {
        self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_wait_for_the_disk_when_somebody_was_told_of_them() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let how = |writer: &Writer, pragma: &str| -> i64 {
            let value = writer
                .sqlite()
                .pragma_query_value(None, pragma, |row| row.get(0));
            value.expect("a value")
        };
        // NORMAL is 1, FULL is 2 (SQLite manual, PRAGMA synchronous).
        assert_eq!(how(&writer, "synchronous"), 1);
        assert_eq!(how(&writer, "secure_delete"), 1);
        writer.commit_durably().expect("set");
        assert_eq!(how(&writer, "synchronous"), 2);
        writer.check_writable().expect("written");
        let wal = std::fs::metadata(beside(writer.path(), "-wal")).expect("a WAL");
        assert_eq!(wal.len(), 0, "what was replaced is not left in it");
    }
}
