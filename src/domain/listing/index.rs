//! Index pages of web servers: the listing of one directory.
//!
//! Servers write them in many shapes (tables, preformatted text, lists, JSON, XML), with and
//! without dates and sizes. What they have in common is used instead of what tells them apart: a
//! link to a child, and words beside it in the same line, row or list item. So a page of a server
//! that nobody here has seen is read, too.
//!
//! # Errors
//! [`PageError`]: what is no index (a login page, an error page with status 200), and what ends
//! before it is complete, is never taken for a listing.
//!
//! # Limits
//! A page is read as a stream: memory is bounded by a few constants whatever it holds, time by its
//! length, which whoever feeds it limits.

use super::index_entry::{IndexEntry, IndexPage, PageError};
use std::io::Read;

use super::index_html::read_html;
use super::index_json::read_json;
use super::index_link::PageAddress;

/// What form a page has, as its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexForm {
    /// HTML, nginx's XML, or that of buckets.
    Markup,
    /// JSON of nginx or Caddy.
    Json,
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
/// [`PageError`]; entries that were given before it are no listing of the directory.
pub fn read_index(
    source: impl Read,
    form: IndexForm,
    page: &PageAddress,
    mut each: impl FnMut(IndexEntry, &[u8]),
) -> Result<IndexPage, PageError> {
    match form {
        IndexForm::Markup => read_html(source, page, &mut each),
        IndexForm::Json => read_json(source, &mut each),
    }
}
