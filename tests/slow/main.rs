//! Runs the tests that take long over the real programs, for `scripts/test`; plain `cargo test`
//! leaves them out.
//!
//! Runs that are killed again and again, large trees behind real servers, pages that never end,
//! many clients, and the default times of the programs.

mod admin;
mod conformance;
mod fetch;
mod index;
#[path = "../judge/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
mod judge;
mod probe;
mod respond;
mod scan;
mod security;
#[path = "../stand_in/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
mod stand_in;
mod stats;
