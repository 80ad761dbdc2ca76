//! One scan a mirror at a time, over all processes.
//!
//! # Locking
//! `flock` on `DATABASE.locks/scan-ID`. The system takes it back when the process ends, however
//! it ends, so that a lock is never left behind; the empty file is.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::MirrorError;
use crate::domain::mirror::MirrorId;

/// Held until it is dropped.
#[derive(Debug)]
pub struct MirrorLock {
    _file: File,
}

impl MirrorLock {
    /// Takes the mirror's lock, or fails at once.
    ///
    /// # Errors
    /// [`MirrorError::Running`], [`MirrorError::Lock`].
    pub fn take(database: &Path, mirror: MirrorId) -> Result<MirrorLock, MirrorError> {
        let path = lock_path(database, mirror);
        let cannot = |source| MirrorError::Lock {
            path: path.clone(),
            source,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(MirrorLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(MirrorError::Running),
            Err(TryLockError::Error(source)) => Err(cannot(source)),
        }
    }
}

fn lock_path(database: &Path, mirror: MirrorId) -> PathBuf {
    let mut folder = database.as_os_str().to_owned();
    folder.push(".locks");
    PathBuf::from(folder).join(format!("scan-{mirror}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_locked_once() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("t.sqlite");
        let held = MirrorLock::take(&database, MirrorId(1)).expect("free");
        let again = MirrorLock::take(&database, MirrorId(1)).expect_err("held");
        assert!(matches!(again, MirrorError::Running), "{again}");
        MirrorLock::take(&database, MirrorId(2)).expect("another mirror");
        drop(held);
        MirrorLock::take(&database, MirrorId(1)).expect("free again");
    }
}
