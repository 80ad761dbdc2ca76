//! Where the server listens.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where to take connections from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket made by us. A socket left behind by a dead process is replaced.
    Unix {
        /// Where the socket is made; its directory must exist.
        path: PathBuf,
        /// Permission bits of the socket, such as `0o660`.
        mode: u32,
    },
    /// A TCP address made by us. FastCGI knows no password: whoever reaches the port may ask.
    Tcp(SocketAddr),
    /// Sockets that whoever started us has opened: systemd's (`LISTEN_FDS`), else standard
    /// input when it is a listening socket (mod_fcgid).
    Inherited,
}
