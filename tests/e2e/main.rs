//! End to end: real Apache, nginx and lighttpd, real rsync daemons, curl, and our programs.
//!
//! `scripts/test` installs what these tests need and runs them; plain `cargo test` does not.
//! Everything runs on the loopback, on free ports, in temporary folders.

mod away;
mod bittorrent;
mod browser;
mod cache;
mod database;
mod dnf;
mod document;
mod document_limit;
mod downloader;
mod freshness;
mod link;
mod local;
mod long_name;
mod mapping;
mod mapping_lighttpd;
mod neighbour;
mod outage;
mod page;
mod redirect;
mod restart;
mod security;
mod servers;
mod shadow;
#[path = "../stand_in/small_disk.rs"]
mod small_disk;
mod stage;
mod unit;
mod unknown;
mod vhost;
