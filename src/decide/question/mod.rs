//! Questions other than a file's URL, in front of the same decision: lists of mirrors by the name
//! of a repository, and files by the name of a product.

mod arrange;
mod directory;
mod obey;
mod product;
mod repository;
mod value;
mod wish;

pub use value::{ListRefusal, NamedQuestion, RefusedList};
pub(super) use wish::ClientWishes;
