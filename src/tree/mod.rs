//! The local file tree: canonical paths and file versions.

mod locate;

pub use locate::{Located, Tree};
