//! End to end: real Apache, nginx and lighttpd, real rsync daemons, curl, and our programs.
//!
//! `scripts/test` installs what these tests need and runs them; plain `cargo test` does not.
//! Everything runs on the loopback, on free ports, in temporary folders.

mod answer;
mod client;
mod fault;
mod host;
#[path = "../stand_in/small_disk.rs"]
mod small_disk;
mod stage;
