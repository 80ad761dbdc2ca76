//! What mirrors say they have, over the network: the edge to their servers.
//!
//! One module a protocol. [`list_rsync`] runs the `rsync` program, because its protocol has many
//! versions and one good implementation; [`RsyncUrl`] is what it is told. Whatever is fetched
//! comes as a stream of entries: nothing here holds a whole listing.
//!
//! # Errors
//! [`FetchError`]: one variant for each thing that an operator does differently about, with the
//! server's own words.
//!
//! # Security
//! A password leaves a URL only for the environment of the `rsync` process: never for a command
//! line, a log or an error.

mod error;
mod lines;
mod mail;
pub mod probe;
mod rsync;
mod rsync_error;
mod rsync_url;
mod tls;
mod webhook;

pub use error::FetchError;
pub use mail::Mail;
pub use rsync::{ENTRIES_MAX, ListOptions, Listed, RUN_TIME_MAX, list_rsync};
pub use rsync_url::{RsyncUrl, RsyncUrlError};
pub use webhook::post_json;
