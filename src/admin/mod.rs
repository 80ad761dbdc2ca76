//! `heliostat`: the command line of the admin, also as `mb`, MirrorBrain's.
//!
//! [`args`] is the whole command line; `program` runs it: one module a group of commands, each a
//! function of the `session` and its arguments. A mirror's fields stand in one table (`field`),
//! which `show`, `edit` and `--set` share.
//!
//! # Errors
//! [`AdminError`]: one line on standard error that says what to do; exit codes as everywhere.

mod abbreviation;
pub mod args;
mod console;
mod edit;
mod error;
pub mod explain;
mod explain_text;
mod external;
mod field;
mod file;
mod history;
mod import;
mod json;
mod list;
mod locate;
mod makehashes;
mod network;
mod new;
mod ping;
mod probefile;
mod program;
mod session;
mod sheet;
mod show;
mod status;
mod switch;
mod trace;
mod value;

pub use error::AdminError;
pub use program::main;
