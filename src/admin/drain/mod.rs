//! `heliostat drain`: takes mirrors out of service for a while.

mod moment;
mod run;

pub use run::drain;
