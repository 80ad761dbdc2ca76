//! Waits for SQLite's write lock, and says who holds it.

use super::error::{DbError, Doing};
use crate::system::{is_stopping, process_facts, record_lock_holder};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a writer waits for another; an index run of a million files holds the lock for some
/// seconds, a busy machine may need many more.
pub(super) const WRITER_BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// From when on a writer that waits says for whom: longer than any transaction but those of a large
/// index or import.
pub(super) const WAIT_TOLD_AFTER: Duration = Duration::from_secs(2);

/// Longest time for which a signal that ends the program is not heard.
const WAIT_STEP: Duration = Duration::from_millis(500);

pub(super) fn open_error(path: &Path, source: rusqlite::Error) -> DbError {
    let path = path.to_owned();
    if is_busy(&source) {
        let holder = holder(&path);
        return DbError::Locked { path, holder };
    }
    DbError::Open { path, source }
}

/// Where the locks of writing, checkpointing and recovering lie in `DATABASE-shm` (SQLite's
/// `UNIX_SHM_BASE` and `WAL_WRITE_LOCK`).
pub(super) const LOCKS_START: u64 = 120;

pub(super) const LOCKS: u64 = 3;

/// Where the locks of the whole database lie in its file (SQLite's `PENDING_BYTE` and 511 more).
const WHOLE_START: u64 = 0x4000_0000;

const WHOLE: u64 = 512;

/// Who has a database locked, and what to do, in words.
pub(super) fn holder(database: &Path) -> String {
    let shared = record_lock_holder(&beside(database, "-shm"), LOCKS_START, LOCKS);
    let whole = || record_lock_holder(&beside(database, ""), WHOLE_START, WHOLE);
    let Some(pid) = shared.or_else(whole) else {
        let unseen = "another program, which cannot be seen from here; `fuser` of psmisc names it";
        return unseen.to_owned();
    };
    match process_facts(pid) {
        Some(facts) => format!("{facts}; {}", facts.remedy()),
        None => format!("process {pid}; wait until it has ended, or end it"),
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Names a file beside a database; SQLite names it after the file that links lead to.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Begins a write transaction; who has the lock is said while it is waited for.
pub(super) fn begin<'c>(
    connection: &'c Connection,
    path: &Path,
) -> Result<rusqlite::Transaction<'c>, DbError> {
    refuse_read_only(connection, path)?;
    wait_told(connection, path, || {
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
    })
}

/// Says of a disk that is mounted for reading what it is, before a statement fails by it.
pub(super) fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let doing = "asking whether the database can be written";
    if !connection.is_readonly(rusqlite::MAIN_DB).doing(doing)? {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
    Err(DbError::NotWritten {
        path: path.to_owned(),
        source: rusqlite::Error::SqliteFailure(code, None),
    })
}

/// How long one try to set WAL waits for readers: new ones wait meanwhile, for 50 ms at most.
const WAL_TRY: Duration = Duration::from_millis(20);

/// Pause between two tries, in which readers begin.
const WAL_PAUSE: Duration = Duration::from_millis(30);

/// Sets WAL. A database with a rollback journal must have no reader at that moment, so this is
/// tried often and for a short time: a long wait keeps all readers out.
pub(super) fn set_wal(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let mode = wait_told(connection, path, || {
        connection.busy_timeout(WAL_TRY)?;
        let set = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        if set.as_ref().is_err_and(is_busy) {
            std::thread::sleep(WAL_PAUSE);
        }
        set
    });
    let mode = mode.map_err(|error| match error {
        DbError::Sql { source, .. } => open_error(path, source),
        error => error,
    })?;
    if mode != "wal" {
        log::debug!(
            "the database has no WAL: path={} mode={mode}",
            path.display()
        );
    }
    Ok(())
}

/// Repeats `work` while another program has the database locked, and says once who it is. A signal
/// that ends the program ends the waiting.
pub(super) fn wait_told<T>(
    connection: &Connection,
    path: &Path,
    work: impl Fn() -> Result<T, rusqlite::Error>,
) -> Result<T, DbError> {
    let doing = "waiting for the database";
    let start = Instant::now();
    connection.busy_timeout(WAIT_STEP).doing(doing)?;
    let mut is_told = false;
    let done = loop {
        match work() {
            Ok(done) => break Ok(done),
            Err(error) if is_busy(&error) => {
                let error = open_error(path, error);
                if start.elapsed() >= WRITER_BUSY_TIMEOUT || is_stopping() {
                    break Err(error);
                }
                if start.elapsed() >= WAIT_TOLD_AFTER && !std::mem::replace(&mut is_told, true) {
                    log::warn!("waiting: {error}");
                }
            }
            Err(error) => break Err(error).doing(doing),
        }
    };
    connection.busy_timeout(WRITER_BUSY_TIMEOUT).doing(doing)?;
    done
}
