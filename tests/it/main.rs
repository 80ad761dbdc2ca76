//! Integration tests over the real programs: one binary, so that they link once.

mod admin;
mod config;
mod conformance;
mod docs;
mod fcgi;
mod fetch;
mod geoip;
mod index;
mod probe;
mod respond;
mod scan;
mod security;
#[path = "../stand_in/mod.rs"]
mod stand_in;
