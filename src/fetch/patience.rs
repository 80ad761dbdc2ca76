//! Limits the time of an exchange with a server, whatever the server sends.
//!
//! An exchange ends if the server is silent, if the time for one mirror is over, or if the program
//! is told to stop. Every wait of every protocol checks all three.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::FetchError;

/// How often a waiting thread checks whether the wait is over.
pub(super) const STOP_CHECK: Duration = Duration::from_millis(200);

/// Smallest average rate of an answer in bytes per second, measured once the answer has lasted as
/// long as a silence may. An index page has some KiB, and a slower server would not deliver images
/// either.
const RATE_MIN: u64 = 1024;

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience<'a> {
    /// Longest silence: before a connection, before an answer, and between two pieces of an answer.
    pub timeout: Duration,
    /// Longest time for everything that is asked of one mirror.
    pub time_max: Duration,
    /// The end of that time.
    pub until: Instant,
    /// Ends every wait when it becomes true.
    pub stop: &'a AtomicBool,
}

/// Measures how fast an answer comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tempo {
    begun: Instant,
    bytes: u64,
}

impl<'a> Patience<'a> {
    /// Starts the time of the first mirror now.
    pub fn new(timeout: Duration, time_max: Duration, stop: &'a AtomicBool) -> Patience<'a> {
        Patience {
            timeout,
            time_max,
            until: Instant::now() + time_max,
            stop,
        }
    }

    /// The same limits for another mirror, whose time starts now.
    #[must_use]
    pub fn anew(self) -> Patience<'a> {
        Patience::new(self.timeout, self.time_max, self.stop)
    }

    /// The same with another limit on silence.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Patience<'a> {
        Patience { timeout, ..self }
    }

    /// Checks whether to wait further.
    ///
    /// # Errors
    /// Returns [`FetchError::Stopped`] if the program is to stop, and [`FetchError::TooLong`] if
    /// the mirror's time is over.
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

    /// The error for a server that was silent for too long.
    pub(super) fn silent(&self) -> FetchError {
        let timeout_s = self.timeout.as_secs();
        FetchError::Silent { timeout_s }
    }
}

impl Tempo {
    /// Starts measuring an answer.
    pub fn new() -> Tempo {
        Tempo {
            begun: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts bytes that came.
    ///
    /// # Errors
    /// Returns [`FetchError::Slow`] if the average rate is too low, and an error as
    /// [`Patience::check`] does.
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
