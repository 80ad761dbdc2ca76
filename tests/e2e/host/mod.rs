//! What stands before us: Apache, nginx and lighttpd, their rules, modules, buffers and caches.

mod cache;
pub mod local;
mod long_name;
pub mod mapping;
mod mapping_lighttpd;
mod neighbour;
mod origin;
mod security;
mod servers;
mod vhost;
