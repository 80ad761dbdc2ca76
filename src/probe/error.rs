//! Why no pass could be made.

use std::path::PathBuf;

use crate::db::DbError;
use crate::fetch::FetchError;
use crate::program::lock::{LockHolder, file_remedy};

/// Why no mirror could be probed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The client.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The name of no mirror, nor a part of one.
    #[error("no mirror is called '{0}', and none has that in its name")]
    NoSuchMirror(String),
    /// A part of several names.
    #[error("'{part}' is in the names of several mirrors: {names}")]
    Ambiguous {
        /// What was asked for.
        part: String,
        /// The names.
        names: String,
    },
    /// Another prober, a daemon perhaps.
    #[error("another heliostat-probe is at work on this database: {holder}")]
    Running {
        /// Who probes, and what to do.
        holder: LockHolder,
    },
    /// The lock.
    #[error("cannot lock {path}; {}", file_remedy(source))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The log file of `-l`.
    #[error("cannot write the log file {path}")]
    LogFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system refuses the handlers of SIGINT and SIGTERM.
    #[error("cannot handle signals")]
    Signals(#[source] std::io::Error),
}
