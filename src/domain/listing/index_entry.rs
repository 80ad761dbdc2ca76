//! What index pages of all kinds give: entries, the page as a whole, and why a page is no listing.

use super::listed::ListedFile;
use std::io::{self};

/// One entry of an index page; its name comes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexEntry {
    /// A directory.
    Directory,
    /// A file, or what looks like one: a link to a file is listed as a file.
    File(ListedFile),
}

/// What a page was, when it came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexPage {
    /// Entries that were given.
    pub entries: u64,
    /// Whether any of them had a size or a time.
    pub has_fields: bool,
}

/// Why a page is no listing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// It could not be read to its end.
    #[error("it could not be read to its end")]
    Read(#[from] io::Error),
    /// It asks for a password.
    #[error("it is a login page, not an index of files")]
    Login,
    /// It has nothing that an index has.
    #[error("it is not an index of files{}", titled(.title))]
    NotAnIndex {
        /// Its title, printable.
        title: String,
    },
    /// Its links lead out of the directory, by their host, or by its `<base>`.
    #[error("its links, or its <base>, lead elsewhere")]
    Elsewhere,
    /// A listing that is not read: what it lists would seem to be all there is.
    #[error("it is {kind}, which is not read as an index")]
    OtherListing {
        /// What it is.
        kind: &'static str,
    },
    /// Its end is missing.
    #[error("it ends before the index is complete")]
    Truncated,
}

pub(super) fn titled(title: &str) -> String {
    if title.is_empty() {
        return String::new();
    }
    format!(" (its title: {title})")
}
