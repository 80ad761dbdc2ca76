//! Metrics for Prometheus: their names, and the text in which they are sent.
//!
//! - [`name`]: every metric with its type and meaning.
//! - [`exposition`]: the two formats of the text.
//! - [`facts`]: what a database tells, for responders and for `heliostat metrics`.
//! - [`sums`]: what a responder has counted.

pub mod exposition;
pub mod facts;
pub mod name;
pub mod sums;
