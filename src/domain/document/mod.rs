//! Documents about a file, as bytes: pure functions of one value ([`Sheet`]).
//!
//! - [`sheet`]: what there is to say about a file and its mirrors, and the list of mirrors that
//!   both kinds of metalink have.
//! - [`name`]: file names, which are bytes, in documents, which are text.
//! - [`body`]: what renderers give: text with gaps for the long parts of a hash row.
//! - [`digest`]: `.md5` and the like.
//! - [`meta4`]: RFC 5854. [`metalink`]: version 3 of the same, before there was an RFC.
//! - [`mirror_list`]: what a list of mirrors says; [`mirror_list_html`]: as a page, with a `map`
//!   of `land`; [`mirror_list_json`]: as JSON.
//! - [`torrent`], [`magnet`], [`zsync`].

pub mod body;
pub mod digest;
pub mod info_dictionary;
mod land;
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
pub use sheet::{FileSource, Publisher, Sheet};

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
pub mod zsync_block;
