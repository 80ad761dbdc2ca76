//! Repositories that clients ask for by name: `/mirrorlist?repo=NAME&arch=ARCH`, as from
//! MirrorManager.
//!
//! - [`rule`]: gives a directory its names, by the path of its marker.
//! - [`table`]: names → directory, made once per catalogue.
//! - [`asked`]: reads a query.
//! - [`heading`]: the first line of a list.

pub mod asked;
pub mod heading;
pub mod rule;
pub mod table;

pub use asked::{ListArguments, ListSubject};
pub use heading::ListHeading;
pub use rule::{RepositoryError, RepositoryRule};
pub use table::{KnownRepository, RepositoryTable, TableBuilder};
