//! What the server counts.

use std::sync::atomic::AtomicU64;

/// Counters since the start; read them at any time with `Ordering::Relaxed`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections open now.
    pub connections: AtomicU64,
    /// Requests given to a handler.
    pub requests: AtomicU64,
    /// Requests refused for their size or form (400, 413, 431) before any handler saw them.
    pub refused: AtomicU64,
    /// Connections closed because what came is not FastCGI or breaks its rules.
    pub protocol_errors: AtomicU64,
    /// Requests that the web server gave up: ABORT_REQUEST, or closed before the answer.
    pub aborted: AtomicU64,
    /// Connections closed by a time-out while reading a request or writing an answer.
    pub timeouts: AtomicU64,
    /// Panics of handlers.
    pub panics: AtomicU64,
    /// Times that accepting had to pause because the system had no descriptor or memory left.
    pub accept_pauses: AtomicU64,
}
