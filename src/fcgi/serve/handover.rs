//! Kept connections over a restart: systemd holds them for the next process.
//!
//! A web server that keeps its connections may send a request on one just as we close it, and
//! mod_proxy_fcgi answers such a request 503: it looks whether the connection has ended only
//! before it writes. So an idle connection is not closed at a restart but given to the service
//! manager (`FDSTORE=1`, `FileDescriptorStoreMax=` in the unit), which passes it to the next
//! process among `LISTEN_FDS`. A request that comes meanwhile waits in the socket.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};
use rustix::pipe::{PipeFlags, pipe_with};

/// The name under which connections are stored.
const NAME: &str = "heliostat-kept";

/// Descriptors a message; the kernel takes 253 at most.
const DESCRIPTORS_MAX: usize = 128;

/// How long the service manager may take to store connections before we end anyway.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether there is a service manager to give connections to.
pub(in crate::fcgi) fn is_possible() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// Stores connections and waits until the manager has them.
///
/// # Errors
/// When the manager's socket cannot be written to; the connections end with the process then.
pub(in crate::fcgi) fn store(connections: &[OwnedFd]) -> io::Result<()> {
    let message = format!("FDSTORE=1\nFDNAME={NAME}\n");
    for some in connections.chunks(DESCRIPTORS_MAX) {
        let some: Vec<BorrowedFd<'_>> = some.iter().map(AsFd::as_fd).collect();
        notify(message.as_bytes(), &some)?;
    }
    wait_until_done()
}

/// Lets the manager forget the connections that it has just passed to us: while it holds them,
/// closing them here does not end them for the web server.
///
/// # Errors
/// When the manager's socket cannot be written to.
pub(in crate::fcgi) fn forget() -> io::Result<()> {
    notify(format!("FDSTOREREMOVE=1\nFDNAME={NAME}\n").as_bytes(), &[])?;
    wait_until_done()
}

/// Waits until the manager has read all messages so far: it closes our pipe then.
fn wait_until_done() -> io::Result<()> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    notify(b"BARRIER=1", &[theirs.as_fd()])?;
    drop(theirs);
    let timeout = Timespec {
        tv_sec: BARRIER_TIMEOUT.as_secs() as i64,
        tv_nsec: 0,
    };
    match poll(&mut [PollFd::new(&ours, PollFlags::IN)], Some(&timeout))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// Sends the manager one message (sd_notify(3)); nothing if there is none.
fn notify(message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let Some(manager) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        let pushed = ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        debug_assert!(pushed, "callers pass at most DESCRIPTORS_MAX");
    }
    let address = address(&manager)?;
    let message = [IoSlice::new(message)];
    let flags = SendFlags::NOSIGNAL;
    rustix::net::sendmsg_addr(&socket, &address, &message, &mut ancillary, flags)?;
    Ok(())
}

/// A path, or an abstract name behind `@`.
fn address(manager: &OsStr) -> io::Result<SocketAddrUnix> {
    Ok(match manager.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(manager)?,
    })
}
