//! The commands of `heliostat` that report on a site: status, history, mirrors' trace files.

pub mod configuration;
pub mod history;
mod mirror_status;
mod site_problem;
pub mod status;
mod status_text;
pub mod trace;
