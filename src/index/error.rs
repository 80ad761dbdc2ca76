//! Errors of an index run; each leaves the catalogue, and hashes that are stored, as they were.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::db::DbError;
use crate::db::run::RunOutcome;
use crate::program::exit::Exit;
use crate::program::lock::{LockHolder, file_remedy};
use crate::tree::WalkError;

/// Why an index run changed nothing, or why hashing ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tree is not there, or no thread can be started.
    #[error(transparent)]
    Walk(WalkError),
    /// The directory of `--dir`.
    #[error(
        "'{directory}' is no directory of the tree {tree}, and the catalogue has no file in it"
    )]
    NoSuchDirectory {
        /// As given.
        directory: String,
        /// The site's tree.
        tree: PathBuf,
    },
    /// The directory of `--dir` is one that is never indexed.
    #[error("'{directory}' is excluded by '{name}' in index.exclude")]
    Excluded {
        /// As given.
        directory: String,
        /// The mask.
        name: String,
    },
    /// Another run is at work.
    #[error("{database} is being {activity} by {holder}")]
    Locked {
        /// The mirror database.
        database: PathBuf,
        /// `indexed` or `hashed`.
        activity: &'static str,
        /// Who, and what to do.
        holder: LockHolder,
    },
    /// The lock file.
    #[error("cannot write {path}; {}", file_remedy(source))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database.
    #[error("cannot index into {database}, which is as it was")]
    Database {
        /// The mirror database.
        database: PathBuf,
        /// What went wrong.
        source: DbError,
    },
    /// The database does not take hashes.
    #[error("cannot store hashes in {database}; what was stored before stays")]
    Hashes {
        /// The mirror database.
        database: PathBuf,
        /// What went wrong.
        source: DbError,
    },
    /// No thread to hash with.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A mask that is no regular expression.
    #[error("'{mask}' is no regular expression")]
    Mask {
        /// As given.
        mask: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// Somebody else kept changing the catalogue.
    #[error("the catalogue was changed by another program {0} times meanwhile; run again")]
    Unsteady(u32),
    /// The handlers of SIGINT and SIGTERM.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    /// SIGINT or SIGTERM.
    #[error("stopped by a signal; nothing was changed")]
    Stopped,
    /// SIGINT or SIGTERM while hashing.
    #[error("stopped by a signal; what was hashed is stored, the next run does the rest")]
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
    /// How it is recorded.
    pub fn outcome(&self) -> RunOutcome {
        match self {
            IndexError::Stopped | IndexError::HashingStopped => RunOutcome::Interrupted,
            _ => RunOutcome::Failed,
        }
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            IndexError::Config(_)
            | IndexError::NoSuchDirectory { .. }
            | IndexError::Excluded { .. }
            | IndexError::Mask { .. } => Exit::Usage,
            // The other run does it.
            IndexError::Locked { .. } => Exit::Partial,
            _ => Exit::Failed,
        }
    }
}
