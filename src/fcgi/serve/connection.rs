//! One connection: its socket, its conversation, and the bytes that are not sent yet.
//!
//! The usual request costs one `recv` and one `send`. While an answer is not completely sent,
//! nothing is read, so that a web server that does not take its answers cannot make us hold more of
//! them. A long answer is produced in pieces: one per turn, each after the previous one was taken.

use std::cell::OnceCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::guard::HandlerGuard;
use super::origin::Origin;
use super::peers::Handover;
use crate::fcgi::wire::protocol::{Conversation, ConversationLimits, ConversationStep};
use crate::fcgi::{Handler, Rest, ServerOptions, Stats};

/// Number of bytes per read: the largest record, so that a request takes one read.
const READ_BYTES: usize = 64 * 1024;

/// Capacity in bytes that a worker's answer buffers keep; larger answers are rare.
const ANSWER_KEPT_BYTES: usize = 128 * 1024;

/// The present activity of a connection; each has its own time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fcgi) enum Phase {
    /// Between two requests.
    Idle,
    /// A request has begun to arrive.
    Reading,
    /// An answer waits until the web server takes it.
    Writing,
}

/// The next action for a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fcgi) enum ConnectionTurn {
    /// Wait until it is readable.
    Read,
    /// Wait until it is writable.
    Write,
    /// Close it.
    Close,
}

/// A worker's buffers and handler, which one connection at a time uses.
pub(in crate::fcgi) struct WorkerBuffers<'a, H, F> {
    pub handler: HandlerGuard<'a, H, F>,
    pub stats: &'a Stats,
    pub now: Instant,
    input: Box<[u8]>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl<'a, H, F> WorkerBuffers<'a, H, F> {
    pub fn new(handler: HandlerGuard<'a, H, F>, stats: &'a Stats) -> WorkerBuffers<'a, H, F> {
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
    /// Whether a previous process has answered requests on it.
    is_inherited: bool,
    /// Determined only when connections are few.
    origin: OnceCell<Origin>,
    conversation: Conversation,
    /// The rest of the answer that is being sent.
    rest: Option<Box<dyn Rest>>,
    unsent: Vec<u8>,
    unsent_from: usize,
    /// Bytes that were read and must wait until the answer is sent.
    unread: Vec<u8>,
    closing: bool,
    phase: Phase,
    /// Start of the phase; while writing, the time when the last bytes were taken.
    since: Instant,
    /// Number of requests that were answered or refused.
    answered: u64,
}

impl Connection {
    pub fn new(given: Handover, limits: ConversationLimits, now: Instant) -> Connection {
        let (socket, is_inherited) = match given {
            Handover::New(socket) => (socket, false),
            Handover::Inherited(socket) => (socket, true),
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

    /// Whether the connection occupies a place without having brought its request.
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

    /// Duration of the present phase.
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

    /// Whether the present phase exceeds its time-out.
    pub fn is_late(&self, options: &ServerOptions, now: Instant) -> bool {
        let limit = match self.phase {
            Phase::Idle => options.idle_timeout,
            Phase::Reading => options.read_timeout,
            // A long answer is sent as fast as the client takes it, and only one piece is held.
            Phase::Writing if self.conversation.is_owing() => options.rest_timeout,
            Phase::Writing => options.write_timeout,
        };
        self.age(now) >= limit
    }

    /// Reads once and processes the bytes.
    ///
    /// One read is enough: epoll is level-triggered, so remaining bytes, or the end of the stream,
    /// are reported again.
    pub fn read<H, F>(&mut self, buffers: &mut WorkerBuffers<'_, H, F>) -> ConnectionTurn
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let mut input = std::mem::take(&mut buffers.input);
        let turn = match recv(&self.socket, &mut input[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => ConnectionTurn::Close,
            Ok((bytes, _)) => self.handle(&input[..bytes], buffers),
            Err(Errno::AGAIN | Errno::INTR) => ConnectionTurn::Read,
            Err(_) => ConnectionTurn::Close,
        };
        buffers.input = input;
        turn
    }

    /// Continues to send; once all bytes are taken, processes the bytes that were read before.
    pub fn write<H, F>(&mut self, buffers: &mut WorkerBuffers<'_, H, F>) -> ConnectionTurn
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
            self.since = buffers.now;
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
        self.handle(&unread, buffers)
    }

    /// Passes `input` to the conversation and answers complete requests.
    fn handle<H, F>(
        &mut self,
        mut input: &[u8],
        buffers: &mut WorkerBuffers<'_, H, F>,
    ) -> ConnectionTurn
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let mut answer = std::mem::take(&mut buffers.answer);
        // Bytes that another connection could not send must never reach this one.
        answer.clear();
        let answered = self.answered;
        let turn = loop {
            let go_on = match self.rest.take() {
                Some(rest) => self.pull(rest, &mut answer, buffers),
                None => self.step(&mut input, &mut answer, buffers),
            };
            let turn = match self.flush(&mut answer) {
                Ok(true) if self.closing => ConnectionTurn::Close,
                // One piece per turn, so that the worker's other connections get their turns.
                Ok(true) if self.rest.is_some() => ConnectionTurn::Write,
                Ok(true) if go_on => continue,
                Ok(true) => ConnectionTurn::Read,
                Ok(false) => ConnectionTurn::Write,
                Err(_) => ConnectionTurn::Close,
            };
            break turn;
        };
        // If the web server hung up, the unsent bytes must not reach another connection.
        answer.clear();
        buffers.answer = answer;
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
            self.since = buffers.now;
        }
        turn
    }

    /// Advances until there are bytes to send; returns whether `input` may need more work.
    fn step<H, F>(
        &mut self,
        input: &mut &[u8],
        answer: &mut Vec<u8>,
        buffers: &mut WorkerBuffers<H, F>,
    ) -> bool
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        let stats = buffers.stats;
        match self.conversation.advance(input, answer) {
            ConversationStep::Hungry => return false,
            ConversationStep::Ready => {
                let request = self.conversation.request();
                self.rest = buffers.handler.respond(&request, &mut buffers.body);
                if self.rest.is_some() {
                    self.conversation.answer_part(&buffers.body, answer);
                } else {
                    self.conversation.answer(&buffers.body, answer);
                    self.answered += 1;
                }
                buffers.body.shrink_to(ANSWER_KEPT_BYTES);
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

    /// Appends the next piece of a long answer; returns whether there may be more to do.
    fn pull<H, F>(
        &mut self,
        mut rest: Box<dyn Rest>,
        answer: &mut Vec<u8>,
        buffers: &mut WorkerBuffers<H, F>,
    ) -> bool
    where
        H: Handler,
        F: Fn(usize) -> H,
    {
        match buffers.handler.pull(&mut *rest, &mut buffers.body) {
            Ok(true) => {
                self.conversation.answer_part(&buffers.body, answer);
                self.rest = Some(rest);
                // All earlier bytes were taken, so the web server is not late.
                self.since = buffers.now;
            }
            Ok(false) => {
                self.conversation.answer_end(answer);
                self.answered += 1;
            }
            Err(error) => {
                log::error!("a long answer was cut off: error=\"{error}\"");
                self.closing = true;
            }
        }
        buffers.body.clear();
        buffers.body.shrink_to(ANSWER_KEPT_BYTES);
        !self.closing
    }

    /// Sends `answer` and clears it, but keeps the bytes that were not taken; returns whether all
    /// were taken.
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

    /// Sends once; returns 0 if the socket is full.
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
