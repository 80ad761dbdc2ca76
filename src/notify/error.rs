//! Errors of sending notices.

use std::path::PathBuf;

use crate::fetch::FetchError;

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// The mail program failed.
    #[error("{program} did not accept a mail ({said}); check probe.sendmail")]
    Mail {
        /// Path of the program.
        program: PathBuf,
        /// The reason that the system or the program gives.
        said: String,
    },
    /// The webhook's server failed or refused.
    #[error("the webhook did not accept the notice ({said}); check probe.webhook and its server")]
    Webhook {
        /// The reason, without the URL, which may contain a secret.
        said: String,
    },
    /// The HTTP client cannot be created.
    #[error(transparent)]
    Client(#[from] FetchError),
}
