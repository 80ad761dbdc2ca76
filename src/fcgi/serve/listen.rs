//! Where the server listens: sockets made by us, and sockets that were inherited.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::sockopt::{set_socket_reuseaddr, set_tcp_nodelay, socket_acceptconn};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::fcgi::FcgiError;

/// Connections that wait to be accepted. A web server's connect to a Unix socket fails at
/// once when there is no place, so it is as large as the kernel allows (`net.core.somaxconn`,
/// 4,096 by default).
const BACKLOG: i32 = 4096;

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

/// What a server listens on.
#[derive(Debug, Default)]
pub(in crate::fcgi) struct Sockets {
    pub listeners: Vec<OwnedFd>,
    /// Connections that the process before us was given by the web server and did not close.
    pub kept: Vec<OwnedFd>,
    /// The listeners belong to a service manager, which may keep connections for the next
    /// process.
    pub managed: bool,
    /// Removed at the end, if it is still the one that we made.
    _made: Option<SocketFile>,
}

/// A socket file of ours.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            log::warn!("cannot remove the socket {}: {error}", self.path.display());
        }
    }
}

impl Sockets {
    pub fn bind(listen: &Listen) -> Result<Sockets, FcgiError> {
        match listen {
            Listen::Unix { path, mode } => unix(path, *mode),
            Listen::Tcp(address) => match tcp(address) {
                Ok(listener) => Ok(Sockets {
                    listeners: vec![listener],
                    ..Sockets::default()
                }),
                Err(source) => Err(FcgiError::BindTcp {
                    address: *address,
                    source,
                }),
            },
            Listen::Inherited => inherited(ListenFd::from_env()),
        }
    }
}

fn unix(path: &Path, mode: u32) -> Result<Sockets, FcgiError> {
    clear(path)?;
    let bind = || -> io::Result<(OwnedFd, SocketFile)> {
        let listener = stream_socket(AddressFamily::UNIX)?;
        rustix::net::bind(&listener, &SocketAddrUnix::new(path)?)?;
        // Nobody can connect before `listen`, so nobody can before the mode is right.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        rustix::net::listen(&listener, BACKLOG)?;
        let found = fs::symlink_metadata(path)?;
        let made = SocketFile {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
        };
        Ok((listener, made))
    };
    match bind() {
        Ok((listener, made)) => Ok(Sockets {
            listeners: vec![listener],
            _made: Some(made),
            ..Sockets::default()
        }),
        Err(source) => Err(FcgiError::BindUnix {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Removes a socket that nobody listens on any more.
fn clear(path: &Path) -> Result<(), FcgiError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(FcgiError::NotASocket {
            path: path.to_owned(),
        });
    }
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if UnixStream::connect(path).is_err_and(refused) {
        let source = fs::remove_file(path);
        return source.map_err(|source| FcgiError::BindUnix {
            path: path.to_owned(),
            source,
        });
    }
    Err(FcgiError::InUse {
        path: path.to_owned(),
    })
}

fn tcp(address: &SocketAddr) -> io::Result<OwnedFd> {
    if !address.ip().is_loopback() {
        log::warn!("anyone who can reach {address} can ask the responder: guard the port");
    }
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let listener = stream_socket(family)?;
    set_socket_reuseaddr(&listener, true)?;
    rustix::net::bind(&listener, address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // Accepted sockets have it from their listener.
    set_tcp_nodelay(&listener, true)?;
    Ok(listener)
}

fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        family,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// Sorts what was inherited into listening sockets and connections.
fn inherited(mut passed: ListenFd) -> Result<Sockets, FcgiError> {
    let mut sockets = Sockets {
        managed: passed.len() > 0,
        ..Sockets::default()
    };
    for index in 0..passed.len() {
        let taken = take(&mut passed, index).and_then(|socket| {
            let listening = socket_acceptconn(&socket)?;
            make_nonblocking(&socket)?;
            Ok((socket, listening))
        });
        match taken {
            Ok((socket, true)) => sockets.listeners.push(socket),
            Ok((socket, false)) => sockets.kept.push(socket),
            Err(source) => return Err(FcgiError::Inherited { index, source }),
        }
    }
    if sockets.listeners.is_empty() {
        sockets.listeners.extend(standard_input());
    }
    match sockets.listeners.is_empty() {
        true => Err(FcgiError::NothingInherited),
        false => Ok(sockets),
    }
}

/// Takes a stream socket of either family; the crate names them listeners, listening or not.
fn take(passed: &mut ListenFd, index: usize) -> io::Result<OwnedFd> {
    if let Ok(Some(socket)) = passed.take_unix_listener(index) {
        return Ok(socket.into());
    }
    match passed.take_tcp_listener(index)? {
        Some(socket) => Ok(socket.into()),
        None => Err(Errno::BADF.into()),
    }
}

/// Standard input, if it is a listening socket. mod_fcgid starts its processes so.
fn standard_input() -> Option<OwnedFd> {
    let input = io::stdin();
    let input = input.as_fd();
    if !socket_acceptconn(input).is_ok_and(|listening| listening) {
        return None;
    }
    let listener = fcntl_dupfd_cloexec(input, 3).ok()?;
    make_nonblocking(&listener).ok()?;
    Some(listener)
}

/// Two workers may wake for one connection; the one that comes late must not block.
fn make_nonblocking(socket: &OwnedFd) -> io::Result<()> {
    let flags = fcntl_getfl(socket)?;
    Ok(fcntl_setfl(socket, flags | OFlags::NONBLOCK)?)
}
