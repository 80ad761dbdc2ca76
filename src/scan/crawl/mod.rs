//! Lists a mirror directory by directory, over HTTP or FTP.

pub mod crawler;
pub mod ftp;
pub mod memory;
pub mod page;
pub mod reading;
pub mod wanted;
