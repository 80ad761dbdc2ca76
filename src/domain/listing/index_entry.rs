//! The result of reading an index page of any kind: entries, facts about the page, and why it is
//! not a listing.

use super::listed::ListedFile;
use std::io::{self};

/// One entry of an index page, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexEntry {
    /// A directory.
    Directory,
    /// A file, or a link to one, which index pages show as a file.
    File(ListedFile),
}

/// Facts about a page that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPage {
    /// Number of entries.
    pub entries: u64,
    /// Whether any entry had a size or a time.
    pub has_fields: bool,
    /// An entry whose name no file can have: the page does not tell all that the directory has.
    pub unreadable: Option<Vec<u8>>,
    /// The part of a bucket's listing, if the page is one.
    pub bucket: Option<BucketPart>,
}

/// A part of a bucket's listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketPart {
    /// The prefix of its keys; empty if it lists the whole bucket.
    pub prefix: Vec<u8>,
    /// How to ask for the next part; `None` if this is the last one.
    pub next: Option<NextPart>,
}

/// How to ask for the next part of a bucket's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPart {
    /// By the token from the server (`continuation-token`).
    Token(Vec<u8>),
    /// By the last key of this part (`marker`).
    Marker(Vec<u8>),
}

/// Kinds of listings that are recognised but not read, because their entries are not at child URLs
/// of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherListing {
    /// A catalogue of a THREDDS data server.
    Thredds,
    /// A script's page, with directories at `?dir=NAME`.
    ByQuery,
    /// A bucket that can only be listed as a whole.
    Bucket,
    /// A listing of Azure blobs.
    Azure,
}

/// Why a page is not a listing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The page could not be read to its end.
    #[error("it could not be read to its end")]
    Read(#[from] io::Error),
    /// The page asks for a password.
    #[error("it is a login page, not an index of files")]
    Login,
    /// The page has none of the signs of an index.
    #[error("it is not an index of files{}", titled(.title))]
    NotAnIndex {
        /// Title of the page, printable; empty if it has none.
        title: String,
    },
    /// A listing of another kind; read as an index it would seem to have fewer entries.
    #[error(
        "it is {}, which is not read as an index; give the mirror an rsync or FTP URL, or ask its \
         operator for index pages",
        .0.name()
    )]
    OtherListing(OtherListing),
    /// The links lead out of the directory, by their host or by `<base>`.
    #[error("its links, or its <base>, lead elsewhere")]
    Elsewhere,
    /// The end of the page is missing.
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
