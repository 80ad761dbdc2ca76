//! The commands of `heliostat` that show or change one mirror.

mod bulk;
pub mod change;
pub mod edit;
pub mod file;
pub mod file_change;
mod file_sample;
pub mod found_file;
pub mod https;
pub mod list;
mod list_form;
pub mod locate;
pub mod mirror_json;
pub mod new;
pub mod outcome;
pub mod ping;
pub mod probefile;
pub mod sheet;
pub mod show;
pub mod update;
