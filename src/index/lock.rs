//! Ensures that one run per database changes the catalogue, and one hashes. Hashing may take days,
//! and the catalogue does not wait for it.
//!
//! # Locking
//! The lock files are `DATABASE.locks/index` and `DATABASE.locks/hash`, see [`Lock`].

use std::path::Path;

use super::error::IndexError;
use crate::domain::time::Timestamp;
use crate::program::lock::{Lock, LockError};

/// An activity that only one program may do at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Changing the catalogue.
    Indexing,
    /// Computing hashes.
    Hashing,
}

impl Activity {
    fn name(self) -> &'static str {
        match self {
            Activity::Indexing => "index",
            Activity::Hashing => "hash",
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Activity::Indexing => "indexed",
            Activity::Hashing => "hashed",
        }
    }
}

/// A lock that is held while a run is working.
#[derive(Debug)]
pub struct IndexLock {
    _lock: Lock,
}

impl IndexLock {
    /// Takes the lock and writes its holder into the file.
    ///
    /// # Errors
    /// Returns [`IndexError::Locked`] with the holder if another run has it, and
    /// [`IndexError::Lock`] if the file cannot be used.
    pub fn take(
        database: &Path,
        activity: Activity,
        now: Timestamp,
    ) -> Result<IndexLock, IndexError> {
        match Lock::take(database, activity.name(), now) {
            Ok(lock) => Ok(IndexLock { _lock: lock }),
            Err(LockError::Held(holder)) => Err(IndexError::Locked {
                database: database.to_owned(),
                activity: activity.participle(),
                holder,
            }),
            Err(LockError::File(error)) => Err(IndexError::Lock(error)),
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
