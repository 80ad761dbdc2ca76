//! `heliostat export`: writes the mirrors for other programs.
//!
//! # Security
//! Lists for public pages have neither private mirrors nor URLs that need a password. The other
//! formats are for admins and have everything.

mod django;
mod mirmon;
mod postgresql;
mod run;
mod vcs;
mod whole;

pub use run::export;
