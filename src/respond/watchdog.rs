//! Tells the service manager that requests are answered (`WatchdogSec=`).
//!
//! The workers do this from their ticks, so that the process is replaced if all of them hang. If
//! one waits for a disk, the others still report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::system::{ManagerState, tell_manager, watchdog_timeout};

/// Number of reports within the time that the manager waits.
const BEATS: u32 = 4;

/// The watchdog's clock, shared by the workers.
#[derive(Debug)]
pub(super) struct Watchdog {
    start: Instant,
    /// Time between two reports; `None` if no manager waits for them.
    every: Option<Duration>,
    /// Time of the next report, in milliseconds since the start.
    next_ms: AtomicU64,
}

impl Watchdog {
    /// A watchdog with the interval that the service manager wants.
    pub fn new() -> Watchdog {
        Watchdog {
            start: Instant::now(),
            every: watchdog_timeout().map(|timeout| timeout / BEATS),
            next_ms: AtomicU64::new(0),
        }
    }

    /// Reports that a worker is alive.
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
