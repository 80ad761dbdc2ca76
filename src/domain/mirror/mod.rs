//! Describes mirrors: the checked value, names, and the values that an admin writes.

mod mirror;
pub mod name;
pub mod value;

pub use mirror::*;
