//! A site's indexer, and how a run of it begins.

use crate::program::clock::now;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::error::IndexError;
use super::lock::{Activity, IndexLock};
use super::run::Run;
use crate::config::SiteConfig;
use crate::db::run::{self, Guarded, RunId, RunKind};
use crate::db::{DbError, Reader, Writer, open_reader, open_writer};
use crate::domain::path::FilePath;
use crate::domain::pattern::Pattern;
use crate::tree::{Root, WalkError};

/// Indexes one site.
#[derive(Debug)]
pub struct Indexer {
    pub(super) site: Arc<SiteConfig>,
    pub(super) exclude: Vec<Pattern>,
}

/// What a run is to do.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The subtree, relative to the tree, "" for all.
    pub directory: Vec<u8>,
    /// Whether it may remove any number of files.
    pub force: bool,
    /// Whether it only looks.
    pub dry_run: bool,
}

/// What a run compares with and writes to.
#[derive(Debug)]
pub(super) enum Store {
    /// The run's row is there, nobody else indexes.
    Real {
        writer: Writer,
        id: RunId,
        _lock: IndexLock,
    },
    /// Only to compare with; `None`: there is no database yet.
    Dry(Option<Reader>),
}

impl Indexer {
    /// For runs of this site.
    pub fn new(site: Arc<SiteConfig>) -> Indexer {
        let exclude = site.index.exclude.iter();
        Indexer {
            exclude: exclude.map(|mask| Pattern::new(mask)).collect(),
            site,
        }
    }

    /// Finds a directory's canonical path relative to the tree; it may be given relative to the
    /// tree or absolute, and need not exist any more.
    ///
    /// # Errors
    /// [`IndexError::NoSuchDirectory`] when it is a file, or outside the tree;
    /// [`IndexError::Excluded`]; [`IndexError::Walk`] when the tree is not there.
    pub fn directory(&self, given: &Path) -> Result<Vec<u8>, IndexError> {
        let tree = &self.site.tree;
        let missing = || IndexError::NoSuchDirectory {
            directory: given.display().to_string(),
            tree: tree.clone(),
        };
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |source| IndexError::Walk(WalkError::Root { path, source })
        };
        let root = tree.canonicalize().map_err(unreadable(tree))?;
        let below = match tree.join(given).canonicalize() {
            Ok(real) if real.is_dir() => {
                let below = real.strip_prefix(&root).map_err(|_| missing())?;
                below.as_os_str().as_bytes().to_vec()
            }
            Ok(_) => return Err(missing()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let below = given.strip_prefix(tree).unwrap_or(given);
                let path = FilePath::parse(below.as_os_str().as_bytes()).map_err(|_| missing())?;
                path.as_bytes().to_vec()
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(missing()),
            Err(error) => return Err(unreadable(&tree.join(given))(error)),
        };
        let masks = || std::iter::zip(&self.exclude, &self.site.index.exclude);
        let excluded = below
            .split(|&byte| byte == b'/')
            .find_map(|component| masks().find(|(mask, _)| mask.matches(component)));
        if let Some((_, name)) = excluded {
            return Err(IndexError::Excluded {
                directory: given.display().to_string(),
                name: name.clone(),
            });
        }
        Ok(below)
    }

    /// Begins a run: locks, opens the database and records the beginning.
    ///
    /// # Errors
    /// [`IndexError::Locked`], [`IndexError::Lock`], [`IndexError::Database`]; and
    /// [`IndexError::Walk`] when there is neither a tree nor a database.
    pub fn start(&self, request: Request) -> Result<Run<'_>, IndexError> {
        let began = Instant::now();
        let database = &self.site.database;
        if !database.exists() {
            // A mistyped tree must not leave an empty database behind.
            Root::open(&self.site.tree)?;
        }
        let store = if request.dry_run {
            match open_reader(database) {
                Ok(reader) => Store::Dry(Some(reader)),
                Err(DbError::Missing { .. }) => Store::Dry(None),
                Err(error) => return Err(self.database_error(error)),
            }
        } else {
            let lock = IndexLock::take(database, Activity::Indexing, now())?;
            let begin = |writer: &mut Writer| {
                writer.transaction(|transaction| {
                    let guarded = Guarded::All(RunKind::Index);
                    run::mark_killed(transaction, guarded, now())?;
                    run::begin(transaction, RunKind::Index, None, now())
                })
            };
            let opened = open_writer(database).and_then(|mut writer| {
                let id = begin(&mut writer)?;
                Ok((writer, id))
            });
            let (writer, id) = opened.map_err(|error| self.database_error(error))?;
            Store::Real {
                writer,
                id,
                _lock: lock,
            }
        };
        Ok(Run {
            indexer: self,
            request,
            store,
            began,
        })
    }

    pub(super) fn database_error(&self, source: DbError) -> IndexError {
        IndexError::Database {
            database: self.site.database.clone(),
            source,
        }
    }
}
