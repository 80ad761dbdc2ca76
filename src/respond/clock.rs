//! The time of day.

use std::time::SystemTime;

use crate::domain::time::Timestamp;

/// Now, in whole seconds.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.unwrap_or_default().as_secs() as i64)
}
