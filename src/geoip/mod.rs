//! Where a client is: readers of GeoIP databases (.mmdb).
//!
//! A list of files; for each fact (country, continent, coordinates, AS) the first file that knows
//! it is believed. [`field`] has the names of the layouts' fields: MaxMind's and DB-IP's
//! (`country.iso_code`, `location.*`), IPinfo's, Geo Open's and flat ones (`country_code`,
//! `latitude`). A missing continent comes from the country.
//!
//! # Errors
//! A file that is missing or corrupt is logged once and ignored; downloads go on without it. A
//! record of it that is damaged is unknown from there on, a field of an unexpected type by itself.
//!
//! # Limits
//! Files are read into memory, not mapped: a file that is cut while it is mapped would kill the
//! process. What a file makes us do is bounded: [`tree`] looks at each node and each record once,
//! a look-up at as many nodes as an address has bits, and `maxminddb` at 65,536 values of a
//! record, at most 128 (skipped) levels deep, never twice through a pointer of what is skipped.

mod continent;
mod database;
mod error;
mod field;
mod file;
mod lookup;
mod tree;

pub use continent::continent_of;
pub use field::PlaceFact;
pub use lookup::{AddressPlace, FactOrigin, GeoIp};
