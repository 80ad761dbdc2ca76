//! Counters of the server.

use std::sync::atomic::AtomicU64;

/// Counters since the start; they may be read at any time with `Ordering::Relaxed`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections open now.
    pub connections: AtomicU64,
    /// Requests passed to a handler.
    pub requests: AtomicU64,
    /// Requests refused for their size or form (400, 413, 431), without calling a handler.
    pub refused: AtomicU64,
    /// Connections closed because the input is not FastCGI or breaks its rules.
    pub protocol_errors: AtomicU64,
    /// Requests that the web server aborted: by ABORT_REQUEST, or by closing before the answer.
    pub aborted: AtomicU64,
    /// Connections closed by a time-out while a request was read or an answer written.
    pub timeouts: AtomicU64,
    /// Panics of handlers.
    pub panics: AtomicU64,
    /// Pauses in accepting because the system had no descriptor or memory left.
    pub accept_pauses: AtomicU64,
}
