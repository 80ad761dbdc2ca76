//! Ensures that one program at a time probes for a database: one that cron starts may meet the
//! daemon.
//!
//! # Locking
//! `DATABASE.locks/probe`, see [`Lock`].

use std::path::Path;

use super::error::ProbeError;
use crate::domain::time::Timestamp;
use crate::program::lock::{Lock, LockError};

/// Held until it is dropped.
#[derive(Debug)]
pub struct ProbeLock {
    _lock: Lock,
}

impl ProbeLock {
    /// Takes the lock, or fails at once.
    ///
    /// # Errors
    /// Returns [`ProbeError::Running`] if another probe runs, and [`ProbeError::Lock`] if the lock
    /// cannot be taken.
    pub fn take(database: &Path, now: Timestamp) -> Result<ProbeLock, ProbeError> {
        match Lock::take(database, "probe", now) {
            Ok(lock) => Ok(ProbeLock { _lock: lock }),
            Err(LockError::Held(holder)) => Err(ProbeError::Running { holder }),
            Err(LockError::File(error)) => Err(ProbeError::Lock(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_prober_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let held = ProbeLock::take(&database, Timestamp(7)).expect("free");
        let again = ProbeLock::take(&database, Timestamp(8)).expect_err("held");
        assert!(matches!(again, ProbeError::Running { .. }), "{again}");
        drop(held);
        ProbeLock::take(&database, Timestamp(9)).expect("free again");
    }
}
