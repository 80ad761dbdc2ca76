//! Defines the reasons for which no mirror, or one mirror, cannot be scanned.

use crate::db::DbError;
use crate::domain::mirror::name::LookupError;
use crate::fetch::{FetchError, FtpUrlError, HttpUrlError, RsyncUrlError};
use crate::program::lock::{LockFileError, LockHolder};

/// Why no mirror could be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The catalogue is empty, so that there is nothing to compare with.
    #[error("the catalogue is empty; run heliostat-index first")]
    EmptyCatalogue,
    /// The catalogue has no file at or below the path of `--dir`.
    #[error("the catalogue has nothing at or below '{0}'; index it first, or correct --dir")]
    NothingBelow(String),
    /// A name on the command line means no mirror.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The system refuses the handlers of SIGINT and SIGTERM.
    #[error("cannot handle signals")]
    Signals(#[source] std::io::Error),
}

/// Why one mirror could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The mirror has no URL that can be listed.
    #[error("no rsync or FTP URL and no base URL over HTTP; set one with heliostat edit")]
    NoUrl,
    /// Every protocol failed.
    #[error("{failures}")]
    AllFailed {
        /// The protocols, each with its reason.
        failures: String,
    },
    /// The HTTP client.
    #[error("{0}")]
    NoClient(String),
    /// The base URL cannot be used.
    #[error("its base URL cannot be used; correct it with heliostat edit")]
    HttpUrl(#[from] HttpUrlError),
    /// The FTP URL cannot be used.
    #[error("its FTP URL cannot be used; correct it with heliostat edit")]
    FtpUrl(#[from] FtpUrlError),
    /// A cache or a mirror for everywhere.
    #[error("it is a cache or has country '**', which are never scanned")]
    NeverScanned,
    /// The URL cannot be used.
    #[error("its rsync URL cannot be used; correct it with heliostat edit")]
    Url(#[from] RsyncUrlError),
    /// Another process scans the mirror.
    #[error("another scan of this mirror is running: {holder}")]
    Running {
        /// The other process, and what to do.
        holder: LockHolder,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(LockFileError),
    /// The server.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The mirror was deleted while it was scanned.
    #[error("it was deleted while it was scanned")]
    Deleted,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}
