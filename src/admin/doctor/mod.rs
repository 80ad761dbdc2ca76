//! `heliostat doctor`: finds what breaks downloads, before clients do.
//!
//! One file per area. Each looks and returns an `AreaReport`: findings with cause and fix, what
//! could not be checked and why, and what was looked at. No area changes anything, and none takes
//! silence for health: what it cannot see, it says.

mod clock;
mod configuration;
mod database;
mod doctor;
mod examination;
mod finding;
mod geoip;
mod links;
mod mirrors;
mod opening;
mod printed;
mod server;
mod shell;
mod socket;
mod tree;
mod walk;
mod way;

pub(super) use doctor::doctor;
