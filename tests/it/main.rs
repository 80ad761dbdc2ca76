//! Integration tests over the real programs: one binary, so that they link once.

mod admin;
mod config;
mod conformance;
mod docs;
mod doctor;
mod fcgi;
mod fetch;
mod generation;
mod geoip;
mod import;
mod index;
#[path = "../judge/mod.rs"]
#[allow(dead_code, reason = "the slow tests use the rest of it")]
mod judge;
mod package;
mod probe;
mod respond;
mod scan;
mod security;
#[path = "../stand_in/mod.rs"]
#[allow(dead_code, reason = "the slow tests use the rest of it")]
mod stand_in;
mod stats;
