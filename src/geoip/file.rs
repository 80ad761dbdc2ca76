//! Reads the bytes of a GeoIP file.

use std::io::Read;
use std::path::Path;

use super::error::GeoIpError;
use crate::regular_file;

/// Largest file in bytes that is read into memory. The largest ones on the market have some 1.5 GB,
/// and the web server needs memory too.
const FILE_BYTES_MAX: u64 = 2 << 30;

/// Reads a file; never waits for one that is not a regular file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, GeoIpError> {
    let file = regular_file::open(path).map_err(GeoIpError::Read)?;
    let metadata = file.metadata().map_err(GeoIpError::Read)?;
    let bytes = metadata.len();
    if bytes > FILE_BYTES_MAX {
        return Err(GeoIpError::TooLarge {
            bytes,
            most: FILE_BYTES_MAX,
        });
    }
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    // A file that grows during the reading is read up to its former length.
    let read = file.take(bytes).read_to_end(&mut content);
    read.map_err(GeoIpError::Read)?;
    Ok(content)
}
