//! The FastCGI responder protocol: records, connections, worker threads.
//!
//! The web server connects, sends one request at a time and usually keeps the connection.
//! [`Server`] accepts connections, reads requests under limits and time-outs, and gives each
//! complete one to a [`Handler`]; what the handler wrote leaves in one write.
//!
//! Reading order: [`Request`] and [`Handler`] are what a use case sees; `record` and `params`
//! are the wire format; `protocol` is the state of one connection, without any input or output,
//! so that it can be fuzzed; `connection`, `worker` and `server` put it on sockets.
//!
//! Source of the rules: the FastCGI specification 1.0 (Open Market, 1996).

mod accept;
mod connection;
mod error;
mod guard;
mod handler;
mod handover;
mod listen;
mod options;
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
pub use handler::{Handler, Request};
pub use listen::Listen;
pub use options::{ServerOptions, TICK};
pub use params::Params;
pub use server::{Report, Server};
pub use shutdown::Shutdown;
pub use stats::Stats;
