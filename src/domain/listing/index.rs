//! Reads index pages of web servers: the listing of one directory.
//!
//! Servers write index pages in many forms (tables, preformatted text, lists, JSON, XML), with and
//! without dates and sizes. This parser relies on what they have in common: a link to a child, and
//! words beside it in the same line, row or list item. So it also reads pages of servers that
//! nobody has tested.
//!
//! # Errors
//! Returns [`PageError`] if a page is not an index (a login page, an error page with status 200) or
//! ends before it is complete. Such a page is never taken for a listing.
//!
//! # Limits
//! A page is read as a stream. Memory is bounded by a few constants whatever the page holds; time
//! is bounded by its length, which the caller limits.

use super::index_entry::{IndexEntry, IndexPage, PageError};
use std::io::Read;

use super::index_html::read_html;
use super::index_json::read_json;
use super::index_link::PageAddress;

/// The format of a page, according to its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexForm {
    /// HTML, nginx's XML, or a bucket's XML.
    Markup,
    /// JSON of nginx or Caddy.
    Json,
}

impl IndexForm {
    /// The form for a content type; unknown types, and none, count as HTML.
    pub fn of(content_type: &str) -> IndexForm {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            IndexForm::Json
        } else {
            IndexForm::Markup
        }
    }
}

/// Reads the index page at the address `page`. `each` gets every entry as soon as it is read,
/// possibly twice.
///
/// # Errors
/// Returns [`PageError`] if the page is not a complete index; then the entries that `each` got are
/// not a listing of the directory.
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
