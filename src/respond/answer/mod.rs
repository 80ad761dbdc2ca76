//! A decision as header fields and body (spec §4).
//!
//! - [`write()`]: which answer; log fields; pages for errors.
//! - [`redirect`], [`document`], [`list`], [`local`]: one kind of answer each.

mod document;
mod list;
mod local;
mod redirect;
mod write;

pub(super) use write::{no_site, write};
