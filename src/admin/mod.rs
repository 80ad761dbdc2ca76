//! `heliostat`: the command line of the admin, also as `mb`, MirrorBrain's.
//!
//! [`args`] is the whole command line; `program` runs it: one module a group of commands, each a
//! function of the `session` and its arguments. A mirror's fields stand in one table (`field`),
//! which `show`, `edit` and `--set` share.
//!
//! # Errors
//! [`AdminError`]: one line on standard error that says what to do; exit codes as everywhere.

mod apache;
pub mod args;
mod compare;
mod console;
mod copy;
mod database;
mod doctor;
mod drain;
mod error;
mod explain;
mod export;
mod external;
mod file_tree;
mod help;
mod import;
mod init;
mod line_diff;
mod mirror;
mod overview;
mod pages;
mod product;
mod program;
mod replay;
mod repo;
mod report;
mod responder;
mod session;
mod smoke;
mod stats;
mod topology;

pub use error::AdminError;
pub use program::main;
