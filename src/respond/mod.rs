//! `heliostat-fcgi`: answers requests from the web server.
//!
//! [`run()`] binds the socket and starts three things: the workers of [`crate::fcgi`], each with a
//! handler that decides and writes an answer; a keeper, which looks for changes of database, GeoIP
//! files and configuration by timer and on SIGHUP, and publishes a new [`ResponderState`] for all
//! workers; and a thread that waits for signals. The keeper may wait for a disk that hangs. Only
//! the start waits for the keeper, and not for long. A fourth thread adds up what workers count
//! (the module `count`); nobody waits for it.
//!
//! # Locking
//! Workers share only the state, which they read through `arc-swap` without waiting.

mod answer;
mod args;
mod complaint;
mod count;
mod directory_stats;
mod file_stats;
mod keeper;
mod mirror_stats;
mod monitor;
mod permit;
mod ping;
mod program;
mod run;
mod start;
mod state;
mod status;
mod stream;
mod watchdog;
mod worker;

pub use args::ResponderArgs;
pub use program::main;
pub use run::{RespondError, run};
pub use state::ResponderState;
