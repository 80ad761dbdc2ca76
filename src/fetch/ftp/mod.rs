//! The FTP client for listings of mirrors.

pub mod control;
pub mod listing;
pub mod session;
pub mod url;
pub mod wire;
