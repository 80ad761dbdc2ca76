//! The FastCGI protocol as values: records, parameters, and the state of one connection. No I/O.

pub mod params;
pub mod protocol;
pub mod record;
pub mod step;
