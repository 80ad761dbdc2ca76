//! Errors of an index run. Each leaves the catalogue and the stored hashes as they were.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::db::DbError;
use crate::db::run::RunOutcome;
use crate::program::exit::Exit;
use crate::program::lock::{LockFileError, LockHolder};
use crate::tree::WalkError;

/// Why an index run changed nothing, or why hashing ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tree cannot be read, or no thread can be started.
    #[error(transparent)]
    Walk(WalkError),
    /// The directory of `--dir` does not exist.
    #[error(
        "'{directory}' is not a directory in the tree {tree}, and the catalogue has no file in it"
    )]
    NoSuchDirectory {
        /// The directory as given.
        directory: String,
        /// The site's tree.
        tree: PathBuf,
    },
    /// The directory of `--dir` is excluded from the index.
    #[error("'{directory}' is excluded by '{name}' in index.exclude")]
    Excluded {
        /// The directory as given.
        directory: String,
        /// The mask that excludes it.
        name: String,
    },
    /// The site has no tree to read.
    #[error(
        "the site {site} has no tree; bring a copy of the first host's database (heliostat backup \
         there), or name a list of files by --from"
    )]
    NoTree {
        /// Name of the site.
        site: String,
    },
    /// A list of files where there is a tree.
    #[error("the site {site} has a tree, which is read without --from")]
    HasTree {
        /// Name of the site.
        site: String,
    },
    /// The list of files cannot be used.
    #[error("{source_name}: {problem}; nothing was changed")]
    Listing {
        /// The file or the URL.
        source_name: String,
        /// The problem and its remedy.
        problem: String,
    },
    /// Another run holds the lock.
    #[error("{database} is being {activity} by {holder}")]
    Locked {
        /// Path of the database.
        database: PathBuf,
        /// `indexed` or `hashed`.
        activity: &'static str,
        /// The holder, and the remedy.
        holder: LockHolder,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(LockFileError),
    /// The database cannot be read or written.
    #[error("cannot index into {database}; nothing was changed")]
    Database {
        /// Path of the database.
        database: PathBuf,
        /// The error of the database.
        source: DbError,
    },
    /// The database cannot store hashes.
    #[error("cannot store hashes in {database}; hashes stored before are kept")]
    Hashes {
        /// Path of the database.
        database: PathBuf,
        /// The error of the database.
        source: DbError,
    },
    /// No thread can be started for hashing.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A mask is not a regular expression.
    #[error("'{mask}' is not a regular expression")]
    Mask {
        /// The mask as given.
        mask: String,
        /// The error in it.
        source: regex::Error,
    },
    /// Another program changed the catalogue again and again.
    #[error("another program changed the catalogue {0} times meanwhile; run again")]
    Unsteady(u32),
    /// The handlers of SIGINT and SIGTERM cannot be installed.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    /// SIGINT or SIGTERM ended the run.
    #[error("stopped by a signal; nothing was changed")]
    Stopped,
    /// SIGINT or SIGTERM ended the run while it hashed.
    #[error("stopped by a signal; finished hashes are stored, the next run computes the rest")]
    HashingStopped,
}

impl From<WalkError> for IndexError {
    fn from(error: WalkError) -> IndexError {
        match error {
            WalkError::Stopped => IndexError::Stopped,
            other => IndexError::Walk(other),
        }
    }
}

impl IndexError {
    /// The outcome that is recorded.
    pub fn outcome(&self) -> RunOutcome {
        match self {
            IndexError::Stopped | IndexError::HashingStopped => RunOutcome::Interrupted,
            _ => RunOutcome::Failed,
        }
    }

    /// The exit code of the program.
    pub fn exit(&self) -> Exit {
        match self {
            IndexError::Config(_)
            | IndexError::NoSuchDirectory { .. }
            | IndexError::Excluded { .. }
            | IndexError::NoTree { .. }
            | IndexError::HasTree { .. }
            | IndexError::Mask { .. } => Exit::Usage,
            // The other run does the work.
            IndexError::Locked { .. } => Exit::Partial,
            _ => Exit::Failed,
        }
    }
}
