//! Questions other than a file's URL, in front of the same decision: lists of mirrors by the name
//! of a repository.

mod arrange;
mod directory;
mod repository;
mod value;

pub use value::{ListRefusal, NamedQuestion, RefusedList};
