//! Index pages of web servers: the listing of one directory.
//!
//! Servers write them in many shapes (tables, preformatted text, lists, JSON, XML), with and
//! without dates and sizes. What they have in common is used instead of what tells them apart: a
//! link to a child, and words beside it in the same line, row or list item. So a page of a server
//! that nobody here has seen is read, too.
//!
//! # Errors
//! [`IndexError`]: what is no index (a login page, an error page with status 200), and what ends
//! before it is complete, is never taken for a listing.
//!
//! # Limits
//! A page is read as a stream: memory is bounded by a few constants whatever it holds, time by its
//! length, which whoever feeds it limits.

use std::io::{self, Read};

use super::index_html::read_html;
use super::index_json::read_json;
use super::index_link::PageAddress;
use super::listed::ListedFile;

/// One entry of an index page; its name comes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexEntry {
    /// A directory.
    Directory,
    /// A file, or what looks like one: a link to a file is listed as a file.
    File(ListedFile),
}

/// What form a page has, as its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexForm {
    /// HTML or nginx's XML.
    Markup,
    /// JSON of nginx or Caddy.
    Json,
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
pub enum IndexError {
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

fn titled(title: &str) -> String {
    if title.is_empty() {
        return String::new();
    }
    format!(" (its title: {title})")
}

impl IndexForm {
    /// The form of a content type; without one it is taken for HTML.
    pub fn of(content_type: &str) -> IndexForm {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            IndexForm::Json
        } else {
            IndexForm::Markup
        }
    }
}

/// Reads the index page at `page`; `each` gets every entry as it comes, some maybe twice.
///
/// # Errors
/// [`IndexError`]; entries that were given before it are no listing of the directory.
pub fn read_index(
    source: impl Read,
    form: IndexForm,
    page: &PageAddress,
    mut each: impl FnMut(IndexEntry, &[u8]),
) -> Result<IndexPage, IndexError> {
    match form {
        IndexForm::Markup => read_html(source, page, &mut each),
        IndexForm::Json => read_json(source, &mut each),
    }
}
