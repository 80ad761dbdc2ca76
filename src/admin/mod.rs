//! `heliostat`: the command line of the admin.

pub mod explain;
mod explain_text;
