//! `heliostat compare`: asks two hosts the same requests and lists what differs.

mod difference;
mod report;
mod run;
mod sample;

pub use run::compare;
