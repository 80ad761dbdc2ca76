//! Stores what scans leave for the next one: attempts, directories that were not reached, requests.

pub mod attempt;
pub mod directory;
pub mod request;
