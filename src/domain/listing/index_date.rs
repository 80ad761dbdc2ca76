//! Reads dates as index pages write them.

use super::listed::ListedTime;
use crate::domain::time::Timestamp;

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Seconds per day: the precision of a date without a time.
pub(super) const DAY_S: u32 = 86_400;

/// Years that are accepted: files are no older, and years have four digits.
const YEARS: std::ops::RangeInclusive<u32> = 1970..=9999;

/// Year, month, day.
pub(super) type Date = (i64, u32, u32);

/// Whether a byte is white space, or the last byte of a no-break space.
pub(super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0xa0
}

/// Reads a date with its time of day at the start of `words`; returns the number of words that both
/// take. The time is `None` if the date is ambiguous.
pub(super) fn date(words: &[&[u8]]) -> Option<(Option<ListedTime>, usize)> {
    let first = *words.first()?;
    // `2020-01-02T03:04:05Z` is one word.
    let is_iso = first.first()?.is_ascii_digit();
    let split = first.iter().position(|&byte| byte == b'T');
    if let Some(split) = split.filter(|_| is_iso) {
        let day = numeric(&first[..split])?.day?;
        let clock = clock(&first[split + 1..])?;
        return Some((Some(time(day, Some(clock))), 1));
    }
    let (day, mut taken) = day(words)?;
    let mut clock = words.get(taken).and_then(|word| self::clock(word));
    let mut is_afternoon_said = false;
    if let Some(clock) = &mut clock {
        taken += 1;
        if let Some(word) = words.get(taken)
            && let Some(hour) = twelve_hours(clock.hour, word)
        {
            clock.hour = hour;
            taken += 1;
            is_afternoon_said = true;
        }
        if let Some(offset_s) = words.get(taken).and_then(|word| zone(word)) {
            clock.offset_s = Some(offset_s);
            taken += 1;
        }
    }
    // Servers that write AM and PM put the month first.
    let day = day.day.or(day.month_first.filter(|_| is_afternoon_said));
    Some((day.map(|day| time(day, clock)), taken))
}

/// A day, if it is unambiguous.
struct Day {
    day: Option<Date>,
    /// The day if the month stands first.
    month_first: Option<Date>,
}

impl Day {
    fn sure(year: &[u8], month: u32, day: &[u8]) -> Option<Day> {
        Some(Day {
            day: Some(valid(
                within(year, &YEARS)?,
                month,
                within(day, &(1..=31))?,
            )?),
            month_first: None,
        })
    }
}

fn day(words: &[&[u8]]) -> Option<(Day, usize)> {
    if let Some(day) = numeric(words[0]).or_else(|| with_month(words[0])) {
        return Some((day, 1));
    }
    if let Some(unsure) = without_year(words) {
        return Some((unsure, 2));
    }
    // `Wed, 02 Jan 2020` or `Thursday, January 2, 2020`.
    let is_weekday = words[0].ends_with(b",") && !words[0][0].is_ascii_digit();
    let start = usize::from(is_weekday);
    let word = |index: usize| words.get(start + index).copied();
    let plain = |word: &'_ [u8]| word.strip_suffix(b",").unwrap_or(word).to_vec();
    let (one, two, year) = (word(0)?, word(1)?, word(2)?);
    let found = match (month(one), month(two)) {
        (None, Some(month)) => Day::sure(&plain(year), month, one),
        (Some(month), None) => Day::sure(&plain(year), month, &plain(two)),
        _ => None,
    };
    found.map(|day| (day, start + 3))
}

/// Reads `Jan 2 03:04`. Such a time is in the last half year, but the page does not say when that
/// ends.
fn without_year(words: &[&[u8]]) -> Option<Day> {
    let (one, two, three) = (*words.first()?, *words.get(1)?, *words.get(2)?);
    let day = |word| within(word, &(1..=31));
    let is_day = match (month(one), month(two)) {
        (Some(_), None) => day(two).is_some(),
        (None, Some(_)) => day(one).is_some(),
        _ => false,
    };
    (is_day && clock(three).is_some()).then_some(Day {
        day: None,
        month_first: None,
    })
}

/// Reads `2020-01-02`, `2020/01/02`, `02.01.2020`, `1/2/2020`.
fn numeric(word: &[u8]) -> Option<Day> {
    let mark = *word.iter().find(|byte| !byte.is_ascii_digit())?;
    let mut parts = word.split(|&byte| byte == mark);
    let (one, two, three) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !b"-/.".contains(&mark) {
        return None;
    }
    if one.len() == 4 {
        return Day::sure(one, within(two, &(1..=12))?, three);
    }
    let year = within(three, &YEARS).filter(|_| three.len() == 4)?;
    let (one, two) = (within(one, &(1..=31))?, within(two, &(1..=31))?);
    let (day_first, month_first) = (valid(year, two, one), valid(year, one, two));
    match mark {
        b'.' => Some(Day {
            day: Some(day_first?),
            month_first: None,
        }),
        b'/' => Some(Day {
            day: match (day_first, month_first) {
                (Some(day), None) | (None, Some(day)) => Some(day),
                (Some(day), Some(other)) if day == other => Some(day),
                _ => None,
            },
            month_first,
        }),
        _ => None,
    }
}

/// Reads `02-Jan-2020`, `2020-Jan-02`, `02Jan2020`.
fn with_month(word: &[u8]) -> Option<Day> {
    if let Some(end) = word.iter().position(|byte| !byte.is_ascii_digit())
        && let Some((name, year)) = word[end..].split_at_checked(3)
        && let Some(month) = month(name)
    {
        return Day::sure(year, month, &word[..end]).filter(|_| year.len() == 4);
    }
    let mut parts = word.split(|&byte| byte == b'-');
    let (one, name, three) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let month = month(name)?;
    if one.len() == 4 {
        Day::sure(one, month, three)
    } else {
        Day::sure(three, month, one)
    }
}

/// Whether a word has the form of a date of three numbers: `26-03-25`, `2025/03/26`, `26.03.2025`.
pub(super) fn is_like_date(word: &[u8]) -> bool {
    let is_number =
        |part: &[u8]| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    [b'-', b'/', b'.'].iter().any(|&mark| {
        let mut parts = word.split(|&byte| byte == mark);
        parts.clone().count() == 3 && parts.all(is_number)
    })
}

/// The number of a month, 1 to 12, by its English name.
pub(super) fn month(word: &[u8]) -> Option<u32> {
    let lower = word.get(..3)?.to_ascii_lowercase();
    let is_word = word.iter().all(u8::is_ascii_alphabetic);
    let index = MONTHS.iter().position(|name| name[..] == lower)?;
    is_word.then_some(index as u32 + 1)
}

/// The date, if it exists in the calendar.
pub(super) fn valid(year: u32, month: u32, day: u32) -> Option<Date> {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => 31,
    };
    ((1..=12).contains(&month) && day <= days).then_some((i64::from(year), month, day))
}

/// A time of day.
#[derive(Clone, Copy)]
struct TimeOfDay {
    hour: u32,
    minute: u32,
    second: Option<u32>,
    offset_s: Option<i64>,
}

/// Reads `03:04`, `03:04:05`, `03:04:05.678Z`, `03:04:05+01:00`.
fn clock(word: &[u8]) -> Option<TimeOfDay> {
    let end = word
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b':')
        .unwrap_or(word.len());
    let (digits, mut rest) = word.split_at(end);
    let mut parts = digits.split(|&byte| byte == b':');
    let hour = within(parts.next()?, &(0..=23))?;
    let minute = within(parts.next()?, &(0..=59))?;
    let second = match parts.next() {
        Some(second) => Some(within(second, &(0..=60))?),
        None => None,
    };
    if parts.next().is_some() {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let end = fraction.iter().position(|byte| !byte.is_ascii_digit());
        rest = &fraction[end.unwrap_or(fraction.len())..];
    }
    let offset_s = if rest.is_empty() {
        None
    } else {
        Some(zone(rest)?)
    };
    Some(TimeOfDay {
        hour,
        minute,
        second,
        offset_s,
    })
}

fn twelve_hours(hour: u32, word: &[u8]) -> Option<u32> {
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    match hour {
        1..=12 if is(b"AM") => Some(hour % 12),
        1..=12 if is(b"PM") => Some(hour % 12 + 12),
        _ => None,
    }
}

/// Seconds east of UTC for `Z`, `GMT`, `UTC`, `+01:00`, `-0500`.
fn zone(word: &[u8]) -> Option<i64> {
    if matches!(word, b"Z" | b"GMT" | b"UTC") {
        return Some(0);
    }
    let (sign, digits) = match word.split_first()? {
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [a, b, b':', c, d] | [a, b, c, d] => ([a, b], [c, d]),
        _ => return None,
    };
    let (hours, minutes) = (within(&hours, &(0..=15))?, within(&minutes, &(0..=59))?);
    Some(sign * i64::from(hours * 3600 + minutes * 60))
}

fn time(date: Date, clock: Option<TimeOfDay>) -> ListedTime {
    let Some(clock) = clock else {
        return ListedTime {
            seconds: Timestamp::from_utc(date, (0, 0, 0)).0,
            step_s: DAY_S,
            is_utc: false,
        };
    };
    let of_day = (clock.hour, clock.minute, clock.second.unwrap_or(0));
    ListedTime {
        seconds: Timestamp::from_utc(date, of_day).0 - clock.offset_s.unwrap_or(0),
        step_s: if clock.second.is_some() { 1 } else { 60 },
        is_utc: clock.offset_s.is_some(),
    }
}

/// A number of at most four digits, if it is in the range.
pub(super) fn within(digits: &[u8], range: &std::ops::RangeInclusive<u32>) -> Option<u32> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |sum, &byte| sum * 10 + u32::from(byte - b'0'));
    range.contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_servers_are_read() {
        // 2020-01-02 03:04:05 UTC is 1577934245.
        const MINUTE: i64 = 1_577_934_240;
        for (text, seconds, step_s, is_utc) in [
            ("2020-01-02 03:04", MINUTE, 60, false),
            ("2020-01-02 03:04:05", MINUTE + 5, 1, false),
            ("2020/01/02 03:04", MINUTE, 60, false),
            ("02-Jan-2020 03:04", MINUTE, 60, false),
            ("2020-Jan-02 03:04:05", MINUTE + 5, 1, false),
            ("02Jan2020 03:04", MINUTE, 60, false),
            ("Jan 02 2020", MINUTE - 3 * 3600 - 240, DAY_S, false),
            ("Jan 2, 2020, 3:04:05 AM", MINUTE + 5, 1, false),
            ("1/2/2020 3:04 AM", MINUTE, 60, false),
            ("1/2/2020 3:04 PM", MINUTE + 12 * 3600, 60, false),
            ("02.01.2020 03:04", MINUTE, 60, false),
            ("Thursday, January 2, 2020 3:04 AM", MINUTE, 60, false),
            ("Thu, 02 Jan 2020 03:04:05 GMT", MINUTE + 5, 1, true),
            ("2020-01-02T03:04:05Z", MINUTE + 5, 1, true),
            ("2020-01-02T04:04:05.678+01:00", MINUTE + 5, 1, true),
            ("Jan 2 2020 03:04", MINUTE, 60, false),
            ("2020-01-02", MINUTE - 3 * 3600 - 240, DAY_S, false),
            ("13/1/2020 3:04", MINUTE + 11 * 86_400, 60, false),
        ] {
            let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
            let expected = ListedTime {
                seconds,
                step_s,
                is_utc,
            };
            assert_eq!(date(&words), Some((Some(expected), words.len())), "{text}");
        }
        for text in ["1/2/2020 3:04", "1/2/2020", "Jan 2 03:04", "2 Jan 03:04"] {
            let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
            assert_eq!(date(&words), Some((None, words.len())), "{text}");
        }
        for text in [
            "2020-13-02",
            "2020-02-30 03:04",
            "1234",
            "1.2M",
            "-",
            "a-Jan-2020",
            "2Jan20",
            "Jan2020",
            "2Foo2020",
            "Jan 2 foo",
            "T",
            "1-2-3-4",
            "Jan",
            "x, y z 2020",
            "1.2.3",
        ] {
            let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
            assert_eq!(date(&words), None, "{text}");
        }
    }
}
