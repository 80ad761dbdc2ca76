//! A decision as header fields and body (behaviour §4).
//!
//! - [`write()`]: which answer; log fields; pages for errors.
//! - [`redirect`], [`document`], [`list`], [`local`]: one kind of answer each.
//! - [`redirect`], [`document`], [`local`]: one kind of answer each; [`compose`]: what documents
//!   are rendered from.

mod compose;
mod dispatch;
mod document;
mod list;
mod local;
mod own_url;
mod page;
mod redirect;

pub(super) use dispatch::write;
pub(super) use page::{AnswerResources, no_site};
