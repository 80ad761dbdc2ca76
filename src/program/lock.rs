//! Locks between programs: files that name their holder.
//!
//! # Locking
//! The lock is a `flock`, which the kernel releases when the program ends, however it ends, so that
//! no lock is left behind. The file stays: if it were removed, two programs could lock two files of
//! the same name.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::domain::time::Timestamp;
use crate::system::{create_private, process_facts};

/// Largest number of bytes that are read of another program's note; ours have 60.
const NOTE_BYTES_MAX: u64 = 200;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
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
    /// The lock file cannot be created or opened.
    #[error("{}", path.display())]
    File {
        /// Path of the lock file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
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
    /// Takes the lock and writes its holder into the file, or fails at once.
    ///
    /// # Errors
    /// Returns [`LockError`] if another program holds the lock or the file cannot be used.
    pub fn take(path: &Path, now: Timestamp) -> Result<Lock, LockError> {
        let fail = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(fail)?;
        let file = File::options()
            .read(true)
            .write(true)
            // Without this flag, opening a FIFO of that name would wait.
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&file))),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let killed = read_note(&file).as_deref().and_then(KilledHolder::parse);
        // On a full disk the lock works, but the note cannot be written.
        if let Err(error) = note(&file, now) {
            log::debug!("the lock has no note: path={} {error}", path.display());
        }
        Ok(Lock { file, killed })
    }

    /// The holder before, if it did not give the lock back.
    pub fn killed(&self) -> Option<&KilledHolder> {
        self.killed.as_ref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stays is taken for the note of a program that was killed.
        if let Err(error) = self.file.set_len(0) {
            log::debug!("the note of a lock stays: {error}");
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

/// The remedy if a lock file cannot be created or opened.
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
        let path = folder.path().join("locks/a");
        let first = Lock::take(&path, Timestamp(0)).expect("free");
        let error = Lock::take(&path, Timestamp(1)).expect_err("taken");
        let holder = format!("process {} since 1970-01-01T00:00:00Z", std::process::id());
        let said = error.to_string();
        assert!(said.contains(&holder) && said.contains("wait"), "{said}");
        Lock::take(&folder.path().join("locks/b"), Timestamp(1)).expect("another lock");
        assert_eq!(first.killed(), None);
        drop(first);
        let again = Lock::take(&path, Timestamp(2)).expect("free again");
        assert_eq!(again.killed(), None, "the first gave it back");
    }

    #[test]
    fn who_was_killed_is_known_to_the_next() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "process 12 since 1970-01-01T00:00:09Z\n").expect("a note");
        let lock = Lock::take(&path, Timestamp(10)).expect("nobody holds it");
        let killed = lock.killed().expect("a holder before");
        assert_eq!(
            (killed.name.as_str(), killed.since),
            ("process 12", Timestamp(9))
        );
        let note = std::fs::read_to_string(&path).expect("a note");
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
}
