//! Reads the facts about mirrors that lists, pages and metrics show beside the mirrors' own fields.

pub mod facts;
pub mod history;
pub mod marker;
pub mod place_name;
