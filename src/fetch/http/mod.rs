//! The HTTP client for listings and pages of mirrors.

pub mod failure;
pub mod session;
pub mod url;
