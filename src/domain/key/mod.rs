//! Rows of the configuration: what each key is called, means, and may be.
//!
//! A section of `heliostat.toml` is written once, as rows of the macro [`section!`]. The struct
//! that the file is read into, the checked struct that programs use, the check of bounds, the
//! printed configuration and `docs/configuration.md` follow from these rows. So a new key is one
//! row and its use.

mod key;
mod merge;
mod problem;
mod section;
mod value;

pub use key::{Bounds, Key, Kind, MergeWay};
pub use merge::{ParameterScope, ParameterText, RuleValue};
pub use problem::{ConfigProblem, Problem};
pub use value::{KeyValue, days, list, or_none, same, seconds};

pub(crate) use section::section;
