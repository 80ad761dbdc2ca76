//! Writes the number of the catalogue's generation into the tree, so that mirrors know which
//! generation they copied.

use std::io;
use std::path::Path;

use crate::domain::trace::GENERATION_NAME;
use crate::program::replacement::replace_file;
use crate::regular_file;

/// Length in bytes that a number and a line feed do not exceed.
const NUMBER_BYTES_MAX: u64 = 32;

/// Everybody can read it: mirrors fetch it like any other file.
const MODE: u32 = 0o644;

/// Writes the number and a line feed atomically; a file with the same content stays.
///
/// # Errors
/// Returns the error of the system if the tree cannot be written.
pub(super) fn write(tree: &Path, number: i64) -> io::Result<()> {
    let file = tree.join(GENERATION_NAME);
    let text = format!("{number}\n");
    // A user who may write into the tree may have replaced the file by anything.
    if regular_file::read(&file, NUMBER_BYTES_MAX).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    // No index run takes the unfinished file: its name begins like that of the file.
    replace_file(&file, text.as_bytes(), MODE)
}
