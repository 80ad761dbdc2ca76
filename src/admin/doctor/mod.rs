//! `heliostat doctor`: finds what breaks downloads, before clients do.
//!
//! One file per area. Each file examines one area and returns an `AreaReport`: findings with cause
//! and fix, checks that could not be made and why, and the things that were examined. No area
//! changes anything, and no area takes silence for health: it says what it cannot see.

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
