//! The commands of `heliostat` that report on a site: status, history, mirrors' trace files.

pub mod configuration;
pub mod history;
pub mod logs;
pub mod mirror_status;
mod run_text;
mod site_problem;
pub mod status;
mod status_text;
pub mod trace;
