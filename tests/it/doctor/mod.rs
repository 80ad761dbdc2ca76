//! `heliostat doctor`: each mistake is planted, seen, and mended by the very fix that is printed.

mod apache;
mod database;
mod geoip;
mod healthy;
mod mirrors;
mod outage;
mod tree;
mod units;
mod url;
