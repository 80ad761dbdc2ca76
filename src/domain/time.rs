//! Points in time in seconds since 1970, and their text forms: RFC 3339 in UTC, C's `ctime`
//! (MirrorBrain's comments and output), and the dates of mail and HTTP.

use std::fmt;
use std::time::SystemTime;

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

const SECONDS_PER_DAY: i64 = 86_400;

/// Names in order from 1970-01-01, a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Timestamp {
    /// Year, month (1–12) and day (1–31) in the proleptic Gregorian calendar.
    pub fn date(self) -> (i64, u32, u32) {
        // Days are counted in eras of 400 years that begin on 1 March, so that the leap day is
        // the last of its year and no month needs a special case.
        let days = self.0.div_euclid(SECONDS_PER_DAY) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month as u32, day as u32)
    }

    /// Reads an RFC 3339 time such as `2026-11-22T20:00:00Z`, also with a fraction or an offset;
    /// `None` if it has another form or is no day of the calendar.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<u32> {
            let digits = bytes.get(from..to)?;
            let is_number = digits.iter().all(u8::is_ascii_digit);
            is_number.then(|| {
                let digit = |sum: u32, digit: &u8| sum * 10 + u32::from(digit - b'0');
                digits.iter().fold(0, digit)
            })
        };
        let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
        if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
            return None;
        }
        let date = (i64::from(number(0, 4)?), number(5, 7)?, number(8, 10)?);
        let time = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&date.1) || time.0 > 23 || time.1 > 59 || time.2 > 60 {
            return None;
        }
        let seconds = Timestamp::from_utc(date, time);
        // The calendar turns 31 April into 1 May; such a date is refused.
        if Timestamp::from_utc(date, (0, 0, 0)).date() != date {
            return None;
        }
        let rest = &bytes[19..];
        let fraction = match rest.strip_prefix(b".") {
            Some(digits) => {
                1 + digits
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count()
            }
            None => 0,
        };
        if fraction == 1 {
            return None;
        }
        let at = 19 + fraction;
        match &bytes[at..] {
            b"Z" | b"z" => Some(seconds),
            [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
                let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
                let offset = i64::from(hours * 3600 + minutes * 60);
                let offset = if *sign == b'+' { offset } else { -offset };
                (hours < 24 && minutes < 60).then_some(Timestamp(seconds.0 - offset))
            }
            _ => None,
        }
    }

    /// The time for a UTC date and time of day; the inverse of the display form.
    pub fn from_utc(date: (i64, u32, u32), time: (u32, u32, u32)) -> Timestamp {
        let (year, month, day) = (date.0, i64::from(date.1), i64::from(date.2));
        let year = year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = i64::from(time.0) * 3600 + i64::from(time.1) * 60 + i64::from(time.2);
        Timestamp(days * SECONDS_PER_DAY + seconds)
    }
}

/// How long ago a time was, in one unit, as people are shown it.
pub fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.0.saturating_sub(at.0).max(0);
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / 60),
        6_000..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / SECONDS_PER_DAY),
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let second = self.0.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Writes a time as `Tue Jun  3 14:51:20 2014`, in UTC.
pub fn ctime(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    let weekday = DAYS[at.0.div_euclid(SECONDS_PER_DAY).rem_euclid(7) as usize];
    let month = MONTHS[(month as usize - 1) % 12];
    let second = at.0.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// Writes a time as `Tue, 03 Jun 2014 14:51:20 GMT` (RFC 822 with a year of four digits; RFC 9110
/// §5.6.7).
pub fn rfc822(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    let weekday = DAYS[at.0.div_euclid(SECONDS_PER_DAY).rem_euclid(7) as usize];
    let month = MONTHS[(month as usize - 1) % 12];
    let second = at.0.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads an HTTP date in any of the three forms that a recipient must accept (RFC 9110 §5.6.7);
/// `None` if it has another form, is no day of the calendar, or is before 1970.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Timestamp)
}

/// Reads a length of time such as `30m` in seconds: a number, then s, m, min, h or d. Absent if the
/// text has another form, or the number is too large.
pub fn parse_length(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number);
    number?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_as_utc_and_back() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_401_807_080, "2014-06-03T14:51:20Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(seconds)));
        }
        assert_eq!(
            Timestamp::from_utc((2014, 6, 3), (14, 51, 20)),
            Timestamp(1_401_807_080)
        );
        assert_eq!(
            Timestamp::from_utc((2000, 2, 29), (0, 0, 0)),
            Timestamp(951_782_400)
        );
    }

    #[test]
    fn times_are_read_with_fractions_and_offsets() {
        let at = Some(Timestamp(1_401_807_080));
        for (text, expected) in [
            ("2014-06-03 14:51:20Z", at),
            ("2014-06-03t14:51:20z", at),
            ("2014-06-03T14:51:20.999Z", at),
            ("2014-06-03T16:51:20+02:00", at),
            ("2014-06-03T14:21:20.5-00:30", at),
            ("", None),
            ("2014-06-03T14:51:20", None),
            ("2014-06-03T14:51:20.Z", None),
            ("2014-06-03 14:51:20.123456+00", None),
            ("2014-06-03T14:51:20+24:00", None),
            ("2014-13-03T14:51:20Z", None),
            ("2014-02-30T14:51:20Z", None),
            ("2014-06-03T24:51:20Z", None),
            ("+014-06-03T14:51:20Z", None),
            ("2014-06-\u{e9}3T14:51:20", None),
        ] {
            assert_eq!(Timestamp::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn ages_have_one_unit() {
        for (seconds, text) in [
            (-5, "0 s"),
            (99, "99 s"),
            (720, "12 min"),
            (18_000, "5 h"),
            (260_000, "3 d"),
        ] {
            assert_eq!(age(Timestamp(seconds), Timestamp(0)), text);
        }
    }

    #[test]
    fn times_read_as_in_c() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_401_807_080, "Tue Jun  3 14:51:20 2014"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
        ] {
            assert_eq!(ctime(Timestamp(seconds)), text);
        }
    }

    #[test]
    fn times_read_as_in_mail() {
        let text = rfc822(Timestamp(1_401_807_080));
        assert_eq!(text, "Tue, 03 Jun 2014 14:51:20 GMT");
    }

    #[test]
    fn dates_of_http_are_read_in_three_forms() {
        let at = Some(Timestamp(784_111_777));
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", at),
            ("Sunday, 06-Nov-94 08:49:37 GMT", at),
            ("Sun Nov  6 08:49:37 1994", at),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 36 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Non 1994 08:49:37 GMT", None),
            (" Sun, 06 Nov 1994 08:49:37 GMT ", at),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(Timestamp(0))),
            // The crate reads no time before Unix's: a condition of it is none (RFC 9110 §13.1.3).
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            (
                "Fri, 31 Dec 9999 23:59:59 GMT",
                Some(Timestamp(253_402_300_799)),
            ),
            ("Mon, 30 Feb 2026 00:00:00 GMT", None),
            ("784111777", None),
            ("", None),
        ] {
            assert_eq!(parse_http_date(text), expected, "{text}");
        }
        let at = Timestamp(1_401_807_080);
        assert_eq!(parse_http_date(&rfc822(at)), Some(at));
    }
}
