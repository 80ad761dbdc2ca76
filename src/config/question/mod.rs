//! Sections about questions other than a file's URL: lists of a repository's mirrors.

mod lists;

pub(super) use lists::repository_rules;
pub use lists::{ListsConfig, RawLists, RawRepository};
