//! Opens the sockets on which the server listens, or takes over inherited ones.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::sockopt::{set_socket_reuseaddr, set_tcp_nodelay, socket_acceptconn};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::fcgi::FcgiError;

/// Number of connections that may wait to be accepted. If there is no room, a web server's connect
/// to a Unix socket fails at once; so this is as large as the kernel allows (`net.core.somaxconn`,
/// 4,096 by default).
const BACKLOG: i32 = 4096;

/// The source of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket that this process creates. A socket that a dead process left is replaced.
    Unix {
        /// Path of the socket; its directory must exist.
        path: PathBuf,
        /// Permission bits of the socket, such as `0o660`.
        mode: u32,
    },
    /// A TCP address. FastCGI has no password: everybody who can reach the port can send requests.
    Tcp(SocketAddr),
    /// Sockets that the parent process has opened: systemd's (`LISTEN_FDS`), otherwise standard
    /// input if it is a listening socket (mod_fcgid).
    Inherited,
}

/// The open sockets of a server.
#[derive(Debug, Default)]
pub(in crate::fcgi) struct Sockets {
    pub listeners: Vec<OwnedFd>,
    /// Open connections of the web server that the previous process passed on.
    pub kept: Vec<OwnedFd>,
    /// Whether the listeners belong to a service manager, which may keep connections for the next
    /// process.
    pub managed: bool,
    /// The socket file, which is removed at the end if it is still ours.
    _made: Option<SocketFile>,
}

/// A socket file that this process created.
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
        // Nobody can connect before `listen`, so the mode is right in time.
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

/// Removes a socket on which no process listens any more.
fn clear(path: &Path) -> Result<(), FcgiError> {
    let failed = |source| {
        let path = path.to_owned();
        FcgiError::BindUnix { path, source }
    };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(failed)?,
    };
    if !found.file_type().is_socket() {
        return Err(FcgiError::NotASocket {
            path: path.to_owned(),
        });
    }
    match connect(path) {
        Err(Errno::CONNREFUSED) => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(failed),
        },
        Err(Errno::NOENT) => Ok(()),
        // Its queue is full, or it has another type: a process has it.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(FcgiError::InUse {
            path: path.to_owned(),
        }),
        Err(errno) => Err(failed(errno.into())),
    }
}

/// Connects without waiting for a process that accepts no connections.
fn connect(path: &Path) -> Result<(), Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
}

fn tcp(address: &SocketAddr) -> io::Result<OwnedFd> {
    if !address.ip().is_loopback() {
        log::warn!(
            "everybody who can reach {address} can send requests to the responder: protect the port"
        );
    }
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let listener = stream_socket(family)?;
    set_socket_reuseaddr(&listener, true)?;
    rustix::net::bind(&listener, address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // Accepted sockets inherit it from their listener.
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

/// Sorts inherited descriptors into listening sockets and connections.
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

/// Takes a stream socket of either family; the crate calls all of them listeners.
fn take(passed: &mut ListenFd, index: usize) -> io::Result<OwnedFd> {
    if let Ok(Some(socket)) = passed.take_unix_listener(index) {
        return Ok(socket.into());
    }
    match passed.take_tcp_listener(index)? {
        Some(socket) => Ok(socket.into()),
        None => Err(Errno::BADF.into()),
    }
}

/// Standard input, if it is a listening socket: mod_fcgid starts its processes in this way.
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

/// Two workers may wake for one connection; the later one must not block.
fn make_nonblocking(socket: &OwnedFd) -> io::Result<()> {
    let flags = fcntl_getfl(socket)?;
    Ok(fcntl_setfl(socket, flags | OFlags::NONBLOCK)?)
}
