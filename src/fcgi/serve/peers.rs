//! Distributes connections among workers: each worker has a count and an inbox.
//!
//! All workers wait for the same listening sockets, and the kernel wakes one that is idle. It gives
//! the connection to the first worker that keeps up. One thread handles more requests per second
//! than the web server can send, and finds several at each wake-up, so that a request costs a
//! quarter less than with two threads half asleep (measured). The other workers take connections
//! while the first one waits for a disk or has too much to do.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

/// A worker that has been busy for this long gets no new connections. Sixty requests at once take
/// this long, and so does a short wait for a disk.
const BUSY_MAX: Duration = Duration::from_millis(1);

/// `busy_since` of a worker that is waiting.
const WAITING: u64 = u64::MAX;

/// The part of a worker that other workers see.
#[derive(Debug)]
pub(in crate::fcgi) struct Peer {
    /// Number of its connections, including those in the inbox.
    pub load: AtomicUsize,
    started: Instant,
    /// Microseconds after `started`, or [`WAITING`].
    busy_since: AtomicU64,
    inbox: Mutex<Inbox>,
    wake: OwnedFd,
}

/// A connection on its way to a worker.
#[derive(Debug)]
pub(in crate::fcgi) enum Handover {
    /// A connection that was just accepted.
    New(OwnedFd),
    /// A connection from the previous process.
    Inherited(OwnedFd),
}

#[derive(Debug, Default)]
struct Inbox {
    sockets: Vec<Handover>,
    /// Whether the worker has ended and will not read it again.
    closed: bool,
}

impl Peer {
    pub fn new() -> io::Result<Peer> {
        Ok(Peer {
            load: AtomicUsize::new(0),
            started: Instant::now(),
            busy_since: AtomicU64::new(WAITING),
            inbox: Mutex::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Notes that the worker starts to process events.
    pub fn work(&self, now: Instant) {
        self.busy_since.store(self.micros(now), Relaxed);
    }

    /// Notes that the worker has nothing left to do.
    pub fn wait(&self) {
        self.busy_since.store(WAITING, Relaxed);
    }

    fn keeps_up(&self, now: Instant) -> bool {
        let busy_since = self.busy_since.load(Relaxed);
        let busy = self.micros(now).saturating_sub(busy_since);
        busy < BUSY_MAX.as_micros() as u64
    }

    fn micros(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_micros() as u64
    }

    /// A descriptor that is readable while the inbox may have connections.
    pub fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Gives the worker a connection; returns it if the worker has ended.
    pub fn give(&self, given: Handover) -> Result<(), Handover> {
        let mut inbox = self.inbox();
        if inbox.closed {
            return Err(given);
        }
        inbox.sockets.push(given);
        drop(inbox);
        self.load.fetch_add(1, Relaxed);
        // This fails only if the counter is full, and then the worker is about to read anyway.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        Ok(())
    }

    /// Takes the connections that other workers gave.
    pub fn take(&self) -> Vec<Handover> {
        let mut count = [0; 8];
        // If there is nothing to read, nobody woke the worker, which is no error.
        let _ = rustix::io::read(&self.wake, &mut count);
        std::mem::take(&mut self.inbox().sockets)
    }

    /// Closes the inbox if it is empty; returns whether it is closed now.
    pub fn close_if_empty(&self) -> bool {
        let mut inbox = self.inbox();
        inbox.closed = inbox.sockets.is_empty();
        inbox.closed
    }

    /// No code under this lock can panic; even if it were poisoned, its content would be
    /// consistent.
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first worker that keeps up; if there is none, the one with the fewest connections.
pub(in crate::fcgi) fn next(peers: &[Peer], now: Instant) -> usize {
    let load = |index: &usize| peers[*index].load.load(Relaxed);
    let first = peers.iter().position(|peer| peer.keeps_up(now));
    first.unwrap_or_else(|| (0..peers.len()).min_by_key(load).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_to_the_first_worker_that_keeps_up() {
        let peers = [(); 3].map(|()| Peer::new().expect("eventfd"));
        let begin = Instant::now();
        let later = begin + BUSY_MAX;
        assert_eq!(next(&peers, begin), 0, "all wait");
        peers[0].work(begin);
        assert_eq!(next(&peers, begin), 0, "it has only begun");
        assert_eq!(next(&peers, later), 1);
        peers[1].work(begin);
        peers[2].work(begin);
        for (peer, load) in peers.iter().zip([5, 4, 6]) {
            peer.load.store(load, Relaxed);
        }
        assert_eq!(next(&peers, later), 1, "all are late, it has the fewest");
        peers[2].wait();
        assert_eq!(next(&peers, later), 2);
    }

    #[test]
    fn a_worker_that_ended_gives_connections_back() {
        let peer = Peer::new().expect("eventfd");
        let event = || eventfd(0, EventfdFlags::CLOEXEC).expect("any descriptor will do");
        let socket = || Handover::New(event());
        assert!(peer.give(socket()).is_ok());
        assert!(!peer.close_if_empty(), "something is in the inbox");
        assert_eq!(peer.take().len(), 1);
        assert!(peer.close_if_empty());
        assert!(peer.give(socket()).is_err());
        assert_eq!(peer.load.load(Relaxed), 1, "what came back is not counted");
    }
}
