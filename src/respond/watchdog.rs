//! Tells the service manager that requests are answered (`WatchdogSec=`).
//!
//! The workers tell it from their ticks, so that a process is replaced when all of them hang; one
//! that waits for a disk is stood in for by the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::system::{ManagerState, tell_manager, watchdog_timeout};

/// How many times it is told in the time that the manager waits.
const BEATS: u32 = 4;

/// Shared by the workers.
#[derive(Debug)]
pub(super) struct Watchdog {
    start: Instant,
    /// How often it is told; `None`: nobody waits for it.
    every: Option<Duration>,
    /// When it is told next, milliseconds since the start.
    next_ms: AtomicU64,
}

impl Watchdog {
    /// As the service manager wants it.
    pub fn new() -> Watchdog {
        Watchdog {
            start: Instant::now(),
            every: watchdog_timeout().map(|timeout| timeout / BEATS),
            next_ms: AtomicU64::new(0),
        }
    }

    /// A worker is alive.
    pub fn beat(&self) {
        let Some(every) = self.every else {
            return;
        };
        let now = self.start.elapsed();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let next_ms = u64::try_from((now + every).as_millis()).unwrap_or(u64::MAX);
        let due_ms = self.next_ms.load(Ordering::Relaxed);
        if now_ms < due_ms {
            return;
        }
        let taken =
            self.next_ms
                .compare_exchange(due_ms, next_ms, Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_ok() {
            tell_manager(ManagerState::Alive);
        }
    }
}
