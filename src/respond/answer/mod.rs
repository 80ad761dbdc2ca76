//! A decision as header fields and body (behaviour §4).
//!
//! - [`write()`]: which answer; pages for errors; HEAD.
//! - [`redirect`], [`document`], [`list`], [`local`]: one kind of answer each, written from an
//!   [`Exchange`]; [`compose`]: what documents are rendered from.
//! - [`precondition`]: 412 and 304; [`own_url`]: URLs of our own host; [`page`]: log fields.

mod compose;
mod dispatch;
mod document;
mod exchange;
mod list;
mod local;
mod own_url;
mod page;
mod precondition;
mod redirect;

#[cfg(test)]
mod answer_tests;

pub(super) use dispatch::write;
pub(super) use exchange::{AnswerResources, Exchange};
pub(super) use page::no_site;
