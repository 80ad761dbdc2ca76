//! Requests listings and pages of mirrors over HTTP.

pub mod failure;
pub mod session;
pub mod url;
