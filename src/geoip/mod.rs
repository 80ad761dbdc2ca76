//! Finds where a client is: reads GeoIP databases (.mmdb) and tables of networks.
//!
//! A site has a list of files. Each fact (country, continent, coordinates, AS) comes from the first
//! file that has it. [`field`] has the field names of all layouts: MaxMind's and DB-IP's
//! (`country.iso_code`, `location.*`), IPinfo's, Geo Open's and flat ones (`country_code`,
//! `latitude`). A missing continent follows from the country. A table that `heliostat topology
//! compile` made tells the AS; it is asked before all other files, wherever it stands in the list.
//!
//! # Errors
//! A file that is missing or damaged is logged once and ignored; downloads go on without it. One
//! that cannot be read for a passing reason is tried again; until then its open version stays. A
//! damaged record is unknown from the damage on; a field of an unexpected type is ignored.
//!
//! # Limits
//! Files are read into memory, not mapped: if a mapped file were truncated, the process would be
//! killed. The work that a file can cause is bounded: [`tree`] visits each node and each record
//! once, a look-up visits at most as many nodes as an address has bits, and `maxminddb` reads at
//! most 65,536 values per record, at most 128 levels deep (skipped), and never follows a pointer of
//! a skipped value twice.

mod continent;
mod database;
mod error;
mod field;
mod file;
mod lookup;
mod network_file;
mod place_file;
mod tree;

pub use continent::continent_of;
pub use field::PlaceFact;
pub use lookup::{AddressPlace, FactOrigin, GeoIp};
