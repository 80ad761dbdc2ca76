//! Writes a decision as header fields and body (behaviour §4).
//!
//! - [`write()`]: chooses the kind of answer; handles HEAD.
//! - [`redirect`], [`document`], [`list`], [`local`]: write one kind of answer each, from an
//!   [`Exchange`]; [`compose`]: makes the bodies of documents.
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
mod product;
mod redirect;
mod repository;

#[cfg(test)]
mod answer_tests;

pub(super) use dispatch::write;
pub(super) use exchange::{AnswerResources, Exchange};
pub(super) use page::no_site;
