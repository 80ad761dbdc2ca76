//! The local file tree: canonical paths and file versions, and the walk over all of them.

mod directory;
mod locate;
mod walk;
mod walked;

pub use locate::{Located, Tree};
pub use walk::{Root, UNREADABLE_LISTED_MAX, Walk, WalkError};
pub use walked::{Found, InOrder, Unreadable, Walked};
