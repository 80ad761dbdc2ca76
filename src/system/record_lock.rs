//! Which process holds a POSIX lock on a part of a file: the kernel knows, so that nobody has to
//! note it.
//!
//! # Locking
//! Closing any descriptor of a file drops all POSIX locks that the process has on it, those of
//! libraries too. So a file that is asked here is opened once and never closed.

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

static ASKED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Number of a process other than this one that has a lock on some of `length` bytes from `start`.
pub fn record_lock_holder(path: &Path, start: u64, length: u64) -> Option<u32> {
    let now = std::fs::metadata(path).ok()?;
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = asked.iter().position(|file| is_of(file, &now));
    let place = match known {
        Some(place) => place,
        None => {
            let flags = OFlags::NONBLOCK.bits() as i32;
            let file = File::options().read(true).custom_flags(flags).open(path);
            asked.push(file.ok()?);
            asked.len() - 1
        }
    };
    let wanted = Flock {
        start,
        length,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    let found = fcntl_getlk(&asked[place], &wanted).ok()??;
    u32::try_from(found.pid?.as_raw_pid()).ok()
}

fn is_of(file: &File, now: &Metadata) -> bool {
    file.metadata()
        .is_ok_and(|then| (then.dev(), then.ino()) == (now.dev(), now.ino()))
}
