//! How redirects that clients got were found when they were followed: results, and the rate.

pub mod rate;
pub mod result;
