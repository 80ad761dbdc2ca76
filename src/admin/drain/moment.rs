//! Reads times and lengths of time from the command line.

use crate::admin::error::AdminError;
use crate::domain::time::{Timestamp, parse_length};

/// The longest length of time: ten years, so that sums stay within all forms of a time.
const SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// Reads a length such as `30m`: seconds, minutes, hours or days.
///
/// # Errors
/// Returns [`AdminError::Usage`] if the text has another form.
pub(super) fn length(option: &str, text: &str) -> Result<i64, AdminError> {
    parse_length(text)
        .and_then(|seconds| i64::try_from(seconds).ok())
        .filter(|&seconds| seconds <= SECONDS_MAX)
        .ok_or_else(|| {
            AdminError::Usage(format!(
                "{option}: '{}' is no length of time; write one such as 90s, 30m, 4h or 2d",
                text.escape_debug()
            ))
        })
}

/// Reads a time: `now`, `+30m` from now, or `2026-11-28T14:00:00Z`.
///
/// # Errors
/// Returns [`AdminError::Usage`] if the text has another form.
pub(super) fn moment(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, AdminError> {
    if text == "now" {
        return Ok(now);
    }
    if let Some(later) = text.strip_prefix('+') {
        return Ok(Timestamp(now.0.saturating_add(length(option, later)?)));
    }
    Timestamp::parse(text).ok_or_else(|| {
        AdminError::Usage(format!(
            "{option}: '{}' is no time; write one such as +2h or 2026-11-28T14:00:00Z",
            text.escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_now_or_from_the_calendar() {
        let now = Timestamp(1_000_000);
        for (text, expected) in [
            ("now", Some(1_000_000)),
            ("+30m", Some(1_001_800)),
            ("+90s", Some(1_000_090)),
            ("+2d", Some(1_172_800)),
            ("1970-01-12T13:46:41Z", Some(1_000_001)),
            ("+", None),
            ("+m", None),
            ("+-3m", None),
            ("+3w", None),
            ("+99999999999999999999h", None),
            ("+9999999999999999h", None),
            ("tomorrow", None),
            ("", None),
        ] {
            let read = moment("--from", text, now).ok().map(|at| at.0);
            assert_eq!(read, expected, "{text}");
        }
    }
}
