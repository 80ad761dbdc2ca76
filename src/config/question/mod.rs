//! Sections about questions other than a file's URL: lists of a repository's mirrors.

mod generation;
mod lists;
mod product;

pub(super) use generation::{GenerationKeys, marker_law};
pub use generation::{RawAllowOutdated, RawGroup};
pub(super) use lists::repository_rules;
pub use lists::{ListsConfig, RawLists, RawRepository};
pub(super) use product::product_law;
pub use product::{RawHandoff, RawOsChange, RawProductRule, RawProducts};
