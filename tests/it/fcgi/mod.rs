//! The FastCGI server over real sockets: well-formed, malformed, slow, too many, restarted.

mod child;
mod client;
mod conversation;
mod crate_fastcgi;
mod crowd;
mod drain;
mod limits;
mod model;
mod peer;
mod properties;
mod rest;
mod restart;
mod server;
#[path = "../../load/supervisor.rs"]
mod supervisor;
mod watchdog;
#[path = "../../load/wire.rs"]
mod wire;
