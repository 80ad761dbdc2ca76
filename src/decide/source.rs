//! Gives requests access to the file tree and to hashes in the database.
//!
//! Decisions and answers use both only through [`Sources`], so that tests can give them values.

use crate::config::SiteConfig;
use crate::db::DbError;
use crate::db::hash::{Digests, HashPart, HashSummary};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::path::FilePath;
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

    /// As [`Lookup::end_read`].
    fn end_read(&mut self);
}

/// The tree on the disk and the site's database.
pub struct LiveSources {
    tree: Tree,
    lookup: Lookup,
}

impl LiveSources {
    /// Makes the sources; tree and database are opened at their first use.
    pub fn new(config: &SiteConfig) -> LiveSources {
        LiveSources {
            tree: Tree::new(&config.tree),
            lookup: Lookup::new(&config.database),
        }
    }
}

impl Sources for LiveSources {
    fn named(&mut self, file: &[u8]) -> NamedLocation {
        self.tree.named(file)
    }

    fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Location {
        self.tree.locate(path, catalogued)
    }

    fn directory(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem> {
        self.tree.directory(path)
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

    fn end_read(&mut self) {
        self.lookup.end_read();
    }
}
