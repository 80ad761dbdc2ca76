//! How workers share connections: each has a count and an inbox.
//!
//! Every worker waits for the same listening sockets, and the kernel wakes one that is idle. It
//! keeps the connection if no other worker has fewer, else it gives it to the one with the
//! fewest: kept connections stay where they are for hours, so they must be spread when they come.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

/// What other workers see of one.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its connections, with those in the inbox.
    pub load: AtomicUsize,
    inbox: Mutex<Inbox>,
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct Inbox {
    sockets: Vec<OwnedFd>,
    /// The worker has ended and will not look again.
    closed: bool,
}

impl Peer {
    pub fn new() -> io::Result<Peer> {
        Ok(Peer {
            load: AtomicUsize::new(0),
            inbox: Mutex::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Readable while there may be something in the inbox.
    pub fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Gives the worker a connection; it comes back if the worker has ended.
    pub fn give(&self, socket: OwnedFd) -> Result<(), OwnedFd> {
        let mut inbox = self.inbox();
        if inbox.closed {
            return Err(socket);
        }
        inbox.sockets.push(socket);
        drop(inbox);
        self.load.fetch_add(1, Relaxed);
        // Fails only when the counter is full, and then the worker is about to look anyway.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        Ok(())
    }

    /// Takes what others gave.
    pub fn take(&self) -> Vec<OwnedFd> {
        let mut count = [0; 8];
        // Nothing to read means that nobody woke us, which is no error.
        let _ = rustix::io::read(&self.wake, &mut count);
        std::mem::take(&mut self.inbox().sockets)
    }

    /// Closes the inbox unless there is something in it; whether it is closed now.
    pub fn close_if_empty(&self) -> bool {
        let mut inbox = self.inbox();
        inbox.closed = inbox.sockets.is_empty();
        inbox.closed
    }

    /// Nothing under this lock can panic; were it poisoned, its content would still be whole.
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worker with the fewest connections; `own` if none has fewer.
pub(super) fn least_loaded(peers: &[Peer], own: usize) -> usize {
    let load = |index: usize| peers[index].load.load(Relaxed);
    (0..peers.len()).fold(own, |best, index| {
        if load(index) < load(best) {
            index
        } else {
            best
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_to_the_worker_with_the_fewest() {
        let peers = [(); 3].map(|()| Peer::new().expect("eventfd"));
        for (loads, own, expected) in [
            ([0, 0, 0], 1, 1),
            ([1, 1, 0], 1, 2),
            ([5, 6, 5], 1, 0),
            ([5, 5, 5], 2, 2),
            ([9, 0, 1], 0, 1),
        ] {
            for (peer, load) in peers.iter().zip(loads) {
                peer.load.store(load, Relaxed);
            }
            assert_eq!(
                least_loaded(&peers, own),
                expected,
                "{loads:?} seen by {own}"
            );
        }
    }

    #[test]
    fn a_worker_that_ended_gives_connections_back() {
        let peer = Peer::new().expect("eventfd");
        let socket = || eventfd(0, EventfdFlags::CLOEXEC).expect("any descriptor will do");
        assert!(peer.give(socket()).is_ok());
        assert!(!peer.close_if_empty(), "something is in the inbox");
        assert_eq!(peer.take().len(), 1);
        assert!(peer.close_if_empty());
        assert!(peer.give(socket()).is_err());
        assert_eq!(peer.load.load(Relaxed), 1, "what came back is not counted");
    }
}
