//! Accepts connections, distributes them among workers, and pauses if there is no room.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::origin::Origin;
use super::peers;
use super::peers::{Handover, Peer};
use crate::fcgi::{ServerOptions, Shutdown, Stats};

/// The low half of epoll's data for everything but a connection: no slot has this number.
const NO_SLOT: u64 = u32::MAX as u64;
/// The high half tells the other sources apart.
pub(super) const SHUTDOWN: u64 = 0xffff_ffff << 32 | NO_SLOT;
pub(super) const INBOX: u64 = 0xffff_fffe << 32 | NO_SLOT;

/// epoll's data for a listening socket.
fn listener_data(number: usize) -> u64 {
    (number as u64) << 32 | NO_SLOT
}

/// Whether an event comes from a listening socket.
pub(super) fn is_listener(event: &epoll::Event) -> bool {
    let data = event.data.u64();
    data & NO_SLOT == NO_SLOT && data < INBOX
}

/// Pause after the system had no descriptor left, or while the limit of connections is reached.
/// Being level-triggered, the listener would wake the worker in a loop meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// Time between two log lines about the same continuing failure.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The state that all workers share.
pub(in crate::fcgi) struct WorkerShared<'a> {
    pub options: &'a ServerOptions,
    pub stats: &'a Stats,
    pub listeners: &'a [OwnedFd],
    pub shutdown: &'a Shutdown,
    pub peers: Vec<Peer>,
    /// Whether idle connections are passed to the next process at shutdown.
    pub hand_over: bool,
    /// Time of the last log line about a failure to accept.
    pub exhausted_logged: Mutex<Option<Instant>>,
    /// Time of the last log line about incomplete requests that were dropped.
    pub crowded_logged: Mutex<Option<Instant>>,
}

/// Whether to log now: the first time, and again after [`LOG_EVERY`].
fn is_to_be_logged(last: &Mutex<Option<Instant>>, now: Instant) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = last.is_none_or(|then| now.saturating_duration_since(then) >= LOG_EVERY);
    if is_due {
        *last = Some(now);
    }
    is_due
}

impl WorkerShared<'_> {
    /// Counts an incomplete request from that origin that was dropped to make room.
    pub fn crowded(&self, origin: Origin, now: Instant) {
        self.stats.timeouts.fetch_add(1, Relaxed);
        if is_to_be_logged(&self.crowded_logged, now) {
            log::warn!(
                "incomplete requests use up the connections, the oldest ones are closed; \
                 find out who sends them: connections_max={} {origin}",
                self.options.connections_max
            );
        }
    }

    /// Whether three quarters of the connections are in use; before that, slow requests do no harm.
    pub fn is_crowded(&self) -> bool {
        self.stats.connections.load(Relaxed) * 4 >= self.options.connections_max as u64 * 3
    }

    /// Whether the limit of connections is reached.
    pub fn is_full(&self) -> bool {
        self.stats.connections.load(Relaxed) >= self.options.connections_max as u64
    }
}

/// A worker's view of the listening sockets.
pub(in crate::fcgi) struct Acceptor<'a> {
    shared: &'a WorkerShared<'a>,
    own: usize,
    /// Time when to listen again; `None` while the listeners are armed.
    paused_until: Option<Instant>,
    armed: bool,
}

impl<'a> Acceptor<'a> {
    pub fn new(shared: &'a WorkerShared<'a>, own: usize) -> Acceptor<'a> {
        Acceptor {
            shared,
            own,
            paused_until: None,
            armed: false,
        }
    }

    /// Waits for connections. Each one wakes a single worker (EPOLLEXCLUSIVE).
    pub fn arm(&mut self, epoll: &OwnedFd, now: Instant) {
        self.paused_until = None;
        self.armed = true;
        for (number, listener) in self.shared.listeners.iter().enumerate() {
            let data = epoll::EventData::new_u64(listener_data(number));
            let flags = epoll::EventFlags::IN | epoll::EventFlags::EXCLUSIVE;
            if let Err(error) = epoll::add(epoll, listener, data, flags) {
                self.exhausted(error, now);
                self.pause(epoll, now);
                return;
            }
        }
    }

    /// Stops waiting for connections; new ones stay in the backlog.
    pub fn disarm(&mut self, epoll: &OwnedFd) {
        self.paused_until = None;
        if std::mem::take(&mut self.armed) {
            for listener in self.shared.listeners {
                // This fails only for a listener that could not be added.
                let _ = epoll::delete(epoll, listener);
            }
        }
    }

    /// Waits for connections again after a pause.
    pub fn resume(&mut self, epoll: &OwnedFd, now: Instant) {
        if self.paused_until.is_some_and(|until| now >= until) {
            self.arm(epoll, now);
        }
    }

    /// The time when `resume` is due.
    pub fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Accepts one connection; returns it if this worker is to keep it.
    ///
    /// One connection per call: the level-triggered listener is reported again while more are
    /// waiting, and a burst does not delay open connections.
    pub fn accept(&mut self, epoll: &OwnedFd, listener: usize, now: Instant) -> Option<Handover> {
        let listener = self.shared.listeners.get(listener).filter(|_| self.armed)?;
        if self.shared.is_full() {
            self.pause(epoll, now);
            return None;
        }
        match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok(socket) => return self.place(socket, now),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
            Err(error) => {
                self.exhausted(error, now);
                self.pause(epoll, now);
            }
        }
        None
    }

    /// Counts a connection and gives it to the worker that is next.
    fn place(&self, socket: OwnedFd, now: Instant) -> Option<Handover> {
        let WorkerShared { stats, peers, .. } = self.shared;
        stats.accepted.fetch_add(1, Relaxed);
        stats.connections.fetch_add(1, Relaxed);
        let next = peers::next(peers, now);
        let given = Handover::New(socket);
        let kept = match next == self.own {
            true => given,
            false => peers[next].give(given).err()?,
        };
        peers[self.own].load.fetch_add(1, Relaxed);
        Some(kept)
    }

    fn pause(&mut self, epoll: &OwnedFd, now: Instant) {
        self.disarm(epoll);
        self.paused_until = Some(now + PAUSE);
    }

    /// Logs EMFILE, ENFILE, ENOMEM or any other error of `accept`.
    fn exhausted(&self, error: Errno, now: Instant) {
        self.shared.stats.accept_pauses.fetch_add(1, Relaxed);
        if is_to_be_logged(&self.shared.exhausted_logged, now) {
            log::error!("cannot accept connections, trying again until it works: {error}");
        }
    }
}
