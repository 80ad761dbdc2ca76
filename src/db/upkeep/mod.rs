//! How large the database is, and how it becomes smaller.

mod room;
mod shell;
mod vacuum;

pub use room::{DatabaseRoom, TableSize, room, table_sizes};
pub use shell::SHELL_SETTINGS;
