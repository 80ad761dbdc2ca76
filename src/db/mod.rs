//! The mirror database: the only SQL of the crate.
//!
//! [`open`] gives connections (one place sets WAL, time-outs, `synchronous`), [`schema`] migrates.
//! Then one module a notion: [`catalogue`] (files), [`change`] (what changed in it), [`mirror`],
//! [`content`] (who has what), [`drain`] (who is out of service), [`copy`] (backups), [`hash`] and
//! [`hash_state`], [`epoch`] (how old ids are), [`probe`] (who answers), [`follow`] (where
//! redirects led), [`run`] and [`event`] (what happened), [`import`] (from another system),
//! [`overview`] (lists of mirrors for people), [`upkeep`] (how large it is). The responder decides
//! from [`crate::snapshot`], which these functions fill. [`stats`] is a database of its own.
//!
//! # Locking
//! Writers take short IMMEDIATE transactions and wait for each other; readers never wait for a
//! writer (WAL). Nothing does network I/O inside a transaction.

pub mod cache_answer;
pub mod catalogue;
pub mod change;
pub mod content;
pub mod copy;
pub mod drain;
pub mod epoch;
mod error;
pub mod event;
pub mod follow;
pub mod hash;
pub mod hash_state;
pub mod import;
pub mod lock_wait;
pub mod long_value;
pub mod mirror;
pub mod mirror_cache;
pub mod mirror_field;
pub mod mirror_trace;
pub mod open;
pub mod overview;
pub mod probe;
pub mod product;
pub mod run;
pub mod scan;
pub mod schema;
pub mod stats;
pub mod upkeep;

pub use change::marker_version;
pub use error::DbError;
pub use open::{Reader, Writer, check_room, check_there, open_reader, open_writer};
