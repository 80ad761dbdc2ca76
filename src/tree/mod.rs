//! The local file tree: finds canonical paths and file versions, walks over all files, and opens
//! one file for reading.

mod directory;
mod listing;
mod locate;
mod named_location;
mod open;
mod problem;
mod walk;

pub use listing::{InOrder, PathEntry, TreeListing, UnreadablePlace};
pub use locate::{Location, Tree};
pub use named_location::{NamedLocation, rest_below};
pub use open::{OpenError, OpenFile};
pub use problem::{TreeProblem, user_name};
pub use walk::{Root, UNREADABLE_LISTED_MAX, WalkError, WalkOptions};
