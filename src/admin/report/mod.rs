//! The commands of `heliostat` that report on a site: status, history, mirrors' trace files.

pub mod history;
pub mod status;
pub mod trace;
