//! One run a database at a time that changes the catalogue, and one that hashes; hashing may take
//! days, and the catalogue does not wait for it.
//!
//! # Locking
//! `flock` on `DATABASE.index.lock` and `DATABASE.hash.lock`: the kernel releases it when the
//! program ends, however it ends, so there is no stale lock. The file stays: removing it would let
//! two programs lock two files of one name.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::IndexError;
use crate::domain::time::Timestamp;

/// What is read of another program's note at most; ours are 60 bytes.
const NOTE_BYTES_MAX: u64 = 200;

/// What only one program does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Changing the catalogue.
    Indexing,
    /// Making hashes.
    Hashing,
}

impl Activity {
    fn suffix(self) -> &'static str {
        match self {
            Activity::Indexing => ".index.lock",
            Activity::Hashing => ".hash.lock",
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Activity::Indexing => "indexed",
            Activity::Hashing => "hashed",
        }
    }
}

/// Held while a run is at work.
#[derive(Debug)]
pub struct IndexLock {
    _file: File,
}

impl IndexLock {
    /// Takes the lock and notes in the file who has it.
    ///
    /// # Errors
    /// [`IndexError::Locked`] says who has it; [`IndexError::Lock`].
    pub fn take(
        database: &Path,
        activity: Activity,
        now: Timestamp,
    ) -> Result<IndexLock, IndexError> {
        let mut name = database.as_os_str().to_owned();
        name.push(activity.suffix());
        let path = PathBuf::from(name);
        let fail = |source| IndexError::Lock {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(IndexError::Locked {
                    database: database.to_owned(),
                    activity: activity.participle(),
                    holder: holder(&file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        note(&file, now).map_err(fail)?;
        Ok(IndexLock { _file: file })
    }
}

fn note(mut file: &File, now: Timestamp) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "process {} since {now}", std::process::id())
}

fn holder(file: &File) -> String {
    let mut note = Vec::new();
    match file.take(NOTE_BYTES_MAX).read_to_end(&mut note) {
        Ok(_) if !note.trim_ascii().is_empty() => note.trim_ascii().escape_ascii().to_string(),
        _ => "a process that has not said its number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_is_first_and_a_dropped_lock_is_free() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let first = IndexLock::take(&database, Activity::Indexing, Timestamp(0)).expect("free");
        let error =
            IndexLock::take(&database, Activity::Indexing, Timestamp(1)).expect_err("taken");
        let holder = format!("process {} since 1970-01-01T00:00:00Z", std::process::id());
        assert!(error.to_string().contains(&holder), "{error}");
        IndexLock::take(&database, Activity::Hashing, Timestamp(1)).expect("another lock");
        drop(first);
        IndexLock::take(&database, Activity::Indexing, Timestamp(2)).expect("free again");
    }
}
