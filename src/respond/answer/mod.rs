//! A decision as header fields and body (spec §4).
//!
//! - [`write()`]: which answer; log fields; pages for errors.
//! - [`redirect`], [`document`], [`list`], [`local`]: one kind of answer each.
//! - [`redirect`], [`document`], [`local`]: one kind of answer each; [`compose`]: what documents
//!   are rendered from.

mod compose;
mod document;
mod list;
mod local;
mod redirect;
mod write;

pub(super) use write::{Means, no_site, write};
