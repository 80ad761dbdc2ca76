//! Tells a server to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// A switch that ends a [`Server`](crate::fcgi::Server) from any thread. Clones are the same
/// switch.
#[derive(Debug, Clone)]
pub struct Shutdown {
    event: Arc<OwnedFd>,
}

impl Shutdown {
    /// Makes a switch that is off.
    ///
    /// # Errors
    /// Returns an error if the process has no descriptor left.
    pub fn new() -> io::Result<Shutdown> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Shutdown {
            event: Arc::new(event),
        })
    }

    /// Stops accepting, lets running requests end, and then lets `run` return. Calling it again has
    /// no effect.
    pub fn trigger(&self) {
        // This fails only if the counter is full, and then the descriptor is readable already.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }
}

impl AsFd for Shutdown {
    /// A descriptor that stays readable once the switch was triggered.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
