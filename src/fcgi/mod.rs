//! The FastCGI responder protocol: records, connections, worker threads.
//!
//! The web server connects, sends one request at a time and usually keeps the connection.
//! [`Server`] accepts connections, reads requests under limits and time-outs, and gives each
//! complete one to a [`Handler`]; what the handler wrote leaves in one write.
//!
//! Reading order: [`FcgiRequest`] and [`Handler`] are what a use case sees; `record` and `params`
//! are the wire format; [`wire`] is the state of one connection, without any input or
//! output, so that it can be fuzzed; `connection`, `worker` and `server` put it on sockets;
//! `accept` and `peers` share connections out; `handover` keeps them over a restart. `ask` is the
//! other side, for our own programs.
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

mod ask;
mod error;
mod handler;
mod serve;
pub mod wire;

pub use ask::ask;
pub use error::FcgiError;
pub use handler::{FcgiRequest, Handler, Rest};
pub use serve::listen::Listen;
pub use serve::options::{
    CONNECTIONS_MAX, DRAIN_TIMEOUT, IDLE_TIMEOUT, PARAMS_BYTES_MAX, PARAMS_MAX, READ_TIMEOUT,
    STDIN_BYTES_MAX, ServerOptions, THREADS, TICK, WRITE_TIMEOUT,
};
pub use serve::server::{Server, ServerReport};
pub use serve::shutdown::Shutdown;
pub use serve::stats::Stats;
pub use wire::params::Params;
