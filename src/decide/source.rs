//! Gives requests access to the file tree and to hashes in the database.
//!
//! Decisions and answers use both only through [`Sources`], so that tests can give them values.

use crate::config::SiteConfig;
use crate::db::DbError;
use crate::db::copy::written::WrittenTime;
use crate::db::hash::{Digests, HashPart, HashSummary};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::path::FilePath;
use crate::domain::time::Timestamp;
use crate::snapshot::{Lookup, Snapshot};
use crate::tree::{Location, NamedLocation, Tree, TreeProblem};

/// The tree and the database, as far as a request reads them.
///
/// # Errors
/// The functions that take a snapshot return [`DbError`] if the database cannot be read or is
/// another than the snapshot's.
pub trait Sources {
    /// As [`Tree::named`].
    fn named(&mut self, file: &[u8]) -> NamedLocation;

    /// As [`Tree::locate`].
    fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Location;

    /// As [`Tree::directory`].
    ///
    /// # Errors
    /// Returns [`TreeProblem`] if the file system gives no answer.
    fn directory(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem>;

    /// As [`Lookup::digests`].
    ///
    /// # Errors
    /// See [`Sources`].
    fn digests(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<Digests>, DbError>;

    /// As [`Lookup::hash_summary`].
    ///
    /// # Errors
    /// See [`Sources`].
    fn hash_summary(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<HashSummary>, DbError>;

    /// As [`Lookup::short`].
    ///
    /// # Errors
    /// See [`Sources`].
    fn short(
        &mut self,
        snapshot: &Snapshot,
        wanted: (FileId, HashPart),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError>;

    /// As [`Lookup::files_below`].
    ///
    /// # Errors
    /// See [`Sources`].
    fn files_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<FileId>, DbError>;

    /// When the database was last written; `None` if that cannot be told.
    fn written_at(&mut self) -> Option<Timestamp>;

    /// As [`Lookup::paths_below`].
    ///
    /// # Errors
    /// See [`Sources`].
    fn paths_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, FileId)>, DbError>;

    /// As [`Lookup::end_read`].
    fn end_read(&mut self);
}

/// The tree on the disk, if there is one, and the site's database.
pub struct LiveSources {
    tree: Option<Tree>,
    lookup: Lookup,
    written: WrittenTime,
}

impl LiveSources {
    /// Makes the sources; tree and database are opened at their first use.
    pub fn new(config: &SiteConfig) -> LiveSources {
        LiveSources {
            tree: config.origin.is_none().then(|| Tree::new(&config.tree)),
            lookup: Lookup::new(&config.database),
            written: WrittenTime::new(&config.database),
        }
    }
}

impl Sources for LiveSources {
    fn named(&mut self, file: &[u8]) -> NamedLocation {
        match &mut self.tree {
            Some(tree) => tree.named(file),
            None => NamedLocation::Unseen,
        }
    }

    fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Location {
        match (&mut self.tree, catalogued) {
            (Some(tree), _) => tree.locate(path, catalogued),
            // The catalogue has canonical paths alone.
            (None, Some(version)) => Location::File {
                path: path.clone(),
                version,
            },
            (None, None) => Location::Missing,
        }
    }

    fn directory(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem> {
        match &self.tree {
            Some(tree) => tree.directory(path),
            // Who lists it finds out whether the catalogue has files below.
            None => Ok(Some(path.to_vec())),
        }
    }

    fn digests(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<Digests>, DbError> {
        self.lookup.digests(snapshot, id, version)
    }

    fn hash_summary(
        &mut self,
        snapshot: &Snapshot,
        id: FileId,
        version: FileVersion,
    ) -> Result<Option<HashSummary>, DbError> {
        self.lookup.hash_summary(snapshot, id, version)
    }

    fn short(
        &mut self,
        snapshot: &Snapshot,
        wanted: (FileId, HashPart),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        self.lookup.short(snapshot, wanted, out)
    }

    fn files_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<FileId>, DbError> {
        self.lookup.files_below(snapshot, directory, limit)
    }

    fn written_at(&mut self) -> Option<Timestamp> {
        self.written.get()
    }

    fn paths_below(
        &mut self,
        snapshot: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, FileId)>, DbError> {
        self.lookup.paths_below(snapshot, directory, limit)
    }

    fn end_read(&mut self) {
        self.lookup.end_read();
    }
}
