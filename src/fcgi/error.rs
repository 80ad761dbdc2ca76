//! What can go wrong with the server as a whole.

use std::io;
use std::path::PathBuf;

/// Why the server cannot be started or had to end.
///
/// What goes wrong on one connection is never an error of the server: the connection is closed
/// and counted in [`Stats`](super::Stats).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FcgiError {
    /// The Unix socket cannot be made: missing directory, permission, or a name too long.
    #[error("cannot listen on {}: check the directory and permissions", .path.display())]
    BindUnix {
        /// The socket's path as it was configured.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process answers on this socket.
    #[error("{} is in use by another process: stop it, or choose another path", .path.display())]
    InUse {
        /// The socket's path as it was configured.
        path: PathBuf,
    },
    /// The path exists and is something else than a socket; it is not removed.
    #[error("{} is no socket: remove it, or choose another path", .path.display())]
    NotASocket {
        /// The socket's path as it was configured.
        path: PathBuf,
    },
    /// The TCP address cannot be listened on.
    #[error("cannot listen on {address}: is it an address of this machine, and free?")]
    BindTcp {
        /// The address as it was configured.
        address: std::net::SocketAddr,
        /// What the system said.
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
        /// Its place among the inherited ones, from 0.
        index: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused what every worker needs: an epoll or event descriptor, a thread.
    #[error("cannot start the workers: {what}")]
    Start {
        /// What was being made.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Waiting for sockets failed in a worker, which cannot happen short of a bug.
    #[error("a worker cannot wait for its sockets any more: restart the program")]
    Wait {
        /// What the system said.
        source: io::Error,
    },
}
