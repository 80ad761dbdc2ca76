//! Clients for mirror servers: list a mirror over rsync, FTP or HTTP, and probe whether it answers.
//!
//! One module a protocol. [`list_rsync`] runs the `rsync` program, because its protocol has many
//! versions and one good implementation; [`RsyncUrl`] is what it is told. [`FtpClient`] logs in
//! and lists directories; [`HttpClient`] asks web servers for pages and bytes. Whatever is fetched
//! comes as a stream: nothing here holds a whole listing.
//!
//! # Errors
//! [`FetchError`]: one variant for each thing that an operator does differently about, with the
//! server's own words.
//!
//! # Security
//! A password leaves a URL only for the environment of the `rsync` process: never for a command
//! line, a log or an error; over FTP and HTTP it goes to the host of its URL and to no other.
//! Where a mirror may lead to is said in `redirect`; names are resolved in `address` alone.

mod address;
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
pub use redirect::{NotFollowed, OwnPorts};
pub use rsync::listing::{ENTRIES_MAX, ListOptions, RsyncListingEnd, list_rsync};
pub use rsync::url::{RsyncUrl, RsyncUrlError};
pub use tls::with_system_certificates;
