//! Writes spool files: whole ones, or none.
//!
//! # Limits
//! At most [`FILES_MAX`] files of [`FOLDER_BYTES_MAX`] bytes together, so that a `collect` that
//! never runs fills no disk.

use std::fs;
use std::io;
use std::path::Path;

use crate::domain::count::spool::{self, SpoolHead};
use crate::domain::count::tally::CountTally;
use crate::program::replacement::replace_file;

/// Sixteen hours of one file per minute.
const FILES_MAX: usize = 1000;

/// Bytes of all files together.
const FOLDER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The group may bring files elsewhere.
const MODE: u32 = 0o640;

/// Writes the sums of a period into a new file of the folder.
///
/// # Errors
/// Returns the error of the system if the file cannot be written whole, or the folder is full.
pub(super) fn write(folder: &Path, head: &SpoolHead, tally: &CountTally) -> io::Result<()> {
    check_room(folder)?;
    let file = folder.join(head.file_name());
    replace_file(&file, &spool::write(head, tally), MODE)
}

fn check_room(folder: &Path) -> io::Result<()> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files += 1;
        // A file that `collect` has just removed takes no room.
        bytes += entry.metadata().map_or(0, |found| found.len());
        if files >= FILES_MAX || bytes >= FOLDER_BYTES_MAX {
            let text = "it is full of files that `heliostat stats collect` has not fetched";
            return Err(io::Error::other(text));
        }
    }
    Ok(())
}
