//! Turns pings of mirrors into requests for scans; the responder makes each ping as a file.
//!
//! # Security
//! Whoever can reach the responder can make pings. A ping contains nothing but the name of a
//! mirror, so that it can only cause a scan, which finds out the truth. Only empty regular files
//! that have the name of a mirror are taken and removed, in case a wrong folder was configured.

use std::io;
use std::path::Path;

use crate::db::scan::request;
use crate::db::{DbError, Writer, mirror};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Largest number of files that are taken at a time; no site has as many mirrors.
const FILES_MAX: usize = 10_000;

/// Why pings could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The folder cannot be read.
    #[error("cannot collect pings from {folder}")]
    Folder {
        /// The folder.
        folder: std::path::PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Turns the files of a folder into requests for scans and removes them; returns the number of
/// mirrors. A missing folder counts as empty.
///
/// # Errors
/// Returns [`RequestError`] if the folder cannot be read or the database cannot be written. The
/// files stay for the next time then.
pub fn collect_requests(
    folder: &Path,
    writer: &mut Writer,
    now: Timestamp,
) -> Result<usize, RequestError> {
    let names = names_in(folder).map_err(|source| RequestError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    if names.is_empty() {
        return Ok(0);
    }
    let taken = writer.transaction(|transaction| {
        let mut taken = Vec::new();
        for mirror in mirror::all(transaction)? {
            if names.contains(&mirror.identifier) {
                request::store(transaction, mirror.id, now)?;
                taken.push(mirror.identifier);
            }
        }
        Ok::<_, DbError>(taken)
    })?;
    // The files are removed last: if the program is killed here, a mirror is scanned once too
    // often, not too seldom.
    for name in &taken {
        let path = folder.join(name);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!(
                "a ping stays and is taken again: path={} {error}",
                path.display()
            );
        }
    }
    Ok(taken.len())
}

/// Removes the request for a scan of a mirror, because the scan has begun.
///
/// # Errors
/// Returns [`DbError`] if the database cannot be read or written.
pub(super) fn take(writer: &mut Writer, mirror: MirrorId, began: Timestamp) -> Result<(), DbError> {
    // Nothing is written if nobody asked for the scan.
    if !request::all(writer)?.contains_key(&mirror) {
        return Ok(());
    }
    writer.transaction(|transaction| request::clear(transaction, mirror, began))
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries.take(FILES_MAX) {
        let entry = entry?;
        // The kind of the entry itself, not of a link's target.
        let found = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        let is_ping = found.is_file() && found.len() == 0;
        if let (true, Ok(name)) = (is_ping, entry.file_name().into_string()) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::MirrorRecord;
    use crate::db::open_writer;

    #[test]
    fn pings_become_requests_and_other_files_stay() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let id = writer
            .transaction(|t| mirror::insert(t, &MirrorRecord::new("m.example")))
            .expect("stored");
        let pings = folder.path().join("ping");
        let mut collect = || collect_requests(&pings, &mut writer, Timestamp(5)).expect("pings");
        assert_eq!(collect(), 0);
        std::fs::create_dir(&pings).expect("directory");
        for (name, content) in [("m.example", ""), ("gone", ""), ("precious", "text")] {
            std::fs::write(pings.join(name), content).expect("file");
        }
        assert_eq!(collect(), 1);
        assert_eq!(collect(), 0);
        let left: Vec<_> = std::fs::read_dir(&pings).expect("directory").collect();
        assert_eq!(left.len(), 2);
        assert!(pings.join("precious").exists() && pings.join("gone").exists());
        let all = request::all(&writer).expect("read");
        assert_eq!(all.get(&id), Some(&Timestamp(5)));
    }
}
