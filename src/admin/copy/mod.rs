//! Makes copies of a site's database, and puts them back.

pub mod backup;
mod destination;
pub mod restore;
