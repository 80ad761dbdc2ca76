//! A worker thread: waits for its sockets, gives each connection its turn, and applies the
//! time-outs.
//!
//! Readiness is level-triggered on purpose. Edge-triggered loops must read until `EAGAIN` (a short
//! read hides an end of file that came with it) and must never forget to accept (a listener that
//! was not emptied is never reported again). Here, anything left undone is reported again.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::accept::{Acceptor, INBOX, SHUTDOWN, WorkerShared, is_listener};
use super::connection::{Connection, ConnectionTurn, Phase, WorkerBuffers};
use super::guard::HandlerGuard;
use super::options::{AWAITED_PART, DRAIN_GRACE, EVICTED_AWAITED_MIN, EVICTED_IDLE_MIN, TICK};
use super::origin::Origin;
use super::peers::Handover;
use super::slots::{SlotKey, Slots};
use crate::fcgi::wire::protocol::ConversationLimits;
use crate::fcgi::{Handler, ServerOptions};

/// Largest number of events per wait. More would only delay the tick.
const EVENTS_MAX: usize = 128;

/// Time between two checks of a draining worker whether it is done.
const DRAIN_TICK: Duration = Duration::from_millis(10);

/// One worker.
pub(in crate::fcgi) struct ServerWorker<'a, H, F> {
    shared: &'a WorkerShared<'a>,
    index: usize,
    epoll: OwnedFd,
    acceptor: Acceptor<'a>,
    slots: Slots<'a>,
    buffers: WorkerBuffers<'a, H, F>,
    next_tick: Instant,
    draining: Option<Drain>,
    kept: Vec<OwnedFd>,
}

/// The result of a worker.
#[derive(Debug, Default)]
pub(in crate::fcgi) struct WorkerEnd {
    /// Number of requests without an answer.
    pub unanswered: u64,
    /// Idle connections for the next process.
    pub kept: Vec<OwnedFd>,
}

/// A shutdown in progress.
#[derive(Debug, Clone, Copy)]
struct Drain {
    since: Instant,
}

impl<'a, H: Handler, F: Fn(usize) -> H> ServerWorker<'a, H, F> {
    /// Makes a worker that waits with `epoll`, which watches nothing yet.
    pub fn new(
        shared: &'a WorkerShared<'a>,
        make: &'a F,
        index: usize,
        epoll: OwnedFd,
    ) -> io::Result<Self> {
        let peer = &shared.peers[index];
        watch(&epoll, shared.shutdown, SHUTDOWN)?;
        watch(&epoll, peer.wake(), INBOX)?;
        let mut acceptor = Acceptor::new(shared, index);
        acceptor.arm(&epoll, Instant::now());
        let guarded = HandlerGuard::new(make, index, shared.stats);
        Ok(ServerWorker {
            shared,
            index,
            acceptor,
            epoll,
            slots: Slots::new(&peer.load, shared.stats),
            buffers: WorkerBuffers::new(guarded, shared.stats),
            next_tick: Instant::now(),
            draining: None,
            kept: Vec::new(),
        })
    }

    /// Works until shutdown.
    pub fn run(mut self) -> io::Result<WorkerEnd> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS_MAX);
        while !self.is_done() {
            let timeout = self.timeout();
            events.clear();
            self.shared.peers[self.index].wait();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.buffers.now = Instant::now();
            self.shared.peers[self.index].work(self.buffers.now);
            // New connections first: another worker may take them while this one answers.
            for event in events.iter().filter(|event| is_listener(event)) {
                self.accept((event.data.u64() >> 32) as usize);
            }
            for event in events.iter().filter(|event| !is_listener(event)) {
                self.dispatch(event)?;
            }
            if self.draining.is_none() {
                self.acceptor.resume(&self.epoll, self.buffers.now);
            }
            if self.buffers.now >= self.next_tick {
                self.tick();
            }
        }
        let unanswered = self.slots.iter().filter(|(_, c)| c.is_owing()).count() as u64;
        Ok(WorkerEnd {
            unanswered,
            kept: self.kept,
        })
    }

    fn dispatch(&mut self, event: &epoll::Event) -> io::Result<()> {
        match event.data.u64() {
            SHUTDOWN => self.start_draining()?,
            INBOX => {
                for given in self.shared.peers[self.index].take() {
                    self.adopt(given);
                }
            }
            key => self.turn(SlotKey(key)),
        }
        Ok(())
    }

    /// Gives a connection its turn.
    fn turn(&mut self, key: SlotKey) {
        let Some(connection) = self.slots.get_mut(key) else {
            return;
        };
        let writing = connection.phase() == Phase::Writing;
        let answered = connection.answered();
        let draining = self.draining.is_some();
        let turn = match writing {
            true => connection.write(&mut self.buffers),
            false => connection.read(&mut self.buffers),
        };
        match turn {
            ConnectionTurn::Read if draining && connection.phase() == Phase::Idle => {
                let answered = writing || connection.answered() > answered;
                if writing {
                    self.rewatch(key, epoll::EventFlags::IN);
                }
                self.drain_idle(key, answered);
            }
            ConnectionTurn::Read if !writing => {}
            ConnectionTurn::Write if writing => {}
            ConnectionTurn::Read => self.rewatch(key, epoll::EventFlags::IN),
            ConnectionTurn::Write => self.rewatch(key, epoll::EventFlags::OUT),
            ConnectionTurn::Close => self.close(key),
        }
    }

    fn rewatch(&mut self, key: SlotKey, interest: epoll::EventFlags) {
        let Some(connection) = self.slots.get_mut(key) else {
            return;
        };
        let data = epoll::EventData::new_u64(key.0);
        if let Err(error) = epoll::modify(&self.epoll, connection.socket(), data, interest) {
            log::error!("cannot wait for a connection, it is closed: {error}");
            self.close(key);
        }
    }

    /// Removes a connection. Its socket may also be open elsewhere (it was inherited, or will be),
    /// so that closing it would not remove it from epoll.
    fn remove(&mut self, key: SlotKey) -> Option<Connection> {
        let connection = self.slots.remove(key)?;
        unwatch(&self.epoll, connection.socket());
        Some(connection)
    }

    fn close(&mut self, key: SlotKey) {
        if self.remove(key).is_some_and(|c| c.is_owing()) {
            self.shared.stats.aborted.fetch_add(1, Relaxed);
        }
    }

    fn accept(&mut self, listener: usize) {
        if self.shared.is_full() && !self.close_longest_awaited() {
            self.close_longest_idle();
        }
        if let Some(given) = self
            .acceptor
            .accept(&self.epoll, listener, self.buffers.now)
        {
            self.adopt(given);
        }
    }

    /// Adds a connection that is counted already.
    fn adopt(&mut self, given: Handover) {
        let limits = ConversationLimits::from(self.shared.options);
        let connection = Connection::new(given, limits, self.buffers.now);
        let key = self.slots.insert(connection);
        let Some(connection) = self.slots.get_mut(key) else {
            return;
        };
        if let Err(error) = watch(&self.epoll, connection.socket(), key.0) {
            log::error!("cannot wait for a new connection, it is closed: {error}");
            self.close(key);
        } else if self.draining.is_some() {
            self.drain_idle(key, false);
        } else if self.shared.is_crowded() {
            self.keep_share(key);
        }
    }

    /// Number of connections without a complete request that one origin may have here: its share,
    /// divided among all workers.
    fn awaited_max(&self) -> usize {
        let options = self.shared.options;
        (options.connections_max / AWAITED_PART / options.threads.max(1)).max(1)
    }

    /// Closes the connection that has gone longest without a request, of the origin of the new one,
    /// if that origin exceeds its share. So one origin never takes all places. A web server's
    /// request is read long before its connection is the oldest.
    fn keep_share(&mut self, new: SlotKey) {
        let Some(origin) = self.slots.get_mut(new).map(|new| new.origin()) else {
            return;
        };
        let now = self.buffers.now;
        let is_other =
            |key: SlotKey, c: &Connection| key != new && c.is_awaited() && c.origin() == origin;
        let awaited = self.slots.iter().filter(|(key, c)| is_other(*key, c));
        let awaited: Vec<_> = awaited.map(|(key, c)| (c.age(now), key)).collect();
        let oldest = awaited.iter().max_by_key(|(age, _)| *age);
        if let Some((_, key)) = oldest.filter(|_| awaited.len() >= self.awaited_max()) {
            self.close_awaited(*key, origin);
        }
    }

    /// Closes a connection that has not brought its request, unless the request has just arrived.
    fn close_awaited(&mut self, key: SlotKey, origin: Origin) {
        match self.slots.get_mut(key).map(|connection| connection.phase()) {
            Some(Phase::Idle) => self.close_idle(key),
            _ => {
                self.remove(key);
            }
        }
        self.shared.crowded(origin, self.buffers.now);
    }

    /// Makes room for one connection: of the origin with most connections that have not brought
    /// their request, it closes the oldest, unless that has only just begun. Returns whether there
    /// was one.
    fn close_longest_awaited(&mut self) -> bool {
        let now = self.buffers.now;
        let is_late = |c: &Connection| c.is_awaited() && c.age(now) >= EVICTED_AWAITED_MIN;
        let late = self.slots.iter().filter(|(_, c)| is_late(c));
        let late: Vec<_> = late.map(|(key, c)| (c.age(now), key, c.origin())).collect();
        let mut by_origin: HashMap<Origin, usize> = HashMap::new();
        for (_, _, origin) in &late {
            *by_origin.entry(*origin).or_default() += 1;
        }
        let most = by_origin.into_iter().max_by_key(|(_, count)| *count);
        let Some((origin, _)) = most else {
            return false;
        };
        let of_origin = late.iter().filter(|(_, _, other)| *other == origin);
        let Some((_, key, _)) = of_origin.max_by_key(|(age, ..)| *age) else {
            return false;
        };
        self.close_awaited(*key, origin);
        true
    }

    /// Makes room for one connection, if one has been idle for a while.
    fn close_longest_idle(&mut self) {
        let idle = self.slots.iter().filter(|(_, c)| c.phase() == Phase::Idle);
        let longest = idle.max_by_key(|(_, connection)| connection.age(self.buffers.now));
        let is_spent =
            |connection: &Connection| connection.age(self.buffers.now) >= EVICTED_IDLE_MIN;
        let key = longest
            .filter(|(_, connection)| is_spent(connection))
            .map(|(key, _)| key);
        if let Some(key) = key {
            self.close_idle(key);
        }
    }

    /// Closes an idle connection, unless a request has just arrived. Nothing happens between that
    /// check and the close, so that a request is as unlikely as possible to be lost.
    fn close_idle(&mut self, key: SlotKey) {
        let Some(connection) = self.slots.get_mut(key) else {
            return;
        };
        let answered = connection.answered();
        unwatch(&self.epoll, connection.socket());
        let interest = match connection.read(&mut self.buffers) {
            ConnectionTurn::Read if connection.phase() != Phase::Idle => epoll::EventFlags::IN,
            ConnectionTurn::Read if connection.answered() > answered => epoll::EventFlags::IN,
            ConnectionTurn::Write => epoll::EventFlags::OUT,
            ConnectionTurn::Read | ConnectionTurn::Close => {
                drop(self.slots.remove(key));
                return;
            }
        };
        let data = epoll::EventData::new_u64(key.0);
        if let Err(error) = epoll::add(&self.epoll, connection.socket(), data, interest) {
            log::error!("cannot wait for a connection, it is closed: {error}");
            self.close(key);
        }
    }

    /// Regular work: the handler's tick, time-outs, a paused listener.
    fn tick(&mut self) {
        let now = self.buffers.now;
        self.next_tick = now
            + if self.draining.is_some() {
                DRAIN_TICK
            } else {
                TICK
            };
        self.buffers.handler.tick();
        let options: &ServerOptions = self.shared.options;
        // The listener may have woken a worker that has no connection to close.
        let is_full = self.shared.is_full();
        let gives_way = |c: &Connection| c.is_awaited() && c.age(now) >= EVICTED_AWAITED_MIN;
        let late = |(key, connection): (SlotKey, &Connection)| {
            let is_late = connection.is_late(options, now) || is_full && gives_way(connection);
            is_late.then_some((key, connection.phase()))
        };
        let late: Vec<_> = self.slots.iter().filter_map(late).collect();
        for (key, phase) in late {
            if phase == Phase::Idle {
                self.close_idle(key);
            } else {
                self.shared.stats.timeouts.fetch_add(1, Relaxed);
                self.remove(key);
            }
        }
        self.drain_late();
    }

    fn timeout(&self) -> Timespec {
        let due = self
            .acceptor
            .paused_until()
            .map_or(self.next_tick, |due| due.min(self.next_tick));
        let until = due.saturating_duration_since(Instant::now());
        // Whole milliseconds, rounded up, so that plain epoll_wait suffices on any kernel.
        let millis = until.as_micros().div_ceil(1000) as i64;
        Timespec {
            tv_sec: millis / 1000,
            tv_nsec: millis % 1000 * 1_000_000,
        }
    }

    /// Stops accepting; idle connections are handed over or get a last chance.
    fn start_draining(&mut self) -> io::Result<()> {
        self.draining = Some(Drain {
            since: self.buffers.now,
        });
        epoll::delete(&self.epoll, self.shared.shutdown)?;
        self.acceptor.disarm(&self.epoll);
        self.next_tick = self.buffers.now;
        if self.shared.hand_over {
            let idle = self.slots.iter().filter(|(_, c)| c.phase() == Phase::Idle);
            for key in idle.map(|(key, _)| key).collect::<Vec<_>>() {
                self.drain_idle(key, false);
            }
        }
        Ok(())
    }

    /// Handles an idle connection while draining. If it is handed over, no request is lost.
    /// Otherwise it is closed right after an answer: the web server notices the end before it sends
    /// again.
    fn drain_idle(&mut self, key: SlotKey, answered: bool) {
        if self.shared.hand_over {
            let socket = self.remove(key).map(Connection::into_socket);
            self.kept.extend(socket);
        } else if answered {
            self.close_idle(key);
        }
    }

    /// Closes connections that stayed idle for the whole grace period.
    fn drain_late(&mut self) {
        let Some(drain) = self.draining else {
            return;
        };
        let age = self.buffers.now.saturating_duration_since(drain.since);
        let spent = |c: &Connection| c.phase() == Phase::Idle && c.answered() > 0;
        if age >= DRAIN_GRACE {
            let spent = self.slots.iter().filter(|(_, c)| spent(c));
            for key in spent.map(|(key, _)| key).collect::<Vec<_>>() {
                self.close_idle(key);
            }
        }
    }

    /// Whether the shutdown has progressed so far that the worker can end.
    fn is_done(&self) -> bool {
        let Some(drain) = self.draining else {
            return false;
        };
        let late = self.buffers.now.saturating_duration_since(drain.since);
        let done = self.slots.is_empty() || late >= self.shared.options.drain_timeout;
        done && self.shared.peers[self.index].close_if_empty()
    }
}

/// Watches a source until it is readable.
fn watch(epoll: &OwnedFd, source: impl AsFd, data: u64) -> io::Result<()> {
    let data = epoll::EventData::new_u64(data);
    Ok(epoll::add(epoll, source, data, epoll::EventFlags::IN)?)
}

/// Stops watching a source.
fn unwatch(epoll: &OwnedFd, source: impl AsFd) {
    if let Err(error) = epoll::delete(epoll, source) {
        log::debug!("a socket was not waited for: {error}");
    }
}
