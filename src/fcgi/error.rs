//! Errors of the server as a whole.

use std::io;
use std::path::PathBuf;

/// Why the server cannot be started or had to end.
///
/// An error on one connection is never one of these: that connection is closed and counted in
/// [`Stats`](super::Stats).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FcgiError {
    /// The Unix socket cannot be created: missing directory, missing permission, or too long a
    /// name.
    #[error("cannot listen on {}: check the directory and permissions", .path.display())]
    BindUnix {
        /// Path of the socket as configured.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Another process answers on this socket.
    #[error("{} is in use by another process: stop it, or choose another path", .path.display())]
    InUse {
        /// Path of the socket as configured.
        path: PathBuf,
    },
    /// The path exists and is not a socket; it is not removed.
    #[error("{} is not a socket: remove it, or choose another path", .path.display())]
    NotASocket {
        /// Path of the socket as configured.
        path: PathBuf,
    },
    /// The TCP address cannot be used.
    #[error("cannot listen on {address}: is it an address of this machine, and free?")]
    BindTcp {
        /// The address as configured.
        address: std::net::SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// No listening socket was inherited.
    #[error(
        "no socket was inherited: start by systemd's socket unit (LISTEN_FDS) or by mod_fcgid \
         (standard input), or configure one by path or address"
    )]
    NothingInherited,
    /// An inherited descriptor cannot be used.
    #[error("cannot use the inherited descriptor number {index}: expected a stream socket")]
    Inherited {
        /// Its index among the inherited descriptors, from 0.
        index: usize,
        /// The error of the system.
        source: io::Error,
    },
    /// The system refused a resource that every worker needs: an epoll or event descriptor, or a
    /// thread.
    #[error("cannot start the workers: {what}")]
    Start {
        /// The resource.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// A worker failed to wait for its sockets, which only a bug can cause.
    #[error("a worker can no longer wait for its sockets: restart the program")]
    Wait {
        /// The error of the system.
        source: io::Error,
    },
}
