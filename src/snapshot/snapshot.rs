//! Mirrors and their bitmaps in memory: what the responder decides from.
//!
//! A [`Loader`] looks for changes by timer and makes a new [`Snapshot`] of what changed; workers
//! share it. A file that was replaced or cut is opened anew, so that no answer mixes two databases.

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
use crate::domain::mirror::MirrorId;
use crate::domain::select::{Holdings, Reason, Roster};
use crate::domain::time::Timestamp;

/// Which file a path names; another number is another database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Of the file that the path names now.
    pub fn of(path: &Path) -> Option<FileIdentity> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path).ok()?;
        Some(FileIdentity {
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

/// What is kept of one mirror's bitmaps beside its column in the matrix.
#[derive(Debug)]
struct KnownContent {
    generation: i64,
    outdated: RoaringBitmap,
}

/// The mirrors of a site and what they have, at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The database that it was read from.
    pub identity: FileIdentity,
    /// Differs from that of every other snapshot of this process.
    pub serial: u64,
    /// The mirrors.
    pub roster: Roster,
    /// Whether the database has hashes at all; without, no request looks for them.
    pub has_hashes: bool,
    files: Arc<KnownFiles>,
    epochs: Epochs,
    known: Vec<Option<Arc<KnownContent>>>,
    matrix: Matrix,
}

impl Snapshot {
    /// Looks a canonical path up in the catalogue.
    pub fn find(&self, path: &[u8]) -> Option<CatalogueFile> {
        self.files.get(path)
    }

    /// When a file version was first seen; `None`: long ago.
    pub fn seen_at(&self, file: FileId) -> Option<Timestamp> {
        self.epochs.seen_at(file)
    }

    /// Who has a file version.
    pub fn holdings(&self, file: FileId) -> impl Holdings {
        FileHoldings {
            snapshot: self,
            file,
        }
    }

    /// How many of the files each mirror of the roster has.
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

/// What a look for changes found.
#[derive(Debug)]
pub enum SnapshotChange {
    /// Nothing new.
    None,
    /// Something changed.
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
    /// With the tree's generation that it was read at.
    files: Option<(i64, Arc<KnownFiles>)>,
}

impl Loader {
    /// Opens nothing yet.
    pub fn new(path: &Path) -> Loader {
        Loader {
            path: path.to_owned(),
            serial: 0,
            open: None,
        }
    }

    /// Looks for changes and loads what changed.
    ///
    /// # Errors
    /// The database is missing or cannot be read; what was loaded before is no longer to be used.
    /// The next call tries again from the start.
    pub fn poll(&mut self) -> Result<SnapshotChange, DbError> {
        let result = self.try_poll();
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn try_poll(&mut self) -> Result<SnapshotChange, DbError> {
        let size = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        let identity = FileIdentity::of(&self.path);
        let usable = self
            .open
            .as_ref()
            // SQLite's own file never shrinks without a VACUUM; a cut one must be read anew.
            .is_some_and(|open| Some(open.identity) == identity && open.size <= size);
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
        // The version was read before the content: a commit in between is loaded again.
        open.data_version = data_version;
        Ok(SnapshotChange::New(Arc::new(snapshot)))
    }
}

impl OpenDatabase {
    fn open(path: &Path) -> Result<OpenDatabase, DbError> {
        let before = FileIdentity::of(path);
        let reader = open_reader(path)?;
        let missing = || DbError::Missing {
            path: path.to_owned(),
        };
        let identity = FileIdentity::of(path).ok_or_else(missing)?;
        if before != Some(identity) {
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
        // One read transaction: mirrors and contents belong to one moment. After an error the
        // connection is closed, and the transaction with it.
        self.reader.begin_read()?;
        // A newer program may have migrated it since it was opened.
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

    /// Reads the catalogue when an index run or an import has changed it.
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

    /// Brings the matrix up to date: the columns whose generation changed, or all of them when
    /// mirrors came or went and so have other places.
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

/// The mirrors of a site, with what probes found of them.
///
/// # Errors
/// [`DbError::Sql`].
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

/// A damaged bitmap costs that mirror its clients, not the site its mirrors.
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
