//! Connections: one place sets what every reader and every writer needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{DbError, Doing};
use super::schema;
use crate::regular_file;

/// How long a writer waits for another; an index run of a million files holds the lock for some
/// seconds, a busy machine may need many more.
const WRITER_BUSY_TIMEOUT: Duration = Duration::from_secs(60);

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

    /// Ends the read transaction.
    ///
    /// # Errors
    /// Returns [`DbError::Sql`] if SQLite refuses.
    pub fn end_read(&self) -> Result<(), DbError> {
        self.connection
            .execute_batch("COMMIT")
            .doing("ending to read")
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

/// Opens for reading; never creates, never migrates.
///
/// # Errors
/// [`DbError::Missing`], [`DbError::Open`], [`DbError::Kind`], [`DbError::Foreign`],
/// [`DbError::Newer`], [`DbError::Older`].
pub fn open_reader(path: &Path) -> Result<Reader, DbError> {
    if !path.exists() {
        return Err(DbError::Missing {
            path: path.to_owned(),
        });
    }
    check_kinds(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| DbError::Open {
        path: path.to_owned(),
        source,
    })?;
    let prepare = || {
        connection.busy_timeout(READER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)
    };
    prepare().map_err(|source| DbError::Open {
        path: path.to_owned(),
        source,
    })?;
    schema::check_for_reading(&connection, path)?;
    Ok(Reader {
        connection,
        path: path.to_owned(),
    })
}

/// SQLite waits for a FIFO that took the place of a file.
fn check_kinds(path: &Path) -> Result<(), DbError> {
    for end in ["", "-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        let beside = PathBuf::from(beside);
        // What cannot be looked at is for SQLite to name.
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
/// [`DbError::Open`], [`DbError::Foreign`], [`DbError::Newer`], or an error of the migration.
pub fn open_writer(path: &Path) -> Result<Writer, DbError> {
    check_kinds(path)?;
    let mut connection = Connection::open(path).map_err(|source| DbError::Open {
        path: path.to_owned(),
        source,
    })?;
    let prepare = || {
        connection.busy_timeout(WRITER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // NORMAL in WAL mode survives a killed process whole; a power cut may lose the last
        // transactions, which the next index and scan learn again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
    };
    prepare().map_err(|source| DbError::Open {
        path: path.to_owned(),
        source,
    })?;
    schema::migrate(&mut connection, path)?;
    keep_wal_files(&connection);
    Ok(Writer {
        connection,
        path: path.to_owned(),
    })
}

/// Leaves `-wal` and `-shm` in place when the last writer closes, so that a responder that may
/// only read can open the database at any time.
fn keep_wal_files(connection: &Connection) {
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
    /// Those of `work`, or of beginning and committing.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.attempt(work)
    }

    /// The same for work that may give up for reasons of its own.
    ///
    /// # Errors
    /// Those of `work`, or of beginning and committing.
    pub fn attempt<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .doing("beginning a write transaction")?;
        let result = work(&Transaction {
            inner: &transaction,
        })?;
        transaction.commit().doing("committing")?;
        Ok(result)
    }

    /// Prepares for long rows that are written once each: they go to the disk early instead of
    /// filling a large cache.
    ///
    /// # Errors
    /// [`DbError::Sql`].
    pub fn expect_long_rows(&self) -> Result<(), DbError> {
        self.connection
            .pragma_update(None, "cache_size", -STREAM_CACHE_KIB)
            .doing("setting the size of the cache")
    }

    /// Moves what a large transaction left in the WAL into the database and empties the file; a
    /// small one stays as it is. When others read or write for too long the next one does it.
    ///
    /// # Errors
    /// [`DbError::Sql`], a full disk for one; the transaction is committed all the same.
    pub fn shrink_wal(&self) -> Result<(), DbError> {
        // SQLite names the file after the database that links lead to.
        let mut wal = std::fs::canonicalize(&self.path)
            .unwrap_or_else(|_| self.path.clone())
            .into_os_string();
        wal.push("-wal");
        let size_bytes = std::fs::metadata(wal).map_or(0, |metadata| metadata.len());
        if size_bytes <= SHRINK_ABOVE_BYTES {
            return Ok(());
        }
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
            log::debug!("the WAL is in use and stays large: size_bytes={size_bytes}");
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
