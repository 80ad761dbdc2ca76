//! Finds the free space on a disk.

use std::path::Path;

/// Number of bytes that users other than root can still write on the disk of a file; `None` if the
/// file system does not tell.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    // Some network file systems report no size.
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}
