//! The bytes of a GeoIP file.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::GeoIpError;

/// Bytes that are read into memory. The largest that are sold have some 1.5 GB, and what is in
/// memory is no longer there for the web server.
const FILE_BYTES_MAX: u64 = 2 << 30;

/// Reads a file. What is no regular file is never waited for.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, GeoIpError> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(GeoIpError::Read)?;
    let metadata = file.metadata().map_err(GeoIpError::Read)?;
    if !metadata.is_file() {
        return Err(GeoIpError::NotAFile);
    }
    let bytes = metadata.len();
    if bytes > FILE_BYTES_MAX {
        return Err(GeoIpError::TooLarge {
            bytes,
            most: FILE_BYTES_MAX,
        });
    }
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    // A file that grows meanwhile is read as far as it was long.
    let read = file.take(bytes).read_to_end(&mut content);
    read.map_err(GeoIpError::Read)?;
    Ok(content)
}
