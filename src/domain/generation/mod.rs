//! Generations of a repository: files such as `repomd.xml` are replaced under their names, and
//! mirrors that are behind have an earlier generation, which is as whole as the last one.
//!
//! - [`law`]: which files these are, what belongs to them, how long earlier versions count.
//! - [`version`]: the earlier versions.

pub mod law;
pub mod version;

pub use law::{GroupError, GroupRule, MarkerLaw, OutdatedRule};
pub use version::{EarlierVersion, EarlierVersions, accepted};
