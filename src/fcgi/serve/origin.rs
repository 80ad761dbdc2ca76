//! Who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, getpeername};

/// An address, or whoever the permissions of the Unix socket let in. The processes behind that
/// are not told apart: one that is in another container has no number here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The Unix socket.
    Local,
    /// The address that connected over TCP.
    Address(IpAddr),
}

impl Origin {
    /// Of a connection.
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
