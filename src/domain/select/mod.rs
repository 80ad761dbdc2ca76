//! Chooses mirrors for a client: MirrorBrain's selection law (behaviour §2) and its variants.
//!
//! Pure: the input is mirrors, a client, the files that mirrors have, and random numbers; the
//! output is one [`Selection`]. The redirect, every document that lists mirrors, and `explain`
//! render that value.
//!
//! - [`access`]: which URL of a mirror a client gets, and which mirrors come last.
//! - [`admission`]: which files may go to pull-through caches.
//! - [`class`]: the class of a mirror for a place. It is the same for every file, so it is kept.
//! - [`set`]: sets of mirrors as bits.
//! - [`law`]: rank and distance, the numbers that order a class.
//! - `member`: the order of the mirrors of one tier.
//! - [`choose`]: makes ordered candidates out of classes.
//! - `rendezvous`: which cache a path prefers.
//! - `drain`: which mirrors get fewer clients than usual.
//! - [`reason`]: why every other mirror is not a candidate.
//! - [`list`]: which mirrors are left out of lists that a client works through without us.
//! - [`share`]: the probability of each candidate.

pub mod access;
pub mod admission;
pub mod choose;
pub mod class;
mod drain;
pub mod law;
pub mod list;
mod member;
pub mod reason;
mod rendezvous;
pub mod set;
pub mod share;

pub use access::{Access, HttpsToHttp};
pub use admission::{CacheFile, FillSigns, admit, is_fill};
pub use choose::{Candidate, Holdings, Question, Realm, Selection, Selector, Tier};
pub use class::{Class, ClassTable, HttpsCount, Roster};
pub use drain::DrainMoment;
pub use law::{Distance, Law, Weights};
pub use reason::Reason;
pub use set::MirrorSet;

#[cfg(test)]
mod tests;
