//! Keeps connections over a restart: systemd holds them for the next process.
//!
//! A web server that keeps its connections may send a request on one just as we close it.
//! mod_proxy_fcgi answers such a request with 503, because it checks only before writing whether
//! the connection has ended. So at a restart an idle connection is not closed but given to the
//! service manager (`FDSTORE=1`, `FileDescriptorStoreMax=` in the unit), which passes it to the
//! next process among `LISTEN_FDS`. A request that arrives meanwhile waits in the socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::system::{MANAGER_DESCRIPTORS_MAX, has_manager, send_to_manager};

/// The name under which connections are stored.
const NAME: &str = "heliostat-kept";

/// Time within which the service manager must store connections; then we end anyway.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether there is a service manager to which connections can be given.
pub(in crate::fcgi) fn is_possible() -> bool {
    has_manager()
}

/// Stores connections and waits until the manager has them.
///
/// # Errors
/// Returns an error if the manager's socket cannot be written to; then the connections end with the
/// process.
pub(in crate::fcgi) fn store(connections: &[OwnedFd]) -> io::Result<()> {
    let message = format!("FDSTORE=1\nFDNAME={NAME}\n");
    for some in connections.chunks(MANAGER_DESCRIPTORS_MAX) {
        let some: Vec<BorrowedFd<'_>> = some.iter().map(AsFd::as_fd).collect();
        send_to_manager(message.as_bytes(), &some)?;
    }
    wait_until_done()
}

/// Makes the manager drop the connections that it has just passed to us. While it holds them,
/// closing them here does not end them for the web server.
///
/// # Errors
/// Returns an error if the manager's socket cannot be written to.
pub(in crate::fcgi) fn forget() -> io::Result<()> {
    send_to_manager(format!("FDSTOREREMOVE=1\nFDNAME={NAME}\n").as_bytes(), &[])?;
    wait_until_done()
}

/// Waits until the manager has read all messages so far; it closes our pipe then.
fn wait_until_done() -> io::Result<()> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    send_to_manager(b"BARRIER=1", &[theirs.as_fd()])?;
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
