//! The number of the catalogue's generation in the tree, so that mirrors know which they copied.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::domain::trace::GENERATION_NAME;
use crate::regular_file;

/// Of a number and a line feed.
const NUMBER_BYTES_MAX: u64 = 32;

/// Mirrors fetch it like any other file.
const MODE: u32 = 0o644;

/// Writes the number and a line feed, at once or not at all; what says the same stays.
///
/// # Errors
/// The tree cannot be written.
pub(super) fn write(tree: &Path, number: i64) -> io::Result<()> {
    let file = tree.join(GENERATION_NAME);
    let text = format!("{number}\n");
    // Whoever may write into the tree may have put anything in its place.
    if regular_file::read(&file, NUMBER_BYTES_MAX).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    // The name of a half-written one is known too, so that no index takes it.
    let mut new = tempfile::Builder::new()
        .prefix(&format!("{GENERATION_NAME}."))
        .tempfile_in(tree)?;
    new.write_all(text.as_bytes())?;
    let mode = std::fs::Permissions::from_mode(MODE);
    new.as_file().set_permissions(mode)?;
    new.persist(&file).map_err(|error| error.error)?;
    Ok(())
}
