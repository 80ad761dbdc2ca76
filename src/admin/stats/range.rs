//! Reads dates of the command line as periods of the tables.

use crate::admin::error::AdminError;
use crate::db::stats::merge::Period;
use crate::db::stats::sums::{SumSpan, SumSubject, SumUnit};
use crate::domain::time::Timestamp;

/// Days that are shown if nothing else is wanted.
const DAYS_DEFAULT: i64 = 30;

/// Days for which there are sums of files per day; older ones have months.
const FILE_DAYS: i64 = 90;

/// The same for everything else.
const DAYS: i64 = 400;

const DAY_S: i64 = 86_400;

/// A day, month or year as its first and last day, in days since 1970.
pub(super) fn parse_date(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let year = number(4)?;
    let count = text.split('-').count();
    let day_of = |year: u32, month: u32, day: u32| {
        let at = Timestamp::from_utc((year.into(), month, day), (0, 0, 0));
        (at.date() == (i64::from(year), month, day)).then_some(at.0.div_euclid(DAY_S))
    };
    if count == 1 {
        return Some((day_of(year, 1, 1)?, day_of(year, 12, 31)?));
    }
    let month = number(2).filter(|month| (1..=12).contains(month))?;
    if count == 2 {
        let next = match month {
            12 => day_of(year + 1, 1, 1)?,
            _ => day_of(year, month + 1, 1)?,
        };
        return Some((day_of(year, month, 1)?, next - 1));
    }
    let day = number(2)?;
    let day = day_of(year, month, day)?;
    (count == 3).then_some((day, day))
}

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
    fn dates_are_days_months_and_years() {
        let read = |text| parse_date(text).map(|(a, b)| (day_text(a), day_text(b)));
        for (text, expected) in [
            ("2026-11-27", Some(("2026-11-27", "2026-11-27"))),
            ("2026-02", Some(("2026-02-01", "2026-02-28"))),
            ("2024-12", Some(("2024-12-01", "2024-12-31"))),
            ("2026", Some(("2026-01-01", "2026-12-31"))),
            ("2026-02-29", None),
            ("2026-13", None),
            ("2026-1", None),
            ("26", None),
            ("2026-11-27-1", None),
            ("x", None),
        ] {
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(read(text), expected, "{text}");
        }
    }

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
