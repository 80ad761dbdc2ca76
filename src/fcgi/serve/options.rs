//! Limits and time-outs of the server, each with its reason.

use std::time::Duration;

/// Longest time between two calls of [`Handler::tick`](crate::fcgi::Handler::tick), and the
/// precision of the time-outs below. Four wake-ups per second have no measurable cost.
pub const TICK: Duration = Duration::from_millis(250);

/// Number of threads. A redirect takes microseconds and waits only for the disk. The first thread
/// does all the work as long as it keeps up, and the others take over while it waits; Apache needs
/// the processors far more.
pub const THREADS: usize = 4;

/// Largest number of connections over all workers. Apache keeps at most one per worker thread
/// (`MaxRequestWorkers`, 400 by default). systemd gives a service 1,024 descriptors by default, of
/// which the rest must suffice for databases and files.
pub const CONNECTIONS_MAX: usize = 960;

/// Largest length of a request's parameters in bytes. Everything that Apache accepts by default,
/// 100 header fields of 8,190 bytes (`LimitRequestFields`, `LimitRequestFieldSize`) and the URL in
/// six parameters, is below it, so every request that Apache would serve passes.
pub const PARAMS_BYTES_MAX: usize = 1024 * 1024;

/// Largest number of parameters per request: Apache's 100 header fields, some 40 of its own, and as
/// many again for `SetEnv`. A request with more is an attack.
pub const PARAMS_MAX: usize = 512;

/// Largest length of a request's body in bytes. No request that we answer has a body; a form that
/// is sent to us by mistake is read and discarded, so that the web server can read the answer.
pub const STDIN_BYTES_MAX: u64 = 1024 * 1024;

/// Time for which a kept connection may be idle. It is longer than the `ttl` in our Apache
/// configuration, so that the web server closes first: closing a connection while a request is on
/// its way costs that request.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest time from the first byte of a request to its last. The web server has the whole request
/// before it sends it, and is on this machine or near it.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for which the web server may leave an answer unread.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for which the web server may leave a piece of a long answer unread. It reads no
/// faster than its client, and a full Unix socket lasts half a minute for a client with 64 kbit/s.
pub const REST_TIMEOUT: Duration = Duration::from_secs(120);

/// Time for requests that have begun to end at shutdown: shorter than systemd's limit
/// (`TimeoutStopSec`), longer than any request.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits and time-outs of a [`Server`](crate::fcgi::Server).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Number of worker threads, at least one: [`THREADS`].
    pub threads: usize,
    /// Largest number of connections over all workers: [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// Largest length of a request's parameters in bytes; a longer request is answered 431:
    /// [`PARAMS_BYTES_MAX`].
    pub params_bytes_max: usize,
    /// Largest number of parameters per request; a request with more is answered 431:
    /// [`PARAMS_MAX`].
    pub params_max: usize,
    /// Largest length of a request's body in bytes; a longer one is answered 413:
    /// [`STDIN_BYTES_MAX`].
    pub stdin_bytes_max: u64,
    /// Time for which a kept connection may be idle: [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// Longest time from the first byte of a request to its last: [`READ_TIMEOUT`].
    pub read_timeout: Duration,
    /// Longest time for which an answer may stay unread: [`WRITE_TIMEOUT`].
    pub write_timeout: Duration,
    /// Longest time for which a piece of a long answer may stay unread: [`REST_TIMEOUT`].
    pub rest_timeout: Duration,
    /// Time for running requests to end at shutdown: [`DRAIN_TIMEOUT`].
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

/// Time for which idle connections wait for one more request at shutdown if they cannot be handed
/// over. A connection in use gets its next request within milliseconds and is closed right after
/// the answer, where the web server notices; one that stays silent this long is unlikely to be
/// written to at the moment when it is closed.
pub(in crate::fcgi) const DRAIN_GRACE: Duration = Duration::from_millis(250);

/// Time after which, at the limit of connections, a connection without a complete first request is
/// closed for a new one. A web server sends the whole request at once.
pub(in crate::fcgi) const EVICTED_AWAITED_MIN: Duration = Duration::from_millis(500);

/// Divisor of the limit of connections: the largest share that one origin's connections without a
/// complete request may have. A web server has a handful of them, and an origin with more must not
/// take the places of others.
pub(in crate::fcgi) const AWAITED_PART: usize = 2;

/// Time after which, at the limit of connections, an idle connection is closed for a new one.
pub(in crate::fcgi) const EVICTED_IDLE_MIN: Duration = Duration::from_secs(1);
