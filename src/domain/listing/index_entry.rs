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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPage {
    /// Entries that were given.
    pub entries: u64,
    /// Whether any of them had a size or a time.
    pub has_fields: bool,
    /// It is a part of a bucket's listing.
    pub bucket: Option<BucketPart>,
}

/// A part of a bucket's listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketPart {
    /// The prefix that its keys have; empty: it is of the whole bucket.
    pub prefix: Vec<u8>,
    /// How the next part is asked for; `None`: this is the last.
    pub next: Option<NextPart>,
}

/// How the next part of a bucket's listing is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPart {
    /// By what the server gave for it (`continuation-token`).
    Token(Vec<u8>),
    /// By the last key of this part (`marker`).
    Marker(Vec<u8>),
}

/// Listings that are known, and not read: what they list lies elsewhere than beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherListing {
    /// A catalogue of a THREDDS data server.
    Thredds,
    /// A script's page, whose directories are `?dir=NAME`.
    ByQuery,
    /// A bucket of which only the whole is listed.
    Bucket,
    /// Azure's blobs.
    Azure,
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
    /// A listing of another kind: what it lists would seem to be all there is.
    #[error("it is {}, which is not read as an index", .0.name())]
    OtherListing(OtherListing),
    /// Its links lead out of the directory, by their host, or by its `<base>`.
    #[error("its links, or its <base>, lead elsewhere")]
    Elsewhere,
    /// Its end is missing.
    #[error("it ends before the index is complete")]
    Truncated,
}

impl OtherListing {
    fn name(self) -> &'static str {
        match self {
            OtherListing::Thredds => "a THREDDS catalogue",
            OtherListing::ByQuery => "a page that names directories by arguments (`?dir=`)",
            OtherListing::Bucket => "a bucket's listing of all it has",
            OtherListing::Azure => "a list of Azure's blobs",
        }
    }
}

pub(super) fn titled(title: &str) -> String {
    if title.is_empty() {
        return String::new();
    }
    format!(" (its title: {title})")
}
