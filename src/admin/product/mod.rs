//! `heliostat product` and `heliostat uptake`: names of files for clients, and how many mirrors
//! have these files.

mod bouncer;
mod change;
mod file;
mod import;
mod list;
mod uptake;

pub use change::product;
pub use uptake::uptake;
