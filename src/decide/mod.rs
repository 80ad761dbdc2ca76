//! From a request to a decision, for the redirect and for `explain` alike.
//!
//! [`decide`] runs the checks in MirrorBrain's order (behaviour §1.1), its defects mended. What it
//! needs of the world comes in a [`SiteState`] (configuration, snapshot, GeoIP) and a
//! [`WorkerContext`] (one worker's tree, database connection, drawn numbers); what comes out is a
//! [`Decision`], a value.
//!
//! Promise: whatever fails here ends in serving the file locally, never in a wrong redirect.

mod client;
mod context;
mod decision;
mod document;
mod list;
mod mapping;
mod passage;
mod select;
mod site;

pub use client::{Client, FactSource};
pub use context::{RequestClock, WorkerContext};
pub use decision::{
    Choice, DecidedFile, Decision, DigestDocument, Document, LocalReason, Metalink, MissingReason,
    Outcome, OwnUrl, Redirect, Seeds, StampKey, Unavailable,
};
pub use decision::{DirectoryCount, MirrorList, OtherMirror, YumList};
pub use list::{DIRECTORY_FILES_MAX, YUM_MIRRORS_MAX};
pub use passage::{Depth, decide};
pub use site::SiteState;
