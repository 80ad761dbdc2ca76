//! Documents about a file, as bytes: pure functions of one value ([`Sheet`]).
//!
//! - [`sheet`]: what there is to say about a file and its mirrors, and the list of mirrors that
//!   both kinds of metalink have.
//! - [`name`]: file names, which are bytes, in documents, which are text.
//! - [`body`]: what renderers give: text with gaps for the long parts of a hash row.
//! - [`digest`]: `.md5` and the like.
//! - [`meta4`]: RFC 5854. [`metalink`]: version 3 of the same, before there was an RFC.
//! - [`page`]: what a list of mirrors says; [`mirrorlist`]: as a page, with a `map` of `land`;
//!   [`mirrorlist_json`]: as JSON.
//! - [`torrent`], [`magnet`], [`zsync`].

pub mod body;
pub mod digest;
mod land;
pub mod magnet;
mod map;
pub mod meta4;
pub mod metalink;
pub mod mirrorlist;
pub mod mirrorlist_json;
pub mod name;
pub mod page;
pub mod sheet;
pub mod torrent;
pub mod zsync;

pub use body::Body;
pub use sheet::{Publisher, Sheet, Source};

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
