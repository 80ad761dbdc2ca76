//! What lists of mirrors for people need beside the mirrors.

pub mod marker;
pub mod place_name;
