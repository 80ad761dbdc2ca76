//! Clients for mirror servers: list a mirror over rsync, FTP or HTTP, and probe whether it answers.
//!
//! There is one module per protocol. [`list_rsync`] runs the program `rsync` on an [`RsyncUrl`],
//! because the protocol has many versions and one good implementation. [`FtpClient`] logs in and
//! lists directories. [`HttpClient`] asks web servers for pages and bytes. Everything is read as a
//! stream: no whole listing is in memory.
//!
//! # Errors
//! Returns [`FetchError`]: one variant per thing that an operator can do about it, with the
//! server's own words.
//!
//! # Security
//! A password goes into the environment of the `rsync` process, or over FTP or HTTP to the host of
//! its URL, and nowhere else: not onto a command line, not into a log or an error. `redirect`
//! decides where a mirror may lead to. Only `address` resolves names.

mod address;
mod ask;
mod cause;
mod certificate;
mod client_error;
mod error;
mod ftp;
mod http;
mod patience;
pub mod probe;
mod redirect;
mod rsync;
mod tls;

pub use address::{Addresses, resolver_of_all};
pub use ask::{AskAnswer, AskClient, AskRequest};
pub use cause::deepest;
pub use client_error::client_words;
pub use error::FetchError;
pub use ftp::listing::{FTP_LISTING_BYTES_MAX, FtpListing, UNREADABLE_MAX};
pub use ftp::session::{FtpClient, FtpSession};
pub use ftp::url::{FtpSecurity, FtpUrl, FtpUrlError};
pub use http::session::{
    BODY_BYTES_MAX, HttpAnswer, HttpBody, HttpClient, HttpOptions, HttpRequest, HttpSession,
    MayFollow, REDIRECTS_MAX, RETRIES_MAX, RETRY_AFTER_MAX, Validator,
};
pub use http::url::{HttpUrl, HttpUrlError};
pub use patience::Patience;
pub use redirect::{OwnPorts, RedirectRefusal};
pub use rsync::listing::{ENTRIES_MAX, ListOptions, RsyncListingEnd, list_rsync};
pub use rsync::url::{RsyncUrl, RsyncUrlError};
pub use tls::with_system_certificates;
