//! Lists mirrors over FTP.

pub mod control;
pub mod listing;
pub mod message;
pub mod session;
pub mod url;
pub mod wire;
