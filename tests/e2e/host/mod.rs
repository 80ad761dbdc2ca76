//! Tests the web servers before us: Apache, nginx and lighttpd, their rules, modules, buffers,
//! caches.

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
