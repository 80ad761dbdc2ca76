//! Finds the process that holds a POSIX lock on a part of a file. The kernel knows it, so no
//! program has to write it down.
//!
//! # Locking
//! Closing any descriptor of a file drops all POSIX locks that the process has on it, also those of
//! libraries. So a file is opened here once and never closed.

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

static OPEN_FILES: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Id of a process, other than this one, that has an exclusive lock on any of `length` bytes from
/// `start`.
pub fn record_lock_holder(path: &Path, start: u64, length: u64) -> Option<u32> {
    let now = std::fs::metadata(path).ok()?;
    let mut files = OPEN_FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = files.iter().position(|file| is_same(file, &now));
    let index = match known {
        Some(index) => index,
        None => {
            let flags = OFlags::NONBLOCK.bits() as i32;
            let file = File::options().read(true).custom_flags(flags).open(path);
            files.push(file.ok()?);
            files.len() - 1
        }
    };
    let wanted = Flock {
        start,
        length,
        pid: None,
        // Readers of the database hold shared locks, which do not conflict with this one.
        typ: FlockType::ReadLock,
        offset_type: FlockOffsetType::Set,
    };
    let found = fcntl_getlk(&files[index], &wanted).ok()??;
    u32::try_from(found.pid?.as_raw_pid()).ok()
}

fn is_same(file: &File, now: &Metadata) -> bool {
    file.metadata()
        .is_ok_and(|then| (then.dev(), then.ino()) == (now.dev(), now.ino()))
}
