//! Writes spool files: whole ones, or none.
//!
//! # Limits
//! At most [`FILES_MAX`] files of [`FOLDER_BYTES_MAX`] bytes together, so that a `collect` that
//! never runs fills no disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::domain::count::spool::{self, SpoolHead};
use crate::domain::count::tally::CountTally;

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
    let name = head.file_name();
    let temporary = folder.join(format!(".{name}.tmp"));
    let written = write_synced(&temporary, &spool::write(head, tally))
        .and_then(|()| fs::rename(&temporary, folder.join(&name)));
    if let Err(error) = written {
        // What was not made cannot be removed.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // After a power cut, a file whose name was lost is only not counted.
    File::open(folder)?.sync_all()
}

fn write_synced(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(MODE);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
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
