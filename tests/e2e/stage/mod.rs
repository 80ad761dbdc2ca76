//! The stage that tests play on: a site with the real programs around it.
//!
//! [`Stage`] is a tree with its database and configuration (the site of the integration tests), a
//! responder, Apache with the shipped host, and mirrors with rsync and HTTP, all in a temporary
//! folder and on free ports of the loopback. Parts that a test does not need are not started.

mod apache;
mod client;
mod exclusive;
mod load;
mod manager;
mod mirror;
mod other;
mod process;
mod responder;
mod theatre;
mod tool;

#[path = "../../stand_in/folder.rs"]
pub mod folder;
#[path = "../../stand_in/paged_site.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
pub mod paged_site;
#[path = "../../stand_in/port.rs"]
mod port;
#[path = "../../stand_in/site.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
pub mod site;
#[path = "../../stand_in/spooled.rs"]
pub mod spooled;

pub use apache::{Apache, ApacheOptions, load_module, shipped};
pub use client::{Answer, Request, decode, encode};
pub use load::load;
pub use manager::Manager;
pub use mirror::MirrorFacts;
pub use other::{
    Server, start_lighttpd, start_lighttpd_with, start_nginx, start_nginx_before, start_nginx_with,
    start_server,
};
pub use port::free_port;
pub use process::Process;
pub use responder::start as start_responder;
pub use theatre::{MTIME, Stage};
pub use tool::tool;
