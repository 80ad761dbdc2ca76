//! The local file tree: finds canonical paths and file versions, walks over all files, and opens
//! one file for reading.

mod directory;
mod locate;
mod named;
mod open;
mod problem;
mod walk;
mod walked;

pub use locate::{Located, Tree};
pub use named::{Named, rest_below};
pub use open::{OpenError, OpenFile};
pub use problem::{TreeProblem, user_name};
pub use walk::{Root, UNREADABLE_LISTED_MAX, WalkError, WalkOptions};
pub use walked::{InOrder, PathEntry, Unreadable, Walked};
