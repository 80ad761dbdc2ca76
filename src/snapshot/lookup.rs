//! Reads data that requests need beyond the snapshot, mainly hashes: one connection per worker.
//!
//! The connection stays in one read transaction until the snapshot changes or the worker is idle:
//! taking and releasing the WAL's read lock would cost each request four system calls.

use std::path::{Path, PathBuf};

use super::file_identity::FileIdentity;
use super::snapshot::Snapshot;
use crate::db::DbError;
use crate::db::open::{Reader, open_reader};
use crate::db::{catalogue, hash};
use crate::domain::file::{FileId, FileVersion};

/// Looks up files in the database from which a snapshot was read.
#[derive(Debug)]
pub struct Lookup {
    path: PathBuf,
    open: Option<OpenReader>,
}

#[derive(Debug)]
struct OpenReader {
    reader: Reader,
    /// The file of the snapshot for which this was opened.
    identity: FileIdentity,
    /// Serial of the snapshot that the read transaction belongs to; `None`: no transaction is open.
    serial: Option<u64>,
}

impl Lookup {
    /// Makes a look-up that opens the database at the first request.
    pub fn new(path: &Path) -> Lookup {
        Lookup {
            path: path.to_owned(),
            open: None,
        }
    }

    /// The digests of a file version.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be read, or is not the snapshot's; the next call
    /// opens it again.
    pub fn digests(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<hash::Digests>, DbError> {
        self.with(snapshot, |reader| hash::find(reader, id, version))
    }

    /// The hash row of a file version, as documents need it.
    ///
    /// # Errors
    /// Returns an error as [`Lookup::digests`] does.
    pub fn hash_summary(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<hash::HashSummary>, DbError> {
        self.with(snapshot, |reader| hash::find_summary(reader, id, version))
    }

    /// Appends a part, short enough to be held in memory, of the hash row that
    /// [`Lookup::hash_summary`] found for the same snapshot.
    ///
    /// # Errors
    /// Returns an error as [`Lookup::digests`] does.
    pub fn short(
        &mut self,
        snapshot: &Snapshot,
        wanted: (FileId, hash::HashPart),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        self.with(snapshot, |reader| {
            hash::read_short(reader, wanted.0, wanted.1, out)
        })
    }

    /// The files in a directory and below it, in path order, at most `limit`.
    ///
    /// # Errors
    /// Returns an error as [`Lookup::digests`] does.
    pub fn files_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<FileId>, DbError> {
        self.with(snapshot, |reader| {
            catalogue::files_below(reader, directory, limit)
        })
    }

    /// The same with their paths.
    ///
    /// # Errors
    /// Returns an error as [`Lookup::digests`] does.
    pub fn paths_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, FileId)>, DbError> {
        self.with(snapshot, |reader| {
            catalogue::paths_below(reader, directory, limit)
        })
    }

    fn with<T>(
        &mut self,
        snapshot: &Snapshot,
        work: impl FnOnce(&Reader) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self
            .open
            .as_ref()
            .is_none_or(|open| open.identity != snapshot.identity)
        {
            self.open = None;
            self.open = Some(OpenReader {
                reader: open_reader(&self.path)?,
                identity: snapshot.identity,
                serial: None,
            });
        }
        let Some(open) = &mut self.open else {
            return Err(DbError::Missing {
                path: self.path.clone(),
            });
        };
        let result = open.renew(snapshot).and_then(|()| work(&open.reader));
        if result.is_err() {
            self.open = None;
        }
        result
    }

    /// Ends the read transaction, so that the WAL can be emptied. Called when a worker is idle.
    pub fn end_read(&mut self) {
        if let Some(open) = &mut self.open
            && open.end().is_err()
        {
            self.open = None;
        }
    }
}

impl OpenReader {
    fn renew(&mut self, snapshot: &Snapshot) -> Result<(), DbError> {
        if self.serial == Some(snapshot.serial) {
            return Ok(());
        }
        self.end()?;
        self.reader.begin_read()?;
        // A newer copy of the same lineage is as good: an id means one version for ever.
        if Some(self.reader.lineage()?) != snapshot.lineage {
            return Err(DbError::HashChanged {
                path: self.reader.path().to_owned(),
            });
        }
        self.serial = Some(snapshot.serial);
        Ok(())
    }

    fn end(&mut self) -> Result<(), DbError> {
        if self.serial.take().is_some() {
            self.reader.end_read()?;
        }
        Ok(())
    }
}
