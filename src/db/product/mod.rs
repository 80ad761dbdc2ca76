//! Stores products, their languages and files, and aliases.

mod table;

pub use table::{aliases, generation, products, remove, set_alias, store, table};
