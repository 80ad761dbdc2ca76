//! How a server is told to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// Ends a [`Server`](crate::fcgi::Server) from any thread. Clones are the same switch.
#[derive(Debug, Clone)]
pub struct Shutdown {
    event: Arc<OwnedFd>,
}

impl Shutdown {
    /// A switch that is off.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> io::Result<Shutdown> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Shutdown {
            event: Arc::new(event),
        })
    }

    /// Stops accepting, lets running requests end, then lets `run` return. More than once is the
    /// same as once.
    pub fn trigger(&self) {
        // It can only fail when the counter is full, and then it is readable, which is the point.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }
}

impl AsFd for Shutdown {
    /// Readable for good once the switch was triggered.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
