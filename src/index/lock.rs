//! One run a database at a time that changes the catalogue, and one that hashes; hashing may take
//! days, and the catalogue does not wait for it.
//!
//! # Locking
//! `DATABASE.index.lock` and `DATABASE.hash.lock`, see [`Lock`].

use std::path::Path;

use super::error::IndexError;
use crate::domain::time::Timestamp;
use crate::program::lock::{Lock, LockError};

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
    _lock: Lock,
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
        match Lock::take(Path::new(&name), now) {
            Ok(lock) => Ok(IndexLock { _lock: lock }),
            Err(LockError::Held(holder)) => Err(IndexError::Locked {
                database: database.to_owned(),
                activity: activity.participle(),
                holder,
            }),
            Err(LockError::File { path, source }) => Err(IndexError::Lock { path, source }),
        }
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
