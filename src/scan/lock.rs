//! Ensures that one process at a time scans a mirror.
//!
//! # Locking
//! `DATABASE.locks/scan-ID`, see [`Lock`].

use std::path::Path;

use super::error::MirrorError;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::program::lock::{KilledHolder, Lock, LockError};

/// Held until it is dropped.
#[derive(Debug)]
pub struct MirrorLock {
    lock: Lock,
}

impl MirrorLock {
    /// Takes the mirror's lock, or fails at once.
    ///
    /// # Errors
    /// Returns [`MirrorError::Running`] if another scan of the mirror runs, and
    /// [`MirrorError::Lock`] if the lock cannot be taken.
    pub fn take(
        database: &Path,
        mirror: MirrorId,
        now: Timestamp,
    ) -> Result<MirrorLock, MirrorError> {
        match Lock::take(database, &format!("scan-{mirror}"), now) {
            Ok(lock) => Ok(MirrorLock { lock }),
            Err(LockError::Held(holder)) => Err(MirrorError::Running { holder }),
            Err(LockError::File(error)) => Err(MirrorError::Lock(error)),
        }
    }

    /// A scan of the mirror that was killed: it left the lock behind.
    pub fn killed(&self) -> Option<&KilledHolder> {
        self.lock.killed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_locked_once() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let take = |mirror| MirrorLock::take(&database, MirrorId(mirror), Timestamp(7));
        let held = take(1).expect("free");
        let again = take(1).expect_err("held");
        assert!(matches!(again, MirrorError::Running { .. }), "{again}");
        take(2).expect("another mirror");
        drop(held);
        take(1).expect("free again");
    }
}
