//! Errors of sending a notice.

use std::path::PathBuf;

use crate::fetch::FetchError;

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// The mail program failed.
    #[error("{program} does not take a mail ({said}); correct probe.sendmail")]
    Mail {
        /// The program.
        program: PathBuf,
        /// The reason that the system or the program gives.
        said: String,
    },
    /// The webhook's server failed.
    #[error("the webhook does not take the news ({said})")]
    Webhook {
        /// The reason, without the URL, which may hold a secret.
        said: String,
    },
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] FetchError),
}
