//! Mirrors and their bitmaps in memory, from which the responder decides.
//!
//! A [`Loader`] checks regularly for changes and makes a new [`Snapshot`], which all workers share.
//! A file that was replaced or truncated is opened again, so that no answer mixes two databases.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::known_files::KnownFiles;
use super::matrix::Matrix;
use crate::db::DbError;
use crate::db::epoch::Epochs;
use crate::db::open::{Queryable, Reader, open_reader};
use crate::db::{catalogue, content, hash, mirror, probe};
use crate::domain::file::{CatalogueFile, FileId};
use crate::domain::mirror::{Mirror, MirrorId};
use crate::domain::select::{Holdings, Reason, Roster};
use crate::domain::time::Timestamp;

/// Identifies the file at a path: another inode is another database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of the file that the path names now.
    ///
    /// # Errors
    /// Returns [`DbError::Missing`] if there is no file, and [`DbError::Unseen`] if the file system
    /// gives no answer.
    pub fn of(path: &Path) -> Result<FileIdentity, DbError> {
        Ok(look(path)?.0)
    }
}

/// The identity and size of the file that the path names now.
fn look(path: &Path) -> Result<(FileIdentity, u64), DbError> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => DbError::Missing { path },
            _ => DbError::Unseen { path, source },
        }
    })?;
    let identity = FileIdentity {
        device: file.dev(),
        inode: file.ino(),
    };
    Ok((identity, file.len()))
}

/// The values kept about one mirror's bitmaps, besides its column in the matrix.
#[derive(Debug)]
struct KnownContent {
    generation: i64,
    outdated: RoaringBitmap,
}

/// The mirrors of a site and their content at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The database from which it was read.
    pub identity: FileIdentity,
    /// A number that no other snapshot of this process has.
    pub serial: u64,
    /// The mirrors.
    pub roster: Roster,
    /// Whether the database has any hashes; if not, no request looks for them.
    pub has_hashes: bool,
    files: Arc<KnownFiles>,
    epochs: Epochs,
    known: Vec<Option<Arc<KnownContent>>>,
    matrix: Matrix,
}

/// A snapshot as values: what decisions are tried with, without a database.
#[derive(Debug, Clone, Default)]
pub struct SnapshotValues {
    /// The mirrors.
    pub mirrors: Vec<Mirror>,
    /// The catalogue.
    pub files: Vec<(Vec<u8>, CatalogueFile)>,
    /// What mirrors have; a mirror that is not among them was never scanned.
    pub contents: Vec<(MirrorId, content::Content)>,
    /// Whether there are hashes.
    pub has_hashes: bool,
}

impl Snapshot {
    /// A snapshot of no database.
    pub fn of_values(mut values: SnapshotValues) -> Snapshot {
        let roster = Roster::new(values.mirrors);
        values.files.sort_by(|a, b| a.0.cmp(&b.0));
        let count = roster.mirrors().len();
        let mut matrix = Matrix::new(count);
        let mut known = vec![None; count];
        for (id, content) in values.contents {
            let column = roster.mirrors().iter().position(|mirror| mirror.id == id);
            let Some(column) = column else { continue };
            matrix.set_column(column, &content.current);
            known[column] = Some(Arc::new(KnownContent {
                generation: 0,
                outdated: content.outdated,
            }));
        }
        Snapshot {
            identity: FileIdentity {
                device: 0,
                inode: 0,
            },
            serial: 0,
            roster,
            has_hashes: values.has_hashes,
            files: Arc::new(KnownFiles::of(&values.files, 0)),
            epochs: Epochs::default(),
            known,
            matrix,
        }
    }

    /// Looks up a canonical path in the catalogue.
    pub fn find(&self, path: &[u8]) -> Option<CatalogueFile> {
        self.files.get(path)
    }

    /// Time when a file version was first seen; `None`: long ago.
    pub fn seen_at(&self, file: FileId) -> Option<Timestamp> {
        self.epochs.seen_at(file)
    }

    /// Which mirrors have a file version.
    pub fn holdings(&self, file: FileId) -> impl Holdings {
        FileHoldings {
            snapshot: self,
            file,
        }
    }

    /// Counts how many of the files each mirror of the roster has.
    pub fn counts(&self, files: &[FileId]) -> Vec<u64> {
        let mut counts = self.matrix.counts(files);
        counts.resize(self.roster.mirrors().len(), 0);
        counts
    }
}

struct FileHoldings<'s> {
    snapshot: &'s Snapshot,
    file: FileId,
}

impl Holdings for FileHoldings<'_> {
    fn word(&self, word: usize) -> u64 {
        self.snapshot.matrix.word(self.file, word)
    }

    fn why_not(&self, mirror: usize) -> Reason {
        match self.snapshot.known.get(mirror).and_then(Option::as_ref) {
            None => Reason::NeverScanned,
            Some(known) if known.outdated.contains(self.file.0) => Reason::FileOutdated,
            Some(_) => Reason::FileMissing,
        }
    }
}

/// The result of a check for changes.
#[derive(Debug)]
pub enum SnapshotChange {
    /// Nothing has changed.
    None,
    /// The snapshot after a change.
    New(Arc<Snapshot>),
}

/// Watches one database file.
#[derive(Debug)]
pub struct Loader {
    path: PathBuf,
    serial: u64,
    open: Option<OpenDatabase>,
}

#[derive(Debug)]
struct OpenDatabase {
    reader: Reader,
    identity: FileIdentity,
    size: u64,
    data_version: i64,
    mirrors: Vec<MirrorId>,
    known: HashMap<MirrorId, Arc<KnownContent>>,
    matrix: Matrix,
    /// The catalogue, and the generation at which it was read.
    files: Option<(i64, Arc<KnownFiles>)>,
}

impl Loader {
    /// Makes a loader that opens the database at the first poll.
    pub fn new(path: &Path) -> Loader {
        Loader {
            path: path.to_owned(),
            serial: 0,
            open: None,
        }
    }

    /// Checks for changes and loads them.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database is missing or cannot be read; then the earlier snapshot
    /// must not be used any more. The next call starts from the beginning.
    pub fn poll(&mut self) -> Result<SnapshotChange, DbError> {
        let result = self.try_poll();
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn try_poll(&mut self) -> Result<SnapshotChange, DbError> {
        let (identity, size) = look(&self.path)?;
        let usable = self
            .open
            .as_ref()
            // SQLite does not shrink the file without a VACUUM; a truncated file must be read
            // again.
            .is_some_and(|open| open.identity == identity && open.size <= size);
        let mut is_new = false;
        if !usable {
            self.open = Some(OpenDatabase::open(&self.path)?);
            is_new = true;
        }
        let Some(open) = &mut self.open else {
            return Err(DbError::Missing {
                path: self.path.clone(),
            });
        };
        open.size = size;
        let data_version = open.reader.data_version()?;
        if !is_new && data_version == open.data_version {
            return Ok(SnapshotChange::None);
        }
        self.serial += 1;
        let snapshot = open.load(self.serial)?;
        // The version was read before the content, so a commit in between is loaded next time.
        open.data_version = data_version;
        Ok(SnapshotChange::New(Arc::new(snapshot)))
    }
}

impl OpenDatabase {
    fn open(path: &Path) -> Result<OpenDatabase, DbError> {
        let before = FileIdentity::of(path)?;
        let reader = open_reader(path)?;
        let missing = || DbError::Missing {
            path: path.to_owned(),
        };
        let identity = FileIdentity::of(path)?;
        if before != identity {
            return Err(missing());
        }
        Ok(OpenDatabase {
            reader,
            identity,
            size: 0,
            data_version: 0,
            mirrors: Vec::new(),
            known: HashMap::new(),
            matrix: Matrix::default(),
            files: None,
        })
    }

    fn load(&mut self, serial: u64) -> Result<Snapshot, DbError> {
        // One read transaction, so that mirrors and content belong to one moment. After an error
        // the connection is closed, and the transaction with it.
        self.reader.begin_read()?;
        // A newer program may have migrated the database since it was opened.
        self.reader.check_schema()?;
        let roster = roster(&self.reader)?;
        self.load_contents(&roster)?;
        let files = self.load_files()?;
        let epochs = Epochs::load(&self.reader)?;
        let has_hashes = hash::any(&self.reader)?;
        self.reader.end_read()?;
        let of_roster = self
            .mirrors
            .iter()
            .map(|id| self.known.get(id).cloned())
            .collect();
        Ok(Snapshot {
            identity: self.identity,
            serial,
            roster,
            has_hashes,
            files,
            epochs,
            known: of_roster,
            matrix: self.matrix.clone(),
        })
    }

    /// Reads the catalogue if an index run or an import has changed it.
    fn load_files(&mut self) -> Result<Arc<KnownFiles>, DbError> {
        let generation = catalogue::generation(&self.reader)?;
        if let Some((read_at, files)) = &self.files
            && *read_at == generation
        {
            return Ok(Arc::clone(files));
        }
        let files = Arc::new(KnownFiles::load(&self.reader, fastrand::u64(..))?);
        self.files = Some((generation, Arc::clone(&files)));
        Ok(files)
    }

    /// Updates the matrix: the columns whose generation changed, or all columns if mirrors were
    /// added or removed, which changes the indexes.
    fn load_contents(&mut self, roster: &Roster) -> Result<(), DbError> {
        let mirrors: Vec<MirrorId> = roster.mirrors().iter().map(|mirror| mirror.id).collect();
        if mirrors != self.mirrors {
            self.known.clear();
            self.matrix = Matrix::new(mirrors.len());
            self.mirrors = mirrors;
        }
        for (id, generation) in content::generations(&self.reader)? {
            let is_known = |known: &Arc<KnownContent>| known.generation == generation;
            let Ok(column) = self.mirrors.binary_search(&id) else {
                continue;
            };
            if !self.known.get(&id).is_some_and(is_known) {
                let (known, current) = load_bitmaps(&self.reader, id, generation)?;
                self.matrix.set_column(column, &current);
                self.known.insert(id, Arc::new(known));
            }
        }
        Ok(())
    }
}

/// The mirrors of a site, with the results of probes.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn roster(database: &impl Queryable) -> Result<Roster, DbError> {
    let mut mirrors = Vec::new();
    let mut reaches = probe::reaches(database)?;
    for record in mirror::all(database)? {
        let (mut mirror, problems) = record.check();
        mirror.reach = reaches.remove(&mirror.id).unwrap_or_default();
        for problem in problems {
            log::debug!("mirror={} {problem}", mirror.identifier);
        }
        mirrors.push(mirror);
    }
    Ok(Roster::new(mirrors))
}

/// Loads one mirror's bitmaps. A damaged bitmap costs that mirror its clients, but not the site its
/// mirrors.
fn load_bitmaps(
    reader: &Reader,
    id: MirrorId,
    generation: i64,
) -> Result<(KnownContent, RoaringBitmap), DbError> {
    let content = match content::load(reader, id) {
        Ok(published) => published
            .map(|published| published.content)
            .unwrap_or_default(),
        Err(error @ DbError::DamagedContent { .. }) => {
            log::error!("{error}");
            content::Content::default()
        }
        Err(error) => return Err(error),
    };
    Ok((
        KnownContent {
            generation,
            outdated: content.outdated,
        },
        content.current,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_looked_at_is_not_missing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.db");
        let poll = || Loader::new(&path).poll();
        assert!(matches!(poll(), Err(DbError::Missing { .. })));
        std::os::unix::fs::symlink("a.db", &path).expect("a link to itself");
        assert!(matches!(poll(), Err(DbError::Unseen { .. })));
    }
}
