//! Limits and time-outs, each with its reason.

use std::time::Duration;

/// The longest time between two calls of [`Handler::tick`](crate::fcgi::Handler::tick), and how
/// exact the time-outs below are. Four wake-ups a second cost nothing measurable.
pub const TICK: Duration = Duration::from_millis(250);

/// Threads: a redirect takes microseconds and waits for nothing but the disk. The first does all
/// the work as long as it keeps up, the others stand in while it waits; Apache needs the
/// processors far more.
pub const THREADS: usize = 4;

/// Connections at once, over all workers. Apache keeps at most one a worker thread
/// (`MaxRequestWorkers`, 400 by default); systemd gives a service 1,024 descriptors unless
/// told otherwise, and the rest must do for databases and files.
pub const CONNECTIONS_MAX: usize = 960;

/// Bytes of parameters a request. All that Apache lets through by default, 100 header fields
/// of 8,190 bytes (`LimitRequestFields`, `LimitRequestFieldSize`) and the URL in six
/// parameters, is below it, so nothing that Apache would serve fails here.
pub const PARAMS_BYTES_MAX: usize = 1024 * 1024;

/// Parameters a request: Apache's 100 header fields and some 40 of its own, and as much again
/// for `SetEnv`. Beyond it someone makes us work.
pub const PARAMS_MAX: usize = 512;

/// Bytes of body a request. No request that we answer has one; a form sent to us by mistake is
/// read and thrown away, so that the web server can read the answer.
pub const STDIN_BYTES_MAX: u64 = 1024 * 1024;

/// How long a kept connection may be idle. It is longer than the `ttl` that our Apache
/// configuration sets, so that the web server closes first: a connection closed by us just
/// when a request is on its way costs that request.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// From the first byte of a request to its last. The web server has the whole request before
/// it sends it, and is on this machine or next to it.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the web server may leave an answer unread.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the web server may leave a piece of a long answer unread: it reads no faster than its
/// client does, and what Unix sockets hold is half a minute for one at 64 kbit/s.
pub const REST_TIMEOUT: Duration = Duration::from_secs(120);

/// How long requests that have begun may take at shutdown. Shorter than systemd's patience
/// (`TimeoutStopSec`), longer than any request.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// What a [`Server`](crate::fcgi::Server) allows itself and its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Worker threads, at least one: [`THREADS`].
    pub threads: usize,
    /// Connections at once, over all workers: [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// Bytes of parameters a request; more is answered 431: [`PARAMS_BYTES_MAX`].
    pub params_bytes_max: usize,
    /// Parameters a request; more is answered 431: [`PARAMS_MAX`].
    pub params_max: usize,
    /// Bytes of body a request; more is answered 413: [`STDIN_BYTES_MAX`].
    pub stdin_bytes_max: u64,
    /// How long a kept connection may be idle: [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// From the first byte of a request to its last: [`READ_TIMEOUT`].
    pub read_timeout: Duration,
    /// How long an answer may stay unread: [`WRITE_TIMEOUT`].
    pub write_timeout: Duration,
    /// The same for a piece of a long answer: [`REST_TIMEOUT`].
    pub rest_timeout: Duration,
    /// How long running requests may take at shutdown: [`DRAIN_TIMEOUT`].
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            threads: THREADS,
            connections_max: CONNECTIONS_MAX,
            params_bytes_max: PARAMS_BYTES_MAX,
            params_max: PARAMS_MAX,
            stdin_bytes_max: STDIN_BYTES_MAX,
            idle_timeout: IDLE_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            rest_timeout: REST_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }
}

/// How long connections that were kept idle wait for one more request at shutdown, when they
/// cannot be handed over. One in use gets its next request within milliseconds and is then
/// closed right behind the answer, where the web server notices; one that stays silent this
/// long is unlikely to be written to in the moment it is closed.
pub(in crate::fcgi) const DRAIN_GRACE: Duration = Duration::from_millis(250);

/// At the limit of connections, one whose first request is not whole after so long gives way to a
/// new one. A web server sends all of it at once.
pub(in crate::fcgi) const EVICTED_AWAITED_MIN: Duration = Duration::from_millis(500);

/// Connections of one origin that have not brought a whole request may take one part in so many of
/// all: of the web server there are a handful, and who opens more must not take the places of
/// others.
pub(in crate::fcgi) const AWAITED_PART: usize = 2;

/// At the limit of connections, one that has been idle this long gives way to a new one.
pub(in crate::fcgi) const EVICTED_IDLE_MIN: Duration = Duration::from_secs(1);
