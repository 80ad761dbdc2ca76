//! Limits how long a server is waited for, whatever it sends meanwhile.
//!
//! Three ends: a silence, the end of the time that one mirror may take, and the program being told
//! to stop. Every wait of every protocol looks at all of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::FetchError;

/// How often somebody who waits looks whether the wait is over.
pub(super) const STOP_CHECK: Duration = Duration::from_millis(200);

/// Bytes a second that an answer must come with on average, once it had the time of a silence: an
/// index page is some KiB, and slower servers deliver no images either.
const RATE_MIN: u64 = 1024;

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience<'a> {
    /// For connecting, for an answer to begin, and for each piece of one.
    pub timeout: Duration,
    /// The time that all of one mirror may take.
    pub time_max: Duration,
    /// When that time is over.
    pub until: Instant,
    /// Ends everything when it becomes true.
    pub stop: &'a AtomicBool,
}

/// How steadily an answer comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tempo {
    begun: Instant,
    bytes: u64,
}

impl<'a> Patience<'a> {
    /// From now on.
    pub fn new(timeout: Duration, time_max: Duration, stop: &'a AtomicBool) -> Patience<'a> {
        Patience {
            timeout,
            time_max,
            until: Instant::now() + time_max,
            stop,
        }
    }

    /// The same for another mirror: its time begins now.
    #[must_use]
    pub fn anew(self) -> Patience<'a> {
        Patience::new(self.timeout, self.time_max, self.stop)
    }

    /// The same with another limit on silence.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Patience<'a> {
        Patience { timeout, ..self }
    }

    /// Whether there is more to be waited for.
    ///
    /// # Errors
    /// Returns [`FetchError::Stopped`] or [`FetchError::TooLong`] if there is not.
    pub fn check(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(FetchError::Stopped);
        }
        if Instant::now() >= self.until {
            let seconds_max = self.time_max.as_secs();
            return Err(FetchError::TooLong { seconds_max });
        }
        Ok(())
    }

    /// The error of a silence.
    pub(super) fn silent(&self) -> FetchError {
        let timeout_s = self.timeout.as_secs();
        FetchError::Silent { timeout_s }
    }
}

impl Tempo {
    /// Of an answer that begins.
    pub fn new() -> Tempo {
        Tempo {
            begun: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts what came.
    ///
    /// # Errors
    /// Returns [`FetchError::Slow`] if all in all it comes too slowly, or what
    /// [`Patience::check`] returns.
    pub fn count(&mut self, bytes: usize, patience: &Patience<'_>) -> Result<(), FetchError> {
        patience.check()?;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let allowed = Duration::from_secs(self.bytes / RATE_MIN);
        if self.begun.elapsed() > patience.timeout.saturating_add(allowed) {
            return Err(FetchError::Slow {
                bytes: self.bytes,
                seconds: self.begun.elapsed().as_secs(),
            });
        }
        Ok(())
    }
}
