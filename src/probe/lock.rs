//! One prober a database at a time: cron's may meet the daemon.
//!
//! # Locking
//! `flock` on `DATABASE.locks/probe`; the system takes it back when the process ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::ProbeError;

/// Held until it is dropped.
#[derive(Debug)]
pub struct ProbeLock {
    _file: File,
}

impl ProbeLock {
    /// Takes the lock, or fails at once.
    ///
    /// # Errors
    /// [`ProbeError::Running`], [`ProbeError::Lock`].
    pub fn take(database: &Path) -> Result<ProbeLock, ProbeError> {
        let mut folder = database.as_os_str().to_owned();
        folder.push(".locks");
        let folder = PathBuf::from(folder);
        let path = folder.join("probe");
        let cannot = |source| ProbeError::Lock {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(&folder).map_err(cannot)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(ProbeLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ProbeError::Running { path }),
            Err(TryLockError::Error(source)) => Err(cannot(source)),
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
        let held = ProbeLock::take(&database).expect("free");
        let again = ProbeLock::take(&database).expect_err("held");
        assert!(matches!(again, ProbeError::Running { .. }), "{again}");
        drop(held);
        ProbeLock::take(&database).expect("free again");
    }
}
