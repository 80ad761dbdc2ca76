//! One connection: a socket, its conversation, and what could not be sent yet.
//!
//! The usual request costs one `recv` and one `send`. While an answer is unsent nothing is read:
//! a web server that does not take its answers cannot make us hold more of them. A long answer is
//! made in pieces, one a turn, each when the one before was taken.

use std::cell::OnceCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::guard::Guarded;
use super::origin::Origin;
use super::peers::Given;
use crate::fcgi::wire::protocol::{Conversation, ConversationLimits, ConversationStep};
use crate::fcgi::{Handler, Rest, ServerOptions, Stats};

/// Bytes taken by one read: the largest record, so that a request is one read.
const READ_BYTES: usize = 64 * 1024;

/// Capacity that the answer buffers of a worker keep; larger answers are rare.
const ANSWER_KEPT_BYTES: usize = 128 * 1024;

/// What a connection does at the moment; each has its own time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fcgi) enum Phase {
    /// Between two requests.
    Idle,
    /// A request has begun to come.
    Reading,
    /// An answer waits for the web server to take it.
    Writing,
}

/// What is to be done with a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fcgi) enum ConnectionTurn {
    /// Wait until it is readable.
    Read,
    /// Wait until it is writable.
    Write,
    /// Close it.
    Close,
}

/// A worker's buffers and handler, lent to one connection at a time.
pub(in crate::fcgi) struct WorkerBuffers<'a, H, F> {
    pub handler: Guarded<'a, H, F>,
    pub stats: &'a Stats,
    pub now: Instant,
    input: Box<[u8]>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl<'a, H, F> WorkerBuffers<'a, H, F> {
    pub fn new(handler: Guarded<'a, H, F>, stats: &'a Stats) -> WorkerBuffers<'a, H, F> {
        WorkerBuffers {
            handler,
            stats,
            now: Instant::now(),
            input: vec![0; READ_BYTES].into_boxed_slice(),
            body: Vec::new(),
            answer: Vec::new(),
        }
    }
}

/// An accepted connection.
pub(in crate::fcgi) struct Connection {
    socket: OwnedFd,
    /// The process before has answered over it.
    is_inherited: bool,
    /// Asked for when places are few.
    origin: OnceCell<Origin>,
    conversation: Conversation,
    /// What is to follow of the answer under way.
    rest: Option<Box<dyn Rest>>,
    unsent: Vec<u8>,
    unsent_from: usize,
    /// Read, but not handled before the answer is sent.
    unread: Vec<u8>,
    closing: bool,
    phase: Phase,
    /// When the phase began; while writing, when the last bytes were taken.
    since: Instant,
    /// Requests answered or refused.
    answered: u64,
}

impl Connection {
    pub fn new(given: Given, limits: ConversationLimits, now: Instant) -> Connection {
        let (socket, is_inherited) = match given {
            Given::New(socket) => (socket, false),
            Given::Inherited(socket) => (socket, true),
        };
        Connection {
            socket,
            is_inherited,
            origin: OnceCell::new(),
            conversation: Conversation::new(limits),
            rest: None,
            unsent: Vec::new(),
            unsent_from: 0,
            unread: Vec::new(),
            closing: false,
            phase: Phase::Idle,
            since: now,
            answered: 0,
        }
    }

    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    pub fn origin(&self) -> Origin {
        *self.origin.get_or_init(|| Origin::of(&self.socket))
    }

    /// Whether it has taken a place and not brought its request.
    pub fn is_awaited(&self) -> bool {
        match self.phase {
            Phase::Idle => self.answered == 0 && !self.is_inherited,
            Phase::Reading => true,
            Phase::Writing => false,
        }
    }

    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// How long the present phase has lasted.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Whether closing now leaves a request without an answer.
    pub fn is_owing(&self) -> bool {
        self.conversation.is_owing() || self.phase == Phase::Writing
    }

    /// Whether the present phase has lasted too long.
    pub fn is_late(&self, options: &ServerOptions, now: Instant) -> bool {
        let limit = match self.phase {
            Phase::Idle => options.idle_timeout,
            Phase::Reading => options.read_timeout,
            // A long answer goes as fast as the client takes it, and holds no more than a piece.
            Phase::Writing if self.conversation.is_owing() => options.rest_timeout,
            Phase::Writing => options.write_timeout,
        };
        self.age(now) >= limit
    }

    /// Reads once and handles what came.
    ///
    /// One read is enough: epoll is level-triggered, so what is left, be it bytes or the end of
    /// the stream, is reported again.
    pub fn read<H, F>(&mut self, desk: &mut WorkerBuffers<'_, H, F>) -> ConnectionTurn
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let mut input = std::mem::take(&mut desk.input);
        let turn = match recv(&self.socket, &mut input[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => ConnectionTurn::Close,
            Ok((bytes, _)) => self.handle(&input[..bytes], desk),
            Err(Errno::AGAIN | Errno::INTR) => ConnectionTurn::Read,
            Err(_) => ConnectionTurn::Close,
        };
        desk.input = input;
        turn
    }

    /// Sends on; when all was taken, handles what was read meanwhile.
    pub fn write<H, F>(&mut self, desk: &mut WorkerBuffers<'_, H, F>) -> ConnectionTurn
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let unsent = &self.unsent[self.unsent_from..];
        let sent = match unsent {
            [] => 0,
            unsent => match self.send(unsent) {
                Ok(sent) => sent,
                Err(_) => return ConnectionTurn::Close,
            },
        };
        if sent > 0 {
            self.since = desk.now;
        }
        self.unsent_from += sent;
        if self.unsent_from < self.unsent.len() {
            return ConnectionTurn::Write;
        }
        self.unsent = Vec::new();
        self.unsent_from = 0;
        if self.closing {
            return ConnectionTurn::Close;
        }
        let unread = std::mem::take(&mut self.unread);
        self.handle(&unread, desk)
    }

    /// Lets the conversation take `input` and answers what is complete.
    fn handle<H, F>(
        &mut self,
        mut input: &[u8],
        desk: &mut WorkerBuffers<'_, H, F>,
    ) -> ConnectionTurn
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let mut answer = std::mem::take(&mut desk.answer);
        // What another connection could not send must never reach this one.
        answer.clear();
        let answered = self.answered;
        let turn = loop {
            let go_on = match self.rest.take() {
                Some(rest) => self.pull(rest, &mut answer, desk),
                None => self.step(&mut input, &mut answer, desk),
            };
            let turn = match self.flush(&mut answer) {
                Ok(true) if self.closing => ConnectionTurn::Close,
                // One piece a turn, so that the worker's other connections have theirs.
                Ok(true) if self.rest.is_some() => ConnectionTurn::Write,
                Ok(true) if go_on => continue,
                Ok(true) => ConnectionTurn::Read,
                Ok(false) => ConnectionTurn::Write,
                Err(_) => ConnectionTurn::Close,
            };
            break turn;
        };
        // What could not be sent because the web server hung up is nobody else's answer.
        answer.clear();
        desk.answer = answer;
        if turn == ConnectionTurn::Write {
            self.unread.extend_from_slice(input);
        }
        let phase = match turn {
            ConnectionTurn::Write => Phase::Writing,
            _ if self.conversation.is_idle() => Phase::Idle,
            _ => Phase::Reading,
        };
        if phase != self.phase || answered != self.answered {
            self.phase = phase;
            self.since = desk.now;
        }
        turn
    }

    /// Advances until something is to be sent. Whether there may be more to do with `input`.
    fn step<H, F>(
        &mut self,
        input: &mut &[u8],
        answer: &mut Vec<u8>,
        desk: &mut WorkerBuffers<H, F>,
    ) -> bool
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let stats = desk.stats;
        match self.conversation.advance(input, answer) {
            ConversationStep::Hungry => return false,
            ConversationStep::Ready => {
                let request = self.conversation.request();
                self.rest = desk.handler.respond(&request, &mut desk.body);
                if self.rest.is_some() {
                    self.conversation.answer_part(&desk.body, answer);
                } else {
                    self.conversation.answer(&desk.body, answer);
                    self.answered += 1;
                }
                desk.body.shrink_to(ANSWER_KEPT_BYTES);
            }
            ConversationStep::Refused(refusal) => {
                log::debug!("request refused, reason={refusal:?}");
                stats.refused.fetch_add(1, Relaxed);
                self.answered += 1;
            }
            ConversationStep::Aborted => {
                stats.aborted.fetch_add(1, Relaxed);
                self.answered += 1;
            }
            ConversationStep::Over => self.closing = true,
            ConversationStep::Broken(violation) => {
                log::debug!("connection closed, it broke the protocol, reason={violation:?}");
                stats.protocol_errors.fetch_add(1, Relaxed);
                self.closing = true;
            }
        }
        !self.closing
    }

    /// Appends the next piece of a long answer. Whether there may be more to do.
    fn pull<H, F>(
        &mut self,
        mut rest: Box<dyn Rest>,
        answer: &mut Vec<u8>,
        desk: &mut WorkerBuffers<H, F>,
    ) -> bool
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        match desk.handler.pull(&mut *rest, &mut desk.body) {
            Ok(true) => {
                self.conversation.answer_part(&desk.body, answer);
                self.rest = Some(rest);
                // What was sent so far was taken, so the web server is not late.
                self.since = desk.now;
            }
            Ok(false) => {
                self.conversation.answer_end(answer);
                self.answered += 1;
            }
            Err(error) => {
                log::error!("a long answer is broken off: error=\"{error}\"");
                self.closing = true;
            }
        }
        desk.body.clear();
        desk.body.shrink_to(ANSWER_KEPT_BYTES);
        !self.closing
    }

    /// Sends `answer` and clears it; keeps what was not taken. Whether all was taken.
    fn flush(&mut self, answer: &mut Vec<u8>) -> io::Result<bool> {
        if answer.is_empty() {
            return Ok(true);
        }
        let sent = self.send(answer)?;
        self.unsent.extend_from_slice(&answer[sent..]);
        answer.clear();
        answer.shrink_to(ANSWER_KEPT_BYTES);
        Ok(self.unsent.is_empty())
    }

    /// Sends once; 0 bytes when the socket is full.
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match send(
            &self.socket,
            bytes,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        ) {
            Ok(sent) => Ok(sent),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
