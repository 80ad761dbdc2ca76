//! `heliostat repo`: repositories, their versions, and which mirrors have which.

mod known;
mod run;
mod versions;

pub use run::repo;
