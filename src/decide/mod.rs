//! Decides requests: one [`Decision`] for the redirect and for `explain` alike.
//!
//! [`decide`] makes the checks in MirrorBrain's order (behaviour §1.1), without its defects. Its
//! input is a [`SiteState`] (configuration, snapshot, GeoIP) and a [`WorkerContext`] (one worker's
//! tree, database connection, random numbers). Its result is a [`Decision`], a value.
//!
//! Promise: if anything fails here, the web server serves the file; no failure causes a wrong
//! redirect.

mod client;
mod context;
mod decision;
mod document;
mod generation;
mod list;
mod mapping;
mod order;
mod origin;
mod passage;
mod question;
mod redirect;
mod select;
mod site;
mod source;
mod taken;
mod yum;

#[cfg(test)]
mod decide_tests;
#[cfg(test)]
pub(crate) mod sample_tests;

pub use client::{Client, FactSource};
pub use context::{DrawFn, RequestClock, WorkerContext};
pub use decision::{
    Choice, DecidedFile, DecidedRules, Decision, DigestDocument, DirectoryCount, Document, Hold,
    LocalReason, Metalink, MirrorList, MissingReason, OriginRedirect, OtherMirror, Outcome, OwnUrl,
    Redirect, RepositoryList, Seeds, Unavailable, YumList,
};
pub use list::DIRECTORY_FILES_MAX;
pub use order::decide;
pub use passage::Depth;
pub use question::{ListRefusal, NamedQuestion, RefusedList};
pub use site::SiteState;
pub use source::{LiveSources, Sources};
pub use yum::YUM_MIRRORS_MAX;
