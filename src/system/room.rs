//! How much room a disk has.

use std::path::Path;

/// Bytes that users other than root may still write where a file lies; `None` where the file
/// system does not tell.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    // Some file systems of the network know no size.
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}
