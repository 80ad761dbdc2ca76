//! Opens the database of statistics.
//!
//! # Locking
//! One writer at a time; readers never wait for it (WAL). A spool file is removed after its sums
//! are stored, so each commit waits for the disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::db::error::{DbError, Doing};
use crate::db::lock_wait::{begin, open_error, set_wal};
use crate::db::open::{Queryable, check_kinds, keep_wal_files};
use crate::system::create_private;

/// Every migration in order; the number of a file is its place here plus one.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../sql/stats/0001_initial.sql"),
    include_str!("../../../sql/stats/0002_sample.sql"),
];

/// `application_id` of these files ("HelS").
const APPLICATION_ID: i64 = 0x4865_6c53;

/// How long a reader waits while another program recovers the WAL.
const READER_BUSY_TIMEOUT: Duration = Duration::from_millis(50);

/// How long a writer waits for another.
const WRITER_BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Page cache of the writer in KiB: a spool file touches rows all over the tables.
const WRITER_CACHE_KIB: i64 = 32 * 1024;

/// The WAL file is cut to this size after a checkpoint.
const JOURNAL_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;

/// A connection that cannot write.
#[derive(Debug)]
pub struct StatsReader {
    connection: Connection,
}

/// A connection that can write; the schema is up to date.
#[derive(Debug)]
pub struct StatsWriter {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Queryable for StatsReader {
    fn sqlite(&self) -> &Connection {
        &self.connection
    }
}

impl Queryable for StatsWriter {
    fn sqlite(&self) -> &Connection {
        &self.connection
    }
}

impl StatsWriter {
    /// Runs `work` in one IMMEDIATE transaction; an error rolls everything back.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let transaction = begin(&self.connection, &self.path)?;
        let result = work(&transaction)?;
        transaction.commit().map_err(|source| DbError::NotWritten {
            path: self.path.clone(),
            source,
        })?;
        Ok(result)
    }
}

/// Opens for reading; never creates, never migrates.
///
/// # Errors
/// Returns [`DbError::NoStats`] if there is no such file, and other [`DbError`]s if it is no
/// database of statistics of this version.
pub fn open_stats_reader(path: &Path) -> Result<StatsReader, DbError> {
    if matches!(path.try_exists(), Ok(false)) {
        let path = path.to_owned();
        return Err(DbError::NoStats { path });
    }
    check_kinds(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |source| open_error(path, source);
    let connection = Connection::open_with_flags(path, flags).map_err(open)?;
    let prepare = || {
        connection.busy_timeout(READER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)
    };
    prepare().map_err(open)?;
    let (application, found) = marks(&connection, path)?;
    check(path, application, found)?;
    if found < VERSION {
        return Err(DbError::Older {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(StatsReader { connection })
}

/// The schema that this program knows.
const VERSION: i64 = MIGRATIONS.len() as i64;

fn marks(connection: &Connection, path: &Path) -> Result<(i64, i64), DbError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    let read = || Ok((pragma("application_id")?, pragma("user_version")?));
    read().map_err(|source| open_error(path, source))
}

fn check(path: &Path, application: i64, found: i64) -> Result<(), DbError> {
    let path = path.to_owned();
    match application {
        APPLICATION_ID if found > VERSION => Err(DbError::Newer {
            path,
            found,
            known: VERSION,
        }),
        APPLICATION_ID => Ok(()),
        _ => Err(DbError::Foreign { path }),
    }
}

/// Opens for writing; creates and migrates as needed.
///
/// # Errors
/// Returns [`DbError::Open`] if the file cannot be opened or created, [`DbError::Foreign`] if it is
/// another one, and [`DbError::Newer`] if this program does not know its schema.
pub fn open_stats_writer(path: &Path) -> Result<StatsWriter, DbError> {
    check_kinds(path)?;
    // SQLite gives the better message if the file cannot be made.
    if let Err(error) = create_private(path) {
        log::debug!("database not made: path={} {error}", path.display());
    }
    let open = |source| open_error(path, source);
    let connection = Connection::open(path).map_err(open)?;
    let prepare = || {
        connection.busy_timeout(WRITER_BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
    };
    prepare().map_err(open)?;
    migrate(&connection, path)?;
    keep_wal_files(&connection);
    let path = path.to_owned();
    Ok(StatsWriter { connection, path })
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let (application, found) = marks(connection, path)?;
    let is_empty: bool = connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .map_err(|source| open_error(path, source))?;
    if !is_empty {
        check(path, application, found)?;
    }
    if !is_empty && found == VERSION {
        return Ok(());
    }
    set_wal(connection, path)?;
    let transaction = begin(connection, path)?;
    // Another program may have migrated while this one waited for the lock.
    let (_, found) = marks(&transaction, path)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction
            .execute_batch(migration)
            .doing("migrating the database of statistics")?;
    }
    let mark = |name, value: i64| transaction.pragma_update(None, name, value);
    mark("application_id", APPLICATION_ID)
        .and_then(|()| mark("user_version", VERSION))
        .doing("marking the database of statistics")?;
    transaction.commit().map_err(|source| DbError::NotWritten {
        path: path.to_owned(),
        source,
    })
}
