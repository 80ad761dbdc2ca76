//! Reads the time of day.

use std::time::SystemTime;

use crate::domain::time::Timestamp;

/// The time now, in whole seconds; a clock before 1970 reads as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))
}
