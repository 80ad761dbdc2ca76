//! The admin's commands, as people and scripts call them.

mod bulk;
mod command;
mod edit;
mod import;
mod import_hand;
mod import_odd;
mod json;
mod locked;
mod password;
mod probefile;
mod status;
mod visible;
