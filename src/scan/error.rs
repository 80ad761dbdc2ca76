//! Defines the reasons for which no scan can be made, of all mirrors or of one.

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
    /// There is nothing to compare with.
    #[error("the catalogue is empty; run heliostat-index first")]
    EmptyCatalogue,
    /// Nothing in the catalogue lies there.
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
    /// There is nothing to list.
    #[error("no rsync or FTP URL and no base URL over HTTP; set one with heliostat edit")]
    NoUrl,
    /// Every protocol failed.
    #[error("{failures}")]
    AllFailed {
        /// Each with its reason.
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
    /// Another process.
    #[error("another scan of this mirror is running: {holder}")]
    Running {
        /// Who scans it, and what to do.
        holder: LockHolder,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(LockFileError),
    /// The server.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Deleted meanwhile.
    #[error("it was deleted while it was scanned")]
    Deleted,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}
