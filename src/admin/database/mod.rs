//! The commands of `heliostat` about the database file.

pub mod db;
mod shell;
