//! Serves the FastCGI responder protocol: records, connections, worker threads.
//!
//! The web server connects, sends one request at a time and usually keeps the connection.
//! [`Server`] accepts connections, reads requests under limits and time-outs, and passes each
//! complete one to a [`Handler`]; the answer is sent in one write.
//!
//! Reading order: [`FcgiRequest`] and [`Handler`] are the interface for a use case; `record` and
//! `params` are the wire format; [`wire`] is the state of one connection without any input or
//! output, so that it can be fuzzed; `connection`, `worker` and `server` connect it to sockets;
//! `accept` and `peers` distribute connections; `handover` keeps them over a restart. `ask` is the
//! other side, for our own programs.
//!
//! # Errors
//! [`FcgiError`] is for the server as a whole. An error on a connection closes that connection and
//! is counted in [`Stats`]; a panic in the handler costs one request.
//!
//! # Limits
//! [`ServerOptions`] and the constants beside it limit bytes, numbers and times, each with its
//! reason.
//!
//! # Locking
//! Workers share only counters and each other's inboxes, which are locked only when a connection
//! arrives; a request takes no lock.
//!
//! # Security
//! Every client that can connect is trusted as the web server, because FastCGI has no password. The
//! permissions of the socket decide who can connect.
//!
//! The rules are those of the FastCGI specification 1.0 (Open Market, 1996).

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
