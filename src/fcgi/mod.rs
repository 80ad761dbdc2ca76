//! The FastCGI responder protocol: records, connections, worker threads.
//!
//! The web server connects, sends one request at a time and usually keeps the connection.
//! [`Server`] accepts connections, reads requests under limits and time-outs, and gives each
//! complete one to a [`Handler`]; what the handler wrote leaves in one write.
//!
//! Reading order: [`Request`] and [`Handler`] are what a use case sees; `record` and `params`
//! are the wire format; [`protocol`] is the state of one connection, without any input or
//! output, so that it can be fuzzed; `connection`, `worker` and `server` put it on sockets;
//! `accept` and `peers` share connections out; `handover` keeps them over a restart.
//!
//! # Errors
//! [`FcgiError`] is for the server as a whole. What goes wrong on a connection closes that
//! connection and is counted in [`Stats`]; a panic of the handler costs one request.
//!
//! # Limits
//! [`ServerOptions`] and the constants beside it: bytes, numbers and times, each with its reason.
//!
//! # Locking
//! Workers share nothing but counters and each other's inboxes, which are touched only when a
//! connection comes; a request takes no lock.
//!
//! # Security
//! Whoever can connect is believed to be the web server: FastCGI has no password. Permissions of
//! the socket decide who can.
//!
//! Source of the rules: the FastCGI specification 1.0 (Open Market, 1996).

mod accept;
mod connection;
mod error;
mod guard;
mod handler;
mod handover;
mod listen;
pub mod options;
mod params;
mod peers;
pub mod protocol;
mod record;
mod server;
mod shutdown;
mod slots;
mod stats;
mod step;
mod worker;

pub use error::FcgiError;
pub use handler::{Handler, Request, Rest};
pub use listen::Listen;
pub use options::{
    CONNECTIONS_MAX, DRAIN_TIMEOUT, IDLE_TIMEOUT, PARAMS_BYTES_MAX, PARAMS_MAX, READ_TIMEOUT,
    STDIN_BYTES_MAX, ServerOptions, THREADS, TICK, WRITE_TIMEOUT,
};
pub use params::Params;
pub use server::{Report, Server};
pub use shutdown::Shutdown;
pub use stats::Stats;
