//! One worker's connection for what requests need beyond the snapshot: hashes.
//!
//! The connection stays in one read transaction until the snapshot changes or the worker is idle:
//! taking and giving back the read lock of the WAL would cost each request four system calls.

use std::path::{Path, PathBuf};

use super::snapshot::{FileIdentity, Snapshot};
use crate::db::DbError;
use crate::db::open::{Reader, open_reader};
use crate::db::{catalogue, hash};
use crate::domain::file::{FileId, FileVersion};

/// Looks files up in the database that a snapshot was read from.
#[derive(Debug)]
pub struct Lookup {
    path: PathBuf,
    open: Option<OpenReader>,
}

#[derive(Debug)]
struct OpenReader {
    reader: Reader,
    identity: FileIdentity,
    /// Snapshot of the running read transaction; `None`: there is none.
    serial: Option<u64>,
}

impl Lookup {
    /// Opens nothing yet.
    pub fn new(path: &Path) -> Lookup {
        Lookup {
            path: path.to_owned(),
            open: None,
        }
    }

    /// The digests of a file version.
    ///
    /// # Errors
    /// The database cannot be read, or is another than the snapshot's; the next call tries anew.
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
    /// As [`Lookup::digests`].
    pub fn hash_summary(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<hash::HashSummary>, DbError> {
        self.with(snapshot, |reader| hash::find_summary(reader, id, version))
    }

    /// Appends a part, short enough to be held, of the hash row that [`Lookup::hash_summary`] has
    /// found for the same snapshot.
    ///
    /// # Errors
    /// As [`Lookup::digests`].
    pub fn short(
        &mut self,
        snapshot: &Snapshot,
        wanted: (FileId, hash::Long),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        self.with(snapshot, |reader| {
            hash::read_short(reader, wanted.0, wanted.1, out)
        })
    }

    /// The files of a directory and below, in the order of paths, not more than `limit`.
    ///
    /// # Errors
    /// As [`Lookup::digests`].
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
            let reader = open_reader(&self.path)?;
            if FileIdentity::of(&self.path) != Some(snapshot.identity) {
                return Err(DbError::Missing {
                    path: self.path.clone(),
                });
            }
            self.open = Some(OpenReader {
                reader,
                identity: snapshot.identity,
                serial: None,
            });
        }
        let Some(open) = &mut self.open else {
            return Err(DbError::Missing {
                path: self.path.clone(),
            });
        };
        let result = open
            .renew(snapshot.serial)
            .and_then(|()| work(&open.reader));
        if result.is_err() {
            self.open = None;
        }
        result
    }

    /// Ends the read transaction, so that the WAL can be emptied; called when a worker is idle.
    pub fn rest(&mut self) {
        if let Some(open) = &mut self.open
            && open.end().is_err()
        {
            self.open = None;
        }
    }
}

impl OpenReader {
    fn renew(&mut self, serial: u64) -> Result<(), DbError> {
        if self.serial == Some(serial) {
            return Ok(());
        }
        self.end()?;
        self.reader.begin_read()?;
        self.serial = Some(serial);
        Ok(())
    }

    fn end(&mut self) -> Result<(), DbError> {
        if self.serial.take().is_some() {
            self.reader.end_read()?;
        }
        Ok(())
    }
}
