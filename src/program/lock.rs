//! Locks between programs: files that name their holder.
//!
//! # Locking
//! The locks of a database are the files `DATABASE.locks/NAME`. A lock is a `flock`, which the
//! kernel releases when the program ends, however it ends, so that no lock is left behind. The file
//! stays: if it were removed, two programs could lock two files of the same name.
//!
//! Earlier versions named some locks `DATABASE.NAME.lock`. Where such a file exists, a program of
//! an earlier version may hold it during an upgrade, or take it after a downgrade. So it is locked
//! too.

use std::ffi::OsString;
use std::fs::{self, File, FileType, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::domain::time::Timestamp;
use crate::regular_file::kind_of;
use crate::system::{create_private, create_private_folder, process_facts};

/// Largest number of bytes that are read of another program's note; ours have 60.
const NOTE_BYTES_MAX: u64 = 200;

/// Names of the locks of programs that write a database, other than scans: there is one scan per
/// mirror, `scan-ID`.
const WRITERS: [&str; 5] = ["restore", "import", "index", "hash", "probe"];

/// Beginning of the names of the locks of scans.
const SCAN_PREFIX: &str = "scan-";

/// Names of the locks of all programs that write a database for long. A mirror that was never
/// scanned has none.
///
/// # Errors
/// Returns the error of the system if the folder of the locks cannot be read.
pub fn writers(database: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = WRITERS.map(str::to_owned).into();
    let entries = match fs::read_dir(beside(database, ".locks")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(SCAN_PREFIX) {
            names.push(name);
        }
    }
    Ok(names)
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// The lock file, and that of earlier versions if it exists.
    files: Vec<File>,
    killed: Option<KilledHolder>,
}

/// A holder before that did not give the lock back: it was killed, or the machine went down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KilledHolder {
    /// `process 12`.
    pub name: String,
    /// When it took the lock.
    pub since: Timestamp,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another program holds it.
    #[error("it is held by {0}")]
    Held(LockHolder),
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] LockFileError),
}

/// A lock file that cannot be created, opened or locked.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock {}; {}", path.display(), remedy(source))]
pub struct LockFileError {
    /// Path of the lock file, or of a folder around it that is at fault.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

/// The holder of a lock, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// `process 12 since 2026-01-01T00:00:00Z`, with the program's name if the process can be seen.
    pub name: String,
    /// The remedy.
    pub remedy: String,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.name, self.remedy)
    }
}

impl Lock {
    /// Takes the lock of that name and writes its holder into the file, or fails at once.
    ///
    /// # Errors
    /// Returns [`LockError::Held`] if another program holds the lock, and [`LockError::File`] if
    /// its file cannot be used.
    pub fn take(database: &Path, name: &str, now: Timestamp) -> Result<Lock, LockError> {
        let path = make_folder(database)?.join(name);
        check_kind(&path, FileType::is_file, "a regular file")?;
        create_private(&path).map_err(|error| failure(&path, error))?;
        let file = open_locked(&path)?;
        let killed = read_note(&file).as_deref().and_then(KilledHolder::parse);
        write_note(&file, &path, now);
        let mut lock = Lock {
            files: vec![file],
            killed,
        };
        let former = beside(database, &format!(".{name}.lock"));
        if former.is_file() {
            let file = open_locked(&former)?;
            write_note(&file, &former, now);
            lock.files.push(file);
        }
        Ok(lock)
    }

    /// The holder before, if it did not give the lock back.
    pub fn killed(&self) -> Option<&KilledHolder> {
        self.killed.as_ref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for file in &self.files {
            // A note that stays is taken for that of a program that was killed.
            if let Err(error) = file.set_len(0) {
                log::debug!("the note of a lock stays: {error}");
            }
        }
    }
}

impl KilledHolder {
    fn parse(note: &str) -> Option<KilledHolder> {
        let (name, since) = note.split_once(" since ")?;
        Some(KilledHolder {
            name: name.to_owned(),
            since: Timestamp::parse(since)?,
        })
    }
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on its disk and run again"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount its disk for writing and run again",
        io::ErrorKind::InvalidInput => "move it away and run again",
        io::ErrorKind::NotFound => "make the folder that it lies in and run again",
        _ => "run as the user who owns the database",
    }
}

fn failure(path: &Path, source: io::Error) -> LockFileError {
    let path = path.to_owned();
    LockFileError { path, source }
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the folder of the locks and, for a database that does not exist yet, the folder around it.
fn make_folder(database: &Path) -> Result<PathBuf, LockFileError> {
    let folder = beside(database, ".locks");
    if let Some(around) = database
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
    {
        create_private_folder(around).map_err(|error| failure(around, error))?;
    }
    check_kind(&folder, FileType::is_dir, "a folder")?;
    create_private_folder(&folder).map_err(|error| failure(&folder, error))?;
    Ok(folder)
}

/// Refuses a path that exists and is of another kind: opening a device may do anything, and a FIFO
/// keeps no note.
fn check_kind(
    path: &Path,
    is_wanted: impl Fn(&FileType) -> bool,
    wanted: &str,
) -> Result<(), LockFileError> {
    let found = match fs::metadata(path) {
        // A link to nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::symlink_metadata(path),
        found => found,
    };
    match found {
        Ok(found) if is_wanted(&found.file_type()) => Ok(()),
        Ok(found) => {
            let message = format!("it is not {wanted} but {}", kind_of(found.file_type()));
            let error = io::Error::new(io::ErrorKind::InvalidInput, message);
            Err(failure(path, error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failure(path, error)),
    }
}

fn open_locked(path: &Path) -> Result<File, LockError> {
    let file = File::options()
        .read(true)
        .write(true)
        // Without this flag, opening a FIFO that has just come there would wait.
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(|error| failure(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LockError::Held(holder(&file))),
        Err(TryLockError::Error(error)) => Err(failure(path, error).into()),
    }
}

/// On a full disk the lock works, but the note cannot be written.
fn write_note(file: &File, path: &Path, now: Timestamp) {
    if let Err(error) = note(file, now) {
        log::debug!("the lock has no note: path={} {error}", path.display());
    }
}

fn note(mut file: &File, now: Timestamp) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} since {now}", std::process::id())
}

/// The note in a lock's file; `None` when there is none.
fn read_note(file: &File) -> Option<String> {
    let mut note = Vec::new();
    let read = file.take(NOTE_BYTES_MAX).read_to_end(&mut note);
    let note = note.trim_ascii().escape_ascii().to_string();
    (read.is_ok() && !note.is_empty()).then_some(note)
}

fn holder(file: &File) -> LockHolder {
    let note = read_note(file);
    let mut holder = LockHolder {
        name: note.unwrap_or_default(),
        remedy: "wait until that run has ended".to_owned(),
    };
    if holder.name.is_empty() {
        holder.name = "a process that left no note".to_owned();
        return holder;
    }
    let pid = holder.name.split(' ').nth(1);
    let facts = pid.and_then(|pid| pid.parse().ok()).and_then(process_facts);
    if let Some(facts) = facts {
        holder.name = format!("{} ({})", facts.program, holder.name);
        if facts.is_stopped {
            holder.name += ", which was stopped by a signal";
            holder.remedy = facts.remedy();
        }
    }
    holder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_is_first_and_a_dropped_lock_is_free() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("state/t.sqlite");
        let take = |name, at| Lock::take(&database, name, Timestamp(at));
        let first = take("a", 0).expect("free");
        let error = take("a", 1).expect_err("taken");
        let holder = format!("process {} since 1970-01-01T00:00:00Z", std::process::id());
        let said = error.to_string();
        assert!(said.contains(&holder) && said.contains("wait"), "{said}");
        take("b", 1).expect("another lock");
        assert_eq!(first.killed(), None);
        drop(first);
        let again = take("a", 2).expect("free again");
        assert_eq!(again.killed(), None, "the first gave it back");
    }

    #[test]
    fn who_was_killed_is_known_to_the_next() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let path = folder.path().join("t.sqlite.locks/a");
        drop(Lock::take(&database, "a", Timestamp(8)).expect("free"));
        fs::write(&path, "process 12 since 1970-01-01T00:00:09Z\n").expect("a note");
        let lock = Lock::take(&database, "a", Timestamp(10)).expect("nobody holds it");
        let killed = lock.killed().expect("a holder before");
        assert_eq!(
            (killed.name.as_str(), killed.since),
            ("process 12", Timestamp(9))
        );
        let note = fs::read_to_string(&path).expect("a note");
        assert!(note.ends_with("since 1970-01-01T00:00:10Z\n") && note.lines().count() == 1);
        for odd in [
            "",
            "nonsense",
            "process 12 since yesterday",
            "\u{0}\u{0}\u{0}",
        ] {
            assert_eq!(KilledHolder::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_lock_file_of_earlier_versions_counts_where_it_exists() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let former = folder.path().join("t.sqlite.index.lock");
        drop(Lock::take(&database, "index", Timestamp(1)).expect("free"));
        assert!(!former.exists(), "a new lock makes no file of that name");
        fs::write(&former, "process 0 since 2026-01-01T00:00:00Z\n").expect("a note");
        let earlier = File::open(&former).expect("a lock");
        earlier.lock().expect("nobody holds it");
        let said = Lock::take(&database, "index", Timestamp(2)).expect_err("held");
        assert!(said.to_string().contains("since 2026-01-01"), "{said}");
        earlier.unlock().expect("ours");
        let _new = Lock::take(&database, "index", Timestamp(3)).expect("free");
        assert!(earlier.try_lock().is_err(), "a downgraded program waits");
    }

    #[test]
    fn other_kinds_of_files_are_called_by_their_name() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let locks = folder.path().join("t.sqlite.locks");
        let fifo = |path: &Path| {
            use rustix::fs::{CWD, Mode};
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(CWD, path, kind, Mode::RUSR, 0).expect("a FIFO");
        };
        let says = |path: &Path, cause: &str| {
            let said = Lock::take(&database, "a", Timestamp(1)).expect_err("no lock");
            let LockError::File(error) = said else {
                panic!("{said}");
            };
            let expected = format!("cannot lock {}; move it away and run again", path.display());
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.source.to_string(), cause);
        };
        fifo(&locks);
        says(&locks, "it is not a folder but a FIFO");
        fs::remove_file(&locks).expect("removed");
        fs::write(&locks, "").expect("a file");
        says(&locks, "it is not a folder but a regular file");
        fs::remove_file(&locks).expect("removed");
        std::os::unix::fs::symlink("nowhere", &locks).expect("a link");
        says(&locks, "it is not a folder but a link to nothing");
        fs::remove_file(&locks).expect("removed");
        fs::create_dir(&locks).expect("a folder");
        let file = locks.join("a");
        fifo(&file);
        says(&file, "it is not a regular file but a FIFO");
        fs::remove_file(&file).expect("removed");
        fs::create_dir(&file).expect("a folder");
        says(&file, "it is not a regular file but a folder");
        fs::remove_dir(&file).expect("removed");
        std::os::unix::fs::symlink("/dev/null", &file).expect("a link");
        says(&file, "it is not a regular file but a device");
        fs::remove_file(&file).expect("removed");
        Lock::take(&database, "a", Timestamp(1)).expect("the remedy helps");
    }
}
