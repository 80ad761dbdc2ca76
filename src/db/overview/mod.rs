//! What lists of mirrors for people need beside the mirrors, and what metrics tell.

pub mod facts;
pub mod history;
pub mod marker;
pub mod place_name;
