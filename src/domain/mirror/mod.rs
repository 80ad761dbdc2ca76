//! Describes mirrors: the checked value, names, and the values that an admin writes.

mod drain;
mod mirror;
pub mod name;
pub mod value;

pub use drain::{DRAIN_RAMP_UP_S, MirrorDrain};
pub use mirror::*;
