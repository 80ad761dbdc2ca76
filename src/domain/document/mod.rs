//! Renders documents about a file as bytes: pure functions of one value ([`Sheet`]).
//!
//! - [`sheet`]: the facts about a file and its mirrors, and the list of mirrors that both kinds of
//!   metalink contain.
//! - [`name`]: writes file names, which are bytes, into documents, which are text.
//! - [`body`]: the result of rendering: text with gaps for the long parts of a hash row.
//! - [`digest`]: `.md5` and the other hash documents.
//! - [`meta4`]: metalinks as in RFC 5854. [`metalink`]: version 3, which is older than the RFC.
//! - [`mirror_list`]: the content of a list of mirrors; [`mirror_list_html`]: as a page, with a
//!   `map`; [`mirror_list_json`]: as JSON.
//! - [`torrent`], [`info_dictionary`], [`magnet`], [`zsync`], [`zsync_block`]: documents for
//!   peer-to-peer clients and zsync.

pub mod body;
pub mod digest;
pub mod info_dictionary;
pub mod magnet;
mod map;
pub mod meta4;
pub mod metalink;
pub mod mirror_list;
pub mod mirror_list_html;
pub mod mirror_list_json;
pub mod name;
pub mod sheet;
pub mod torrent;
pub mod zsync;

pub use body::Body;
pub(crate) use map::{LAND_PATH, LAND_TRANSFORM};
pub use sheet::{BrokenMirrors, FileSource, Publisher, Sheet};

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
pub mod zsync_block;
