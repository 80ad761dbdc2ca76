//! Who gets the client: MirrorBrain's selection law (behaviour §2), and its switchable variants.
//!
//! Pure: mirrors, a client, what mirrors have and drawn numbers go in, one [`Selection`] comes out.
//! The redirect, every document that lists mirrors, and `explain` render that value.
//!
//! - [`access`]: which URL of a mirror a client gets, and which mirrors come last.
//! - [`admission`]: which files may go to pull-through caches.
//! - [`class`]: which class a mirror is in for a place; the same for every file, so it is kept.
//! - [`set`]: sets of mirrors as bits.
//! - [`law`]: rank and distance, the numbers that order a class.
//! - [`choose`]: from classes to ordered candidates.
//! - [`reason`]: why each other mirror is out.
//! - [`list`]: who is left out of lists that a client works through by itself.
//! - [`share`]: how likely each candidate is to be drawn.

pub mod access;
pub mod admission;
pub mod choose;
pub mod class;
pub mod law;
pub mod list;
pub mod reason;
pub mod set;
pub mod share;

pub use access::{Access, HttpsToHttp};
pub use admission::{CacheFile, FillSigns, admit, is_fill};
pub use choose::{Candidate, Holdings, Question, Realm, Selection, Selector, Tier};
pub use class::{Class, ClassTable, HttpsCount, Roster};
pub use law::{Distance, Law, Weights};
pub use reason::Reason;
pub use set::MirrorSet;

#[cfg(test)]
mod tests;
