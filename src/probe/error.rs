//! Defines the reasons for which no pass can be made.

use std::path::PathBuf;

use crate::db::DbError;
use crate::domain::mirror::name::LookupError;
use crate::fetch::FetchError;
use crate::program::lock::{LockFileError, LockHolder};

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
    /// A name on the command line means no mirror.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Another prober, a daemon perhaps.
    #[error("another heliostat-probe is at work on this database: {holder}")]
    Running {
        /// Who probes, and what to do.
        holder: LockHolder,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(LockFileError),
    /// The log file of `-l`.
    #[error("cannot write the log file {path}")]
    LogFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The system refuses the handlers of SIGINT and SIGTERM.
    #[error("cannot handle signals")]
    Signals(#[source] std::io::Error),
}
