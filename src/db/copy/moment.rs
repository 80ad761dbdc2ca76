//! Copies one moment of a database while other programs read and write it.
//!
//! The copy is one file with a rollback journal: whoever may only read it needs no files beside it.
//! It is written under a temporary name and gets its own by a rename, when it is whole, checked and
//! on the disk.
//!
//! # Locking
//! One read transaction from the beginning to the end. In WAL mode that keeps nobody from writing.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lineage::{Lineage, mark_as_copy};
use crate::db::error::{DbError, Doing};
use crate::db::lock_wait::{WRITER_BUSY_TIMEOUT, beside, open_error};
use crate::db::open::{check_kinds, check_there, refuse_stale_wal};
use crate::db::schema;
use crate::system::create_private;

/// Pages that are copied between two moves of the progress bar.
const PAGES_A_STEP: i32 = 2048;

/// Pause before a step that another program did not let be made.
const PAUSE: Duration = Duration::from_millis(20);

/// Ends of the names of the files that SQLite may put beside a database.
pub const FILES_BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A database at one moment.
#[derive(Debug)]
pub struct Moment {
    connection: Connection,
    path: PathBuf,
    bytes: u64,
}

/// Gets the bytes that are copied.
pub type Observer<'o> = &'o mut dyn FnMut(u64);

impl Moment {
    /// Opens a database of any schema that this program knows; the moment is now.
    ///
    /// # Errors
    /// Returns [`DbError`] as [`open_reader`](crate::db::open_reader) does, except
    /// [`DbError::Older`].
    pub fn open(path: &Path) -> Result<Moment, DbError> {
        check_there(path)?;
        check_kinds(path)?;
        let open = |source| open_error(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(open)?;
        refuse_stale_wal(&connection, path)?;
        connection.busy_timeout(WRITER_BUSY_TIMEOUT).map_err(open)?;
        schema::check_for_copying(&connection, path)?;
        connection.execute_batch("BEGIN").map_err(open)?;
        let number = |pragma| {
            let value = connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            value.map(i64::unsigned_abs).map_err(open)
        };
        let bytes = number("page_count")? * number("page_size")?;
        Ok(Moment {
            connection,
            path: path.to_owned(),
            bytes,
        })
    }

    /// Size of a copy.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The database's lineage; `None` in a schema that has none.
    pub fn lineage(&self) -> Option<Lineage> {
        Lineage::read(&self.connection).ok()
    }

    /// Refuses a database in which SQLite finds a fault.
    ///
    /// # Errors
    /// Returns [`DbError::DamagedCopy`] with the first fault.
    pub fn check(&self) -> Result<(), DbError> {
        check(&self.connection, &self.path)
    }

    /// Writes a copy to `to`, which must not exist, and checks it; its mode is 0640.
    ///
    /// # Errors
    /// Returns [`DbError::CopyNotWritten`] or [`DbError::DamagedCopy`]; a part of the copy may be
    /// there then.
    pub fn write_copy(&self, to: &Path, observe: Observer<'_>) -> Result<(), DbError> {
        self.copy_pages(to, observe)?;
        let copy = seal(to, true)?;
        check(&copy, &self.path)
    }

    /// The same without a check, for a database that may be damaged.
    ///
    /// # Errors
    /// Returns [`DbError::CopyNotWritten`]; a part of the copy may be there then.
    pub fn write_unchecked(&self, to: &Path, observe: Observer<'_>) -> Result<(), DbError> {
        self.copy_pages(to, observe)?;
        seal(to, true).map(drop)
    }

    /// Writes the pages as they are.
    pub(super) fn copy_pages(&self, to: &Path, observe: Observer<'_>) -> Result<(), DbError> {
        let failed = |source| not_written(to, source);
        match create_private(to) {
            Ok(true) => {}
            Ok(false) => return Err(failed(cannot_open("it exists already".to_owned()))),
            Err(error) => return Err(failed(cannot_open(error.to_string()))),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(to, flags).map_err(failed)?;
        // Whoever is killed here leaves a file that nobody takes for a copy.
        copy.pragma_update(None, "synchronous", "OFF")
            .map_err(failed)?;
        let backup = Backup::new(&self.connection, &mut copy).map_err(failed)?;
        run(&backup, observe, self.bytes).map_err(failed)
    }
}

/// Copies what is left.
pub(super) fn run(
    backup: &Backup<'_, '_>,
    observe: Observer<'_>,
    bytes: u64,
) -> Result<(), rusqlite::Error> {
    while step(backup, PAGES_A_STEP)? != StepResult::Done {
        let progress = backup.progress();
        let [total, left] = [progress.pagecount, progress.remaining].map(|n| n.max(0) as u64);
        observe(bytes / total.max(1) * (total - left.min(total)));
    }
    Ok(())
}

/// Copies some pages, as soon as other programs let it be done.
pub(super) fn step(backup: &Backup<'_, '_>, pages: i32) -> Result<StepResult, rusqlite::Error> {
    let start = Instant::now();
    loop {
        match backup.step(pages)? {
            StepResult::Busy | StepResult::Locked if start.elapsed() < WRITER_BUSY_TIMEOUT => {
                std::thread::sleep(PAUSE);
            }
            StepResult::Busy | StepResult::Locked => {
                let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, None));
            }
            result => return Ok(result),
        }
    }
}

/// Gives a file a rollback journal, says whether it is a copy, and leaves no file beside it.
pub(super) fn seal(file: &Path, is_copy: bool) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let seal = || {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(WRITER_BUSY_TIMEOUT)?;
        // Then the WAL needs no file for locks.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        if is_copy {
            mark_as_copy(&connection)?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        Ok(connection)
    };
    seal().map_err(|source| not_written(file, source))
}

fn check(connection: &Connection, of: &Path) -> Result<(), DbError> {
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let problem = match found {
        Ok(found) if found == "ok" => return Ok(()),
        Ok(found) => found,
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => return Err(error).doing("checking the copy"),
    };
    Err(DbError::DamagedCopy {
        path: of.to_owned(),
        // SQLite writes the number of the page on a second line.
        problem: problem.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

fn not_written(path: &Path, source: rusqlite::Error) -> DbError {
    let path = path.to_owned();
    DbError::CopyNotWritten { path, source }
}

fn cannot_open(why: String) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(why))
}

/// Gives a whole copy its name, so that it survives a power cut.
///
/// # Errors
/// Returns the error of the system.
pub fn give_name(temporary: &Path, name: &Path) -> io::Result<()> {
    File::open(temporary)?.sync_all()?;
    std::fs::rename(temporary, name)?;
    sync_folder_of(name)
}

pub(super) fn sync_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Removes a copy that somebody began and did not finish.
///
/// # Errors
/// Returns the error of the system. A missing file is not an error.
pub fn remove_unfinished(temporary: &Path) -> io::Result<()> {
    for end in [""].iter().chain(&FILES_BESIDE) {
        match std::fs::remove_file(beside(temporary, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Kind of a file that a copy is to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Without content, or a copy of a database of ours.
    Replaceable,
    /// A database of ours that is written.
    InUse,
    /// Something else.
    Foreign,
}

/// Looks at the first bytes of a file that this process has not open as a database.
///
/// # Errors
/// Returns the error of the system, or `InvalidInput` if it is not a regular file.
pub fn kind_of(path: &Path) -> io::Result<FileKind> {
    use std::io::Read;
    let mut header = Vec::new();
    let file = crate::regular_file::open(path)?;
    file.take(HEADER_BYTES).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(FileKind::Replaceable);
    }
    let is_ours = header.len() as u64 == HEADER_BYTES
        && header.starts_with(b"SQLite format 3\0")
        && header.ends_with(&schema::APPLICATION_ID.to_be_bytes()[4..]);
    Ok(match (is_ours, header.get(18..20)) {
        (true, Some([1, 1])) => FileKind::Replaceable,
        (true, _) => FileKind::InUse,
        (false, _) => FileKind::Foreign,
    })
}

/// Bytes of SQLite's header up to the end of the application id.
const HEADER_BYTES: u64 = 72;
