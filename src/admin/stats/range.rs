//! Reads dates of the command line as periods of the tables.

use crate::admin::error::AdminError;
use crate::db::stats::sums::{SumSpan, SumSubject, SumUnit};
use crate::domain::count::period::{Period, parse_date};
use crate::domain::time::Timestamp;

/// Days that are shown if nothing else is wanted.
const DAYS_DEFAULT: i64 = 30;

/// Days for which there are sums of files per day; older ones have months.
const FILE_DAYS: i64 = 90;

/// The same for everything else.
const DAYS: i64 = 400;

const DAY_S: i64 = 86_400;

/// A day as text.
pub(super) fn day_text(day: i64) -> String {
    let (year, month, day) = Timestamp(day * DAY_S).date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A period of a table as text.
pub(super) fn period_text(unit: SumUnit, period: i64) -> String {
    match unit {
        SumUnit::Hour => format!(
            "{}T{:02}",
            day_text(period.div_euclid(24)),
            period.rem_euclid(24)
        ),
        SumUnit::Day => day_text(period),
        SumUnit::Month => format!(
            "{:04}-{:02}",
            period.div_euclid(100),
            period.rem_euclid(100)
        ),
    }
}

/// The days that the options name: first and last.
///
/// # Errors
/// Returns [`AdminError::Usage`] for a date that cannot be read, or an end before the begin.
pub(super) fn days(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<(i64, i64), AdminError> {
    let read = |option: &str, text: &str| {
        parse_date(text).ok_or_else(|| {
            AdminError::Usage(format!(
                "{option}: '{}' is no date; write one such as 2026-11-27, 2026-11 or 2026",
                text.escape_debug()
            ))
        })
    };
    let today = now.0.div_euclid(DAY_S);
    let last = match to {
        Some(text) => read("--to", text)?.1,
        // A month or year alone is all of it.
        None => match from.and_then(parse_date) {
            Some((first, last)) if last > first => last.min(today.max(first)),
            _ => today,
        },
    };
    let first = match from {
        Some(text) => read("--from", text)?.0,
        None => last - DAYS_DEFAULT + 1,
    };
    if first > last {
        return Err(AdminError::Usage(format!(
            "--from {} is after --to {}; exchange them",
            day_text(first),
            day_text(last)
        )));
    }
    Ok((first, last))
}

/// The span of a table for days. Without a wanted unit, days are added up, or months where there
/// are no days any more.
pub(super) fn span(
    subject: SumSubject,
    unit: Option<SumUnit>,
    (first, last): (i64, i64),
    now: Timestamp,
) -> SumSpan {
    let kept = match subject {
        SumSubject::Files => FILE_DAYS,
        _ => DAYS,
    };
    let has_days = first >= now.0.div_euclid(DAY_S) - kept;
    let unit = unit.unwrap_or(match has_days {
        true => SumUnit::Day,
        false => SumUnit::Month,
    });
    let month = |day: i64| Period::of(Timestamp(day * DAY_S)).month;
    let (first, last) = match unit {
        SumUnit::Hour => (first * 24, last * 24 + 23),
        SumUnit::Day => (first, last),
        SumUnit::Month => (month(first), month(last)),
    };
    SumSpan { unit, first, last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_whole_and_the_default_is_thirty_days() {
        let now = Timestamp::parse("2026-11-27T10:00:00Z").expect("a time");
        let days = |from, to| {
            let days = super::days(from, to, now).map(|(a, b)| (day_text(a), day_text(b)));
            days.map_err(|error| error.to_string())
        };
        let both = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(days(None, None), both("2026-10-29", "2026-11-27"));
        assert_eq!(
            days(Some("2026-10"), None),
            both("2026-10-01", "2026-10-31")
        );
        assert_eq!(
            days(Some("2026-11"), None),
            both("2026-11-01", "2026-11-27")
        );
        assert_eq!(
            days(Some("2026-11-20"), None),
            both("2026-11-20", "2026-11-27")
        );
        assert!(days(Some("2026-11-20"), Some("2026-11-01")).is_err());
        assert!(days(Some("yesterday"), None).is_err());
    }
}
