//! `heliostat explain`: shows how a request is decided, from the value that decides it.

mod explain;
mod explain_text;
mod named;
mod summary;

pub use explain::explain;
