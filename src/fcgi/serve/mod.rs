//! Sockets, connections and workers of the FastCGI server.

pub mod accept;
pub mod connection;
pub mod guard;
pub mod handover;
pub mod listen;
pub mod options;
pub mod origin;
pub mod peers;
pub mod server;
pub mod shutdown;
pub mod slots;
pub mod stats;
pub mod worker;
