//! The admin's commands, as people and scripts call them.

mod backup;
mod bulk;
mod command;
mod compare;
mod database;
mod edit;
mod export;
mod file;
mod import;
mod import_hand;
mod import_odd;
mod init;
mod json;
mod locked;
mod logs;
mod mb;
mod null_tree;
mod overview;
mod password;
mod probefile;
mod replay;
mod restore;
mod smoke;
mod status;
mod topology;
mod visible;
