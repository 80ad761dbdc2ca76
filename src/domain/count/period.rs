//! Days, months and years of statistics, all of UTC.

use crate::domain::time::Timestamp;

const DAY_S: i64 = 86_400;

/// A day, an hour and a month as the tables have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Hours since 1970.
    pub hour: i64,
    /// Days since 1970.
    pub day: i64,
    /// YEAR * 100 + MONTH.
    pub month: i64,
}

impl Period {
    /// The periods of a moment.
    pub fn of(at: Timestamp) -> Period {
        let (year, month, _) = at.date();
        Period {
            hour: at.0.div_euclid(3600),
            day: at.0.div_euclid(86_400),
            month: year * 100 + i64::from(month),
        }
    }
}

/// A day, month or year as its first and last day, in days since 1970.
pub fn parse_date(text: &str) -> Option<(i64, i64)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_months_and_years() {
        let day_text = |day: i64| {
            let (year, month, day) = Timestamp(day * DAY_S).date();
            format!("{year}-{month:02}-{day:02}")
        };
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
}
