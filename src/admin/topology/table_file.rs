//! Finds the site's table of networks and reads it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::domain::topology::{NetworkTable, TABLE_MAGIC};
use crate::regular_file;

/// Largest table that is read: ten times the Internet of today.
const TABLE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The table that an option names, or the one among the site's GeoIP files.
pub(super) fn table_path(
    session: &Session,
    given: Option<&PathBuf>,
) -> Result<PathBuf, AdminError> {
    let listed = || {
        session
            .site
            .geoip
            .iter()
            .find(|path| is_table(path))
            .cloned()
    };
    given.cloned().or_else(listed).ok_or_else(|| {
        AdminError::Usage(
            "no file in `geoip` is a table of networks; make one by `heliostat topology compile`, \
             or name one by --table"
                .to_owned(),
        )
    })
}

/// Whether a file begins with the magic of a table.
fn is_table(path: &Path) -> bool {
    let mut head = Vec::new();
    let file = regular_file::open(path);
    let read =
        file.and_then(|file: File| file.take(TABLE_MAGIC.len() as u64).read_to_end(&mut head));
    read.is_ok() && head == TABLE_MAGIC
}

/// Reads a table.
pub(super) fn read_table(path: &Path) -> Result<NetworkTable, AdminError> {
    let bytes = regular_file::read(path, TABLE_BYTES_MAX).map_err(|source| AdminError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    NetworkTable::from_bytes(&bytes).map_err(|damage| AdminError::DamagedTable {
        file: path.to_owned(),
        damage,
    })
}
