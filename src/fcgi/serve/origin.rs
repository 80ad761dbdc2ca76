//! Finds out who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, getpeername};

/// The other end: an IP address, or any process that the permissions of the Unix socket allow. Such
/// processes are not told apart, because a process in another container has no id here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A process that connected to the Unix socket.
    Local,
    /// The address that connected over TCP.
    Address(IpAddr),
}

impl Origin {
    /// The origin of a connection.
    pub fn of(socket: &OwnedFd) -> Origin {
        let Ok(Some(address)) = getpeername(socket) else {
            return Origin::Local;
        };
        let ip: Option<IpAddr> = match address.address_family() {
            AddressFamily::INET => SocketAddrV4::try_from(address)
                .ok()
                .map(|at| (*at.ip()).into()),
            _ => SocketAddrV6::try_from(address)
                .ok()
                .map(|at| (*at.ip()).into()),
        };
        ip.map_or(Origin::Local, |ip| Origin::Address(ip.to_canonical()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Local => f.write_str("origin=socket"),
            Origin::Address(ip) => write!(f, "origin={ip}"),
        }
    }
}
