//! Where a client is: readers of GeoIP databases (.mmdb).
//!
//! A list of files; for each fact (country, continent, coordinates, AS) the first file that knows
//! it is believed. Two layouts are read: MaxMind's and DB-IP's (`country.iso_code`, `location.*`),
//! and the flat one (`country_code`, `latitude`). A missing continent comes from the country.
//!
//! # Errors
//! A file that is missing or corrupt is logged once and ignored; downloads go on without it.
//!
//! # Limits
//! Files are read into memory, not mapped: a file that is cut while it is mapped would kill the
//! process.

mod continent;
mod database;
mod lookup;

pub use continent::continent_of;
pub use lookup::{GeoIp, Located};
