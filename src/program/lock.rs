//! Locks between programs: files that say who holds them.
//!
//! # Locking
//! `flock`: the kernel takes it back when the program ends, however it ends, so that no lock is
//! left behind. The file stays: removing it would let two programs lock two files of one name.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::domain::time::Timestamp;
use crate::system::{create_private, process_facts};

/// What is read of another program's note at most; ours are 60 bytes.
const NOTE_BYTES_MAX: u64 = 200;

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another program has it.
    #[error("it is held by {0}")]
    Held(LockHolder),
    /// The file.
    #[error("{}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Who holds a lock, and since when, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// `process 12 since 2026-01-01T00:00:00Z`, with its program while it can be seen.
    pub name: String,
    /// What to do.
    pub remedy: String,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.name, self.remedy)
    }
}

impl Lock {
    /// Takes the lock and notes in the file who has it, or fails at once.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(path: &Path, now: Timestamp) -> Result<Lock, LockError> {
        let fail = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(fail)?;
        let file = File::options()
            .read(true)
            .write(true)
            // A FIFO of that name must not be waited for.
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&file))),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        // A full disk takes the lock and not the note.
        if let Err(error) = note(&file, now) {
            log::debug!("the lock has no note: path={} {error}", path.display());
        }
        Ok(Lock { _file: file })
    }
}

/// What to do when a lock's file cannot be made or opened.
pub fn file_remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on its disk and run again"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount its disk for writing and run again",
        _ => "run as the user who owns the database",
    }
}

fn note(mut file: &File, now: Timestamp) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "process {} since {now}", std::process::id())
}

fn holder(file: &File) -> LockHolder {
    let mut note = Vec::new();
    let read = file.take(NOTE_BYTES_MAX).read_to_end(&mut note);
    let note = note.trim_ascii().escape_ascii().to_string();
    let mut holder = LockHolder {
        name: note,
        remedy: "wait until that run has ended".to_owned(),
    };
    if read.is_err() || holder.name.is_empty() {
        holder.name = "a process that has not said its number".to_owned();
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
        let path = folder.path().join("locks/a");
        let first = Lock::take(&path, Timestamp(0)).expect("free");
        let error = Lock::take(&path, Timestamp(1)).expect_err("taken");
        let holder = format!("process {} since 1970-01-01T00:00:00Z", std::process::id());
        let said = error.to_string();
        assert!(said.contains(&holder) && said.contains("wait"), "{said}");
        Lock::take(&folder.path().join("locks/b"), Timestamp(1)).expect("another lock");
        drop(first);
        Lock::take(&path, Timestamp(2)).expect("free again");
    }
}
