//! Reads lines of LIST as vsftpd, ProFTPD, Pure-FTPd, IIS and similar servers write them.
//!
//! Unix style is `ls -l`: `-rw-r--r--   1 ftp   ftp       11 Nov 22 17:04 name`. There may be more
//! or fewer words between the mode and the date; the last one is the size. Times of the last half
//! year have hour and minute but no year, older ones have a year but no hour. DOS style is
//! `11-22-26  05:04PM       11 name`, with `<DIR>` instead of a size. Exactly one space separates
//! the name from the date (in DOS style, from the size); the name may begin with more spaces.
//!
//! If a date cannot be read (another language or order), the time is unknown. A line that begins
//! like an entry but cannot be read is [`FtpLine::Unreadable`], never ignored.
//!
//! No server states the time zone of its times.

use super::ftp::{FtpEntry, FtpLine, named, without_return};
use super::ftp_foreign::is_foreign_entry;
use super::index_date::{DAY_S, Date, is_like_date, month, valid, within};
use super::index_field::{grouped_number, rounded_size};
use super::listed::{ListedFile, ListedSize, ListedTime, number};
use super::mode::{MODE_BYTES, OTHERS_READ, begins_like_mode};
use crate::domain::time::Timestamp;

/// Largest number of words between the mode and the date: links, owner, group, size; group names
/// may have several words.
const WORDS_MAX: usize = 12;

/// Number of seconds by which a time without a year may be in the future, for time zones to the
/// east and wrong clocks.
const FUTURE_S: i64 = DAY_S as i64;

/// Largest number of years between two leap days (1896 to 1904).
const LEAP_YEARS: i64 = 8;

/// Largest number of words before the number of a total: Danish has `i alt`.
const TOTAL_WORDS_MAX: usize = 2;

/// Number of spaces between `<DIR>` and the name in DOS style.
const DOS_SPACES: usize = 10;

/// The order of the numbers in dates such as `03-04-25`. IIS writes the month first in its own
/// format, and as the country has it in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOrder {
    /// `03-26-25`
    MonthFirst,
    /// `26-03-25`
    DayFirst,
}

/// The order that the line of an entry proves: a number above 12 is a day.
pub fn day_order(line: &[u8]) -> Option<DayOrder> {
    let (one, two, _) = numeric_date(dos_date(without_return(line))?)?;
    let day_first = numeric_day((one, two), DayOrder::DayFirst);
    let month_first = numeric_day((one, two), DayOrder::MonthFirst);
    match (day_first, month_first) {
        (Some(_), None) => Some(DayOrder::DayFirst),
        (None, Some(_)) => Some(DayOrder::MonthFirst),
        _ => None,
    }
}

/// Whether the line of an entry has a date that depends on the order.
pub fn has_ambiguous_day(line: &[u8]) -> bool {
    let date = dos_date(without_return(line)).and_then(numeric_date);
    date.is_some_and(|(one, two, _)| {
        let day = |order| numeric_day((one, two), order);
        let (one, two) = (day(DayOrder::DayFirst), day(DayOrder::MonthFirst));
        one.is_some() && two.is_some() && one != two
    })
}

/// Reads one line without its line feed. `now` determines the year of times that have none; where
/// nothing proves the order of numbers, the time of `03-04-25` is unknown.
pub fn parse_list(line: &[u8], order: Option<DayOrder>, now: Timestamp) -> FtpLine<'_> {
    let line = without_return(line);
    if line.trim_ascii().is_empty() || is_total(line) {
        return FtpLine::Nothing;
    }
    if let Some((mode, rest)) = split_mode(line) {
        return unix(mode, rest, now).unwrap_or(FtpLine::Unreadable);
    }
    if let Some(entry) = dos(line, order) {
        return entry;
    }
    if begins_like_date(line) || begins_like_mode(line) || is_foreign_entry(line) {
        return FtpLine::Unreadable;
    }
    FtpLine::Unknown
}

/// Whether a line begins like a date: `26-03-25`, `2025/03/26`, `26.03.2025`.
fn begins_like_date(line: &[u8]) -> bool {
    let first = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    is_like_date(first)
}

/// Whether a line is a total, in any language: `total 123`, `i alt 123`, `Gesamt 4.0K`. Only a word
/// that is known begins with a capital: `Error 421` is no total.
fn is_total(line: &[u8]) -> bool {
    let is_gap = |byte: &u8| *byte == b' ';
    let Some(end) = line.trim_ascii_end().iter().rposition(is_gap) else {
        return false;
    };
    let (label, number) = (line[..end].trim_ascii(), line[end..].trim_ascii());
    let is_known = [&b"Total"[..], b"Gesamt"].contains(&label);
    let is_small = |byte: &u8| byte.is_ascii_lowercase() || !byte.is_ascii();
    let words = label.split(is_gap).filter(|word| !word.is_empty()).count();
    let is_label = label.first().is_some_and(is_small)
        && words <= TOTAL_WORDS_MAX
        && !label.iter().any(u8::is_ascii_digit);
    (is_known || is_label) && is_amount(number)
}

/// Whether a word is a number of blocks, or a size as `ls -h` writes it: `12`, `4.0K`, `1,2M`.
fn is_amount(word: &[u8]) -> bool {
    let digits = match word.split_last() {
        Some((b'k' | b'K' | b'M' | b'G' | b'T' | b'P' | b'E', digits)) => digits,
        _ => word,
    };
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits
            .iter()
            .all(|byte| byte.is_ascii_digit() || b".,".contains(byte))
}

fn split_mode(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mode, rest) = line.split_at_checked(MODE_BYTES)?;
    let permissions = |byte: &u8| b"-rwxsStTl".contains(byte);
    let is_mode = b"-dlbcpsD".contains(&mode[0]) && mode[1..].iter().all(permissions);
    // One more character means that the entry has an access list or a security label.
    let rest = match rest.first() {
        Some(b'+' | b'.' | b'@') => &rest[1..],
        _ => rest,
    };
    // A link count as wide as its column leaves no space before it.
    let is_apart = |byte: &u8| *byte == b' ' || byte.is_ascii_digit();
    (is_mode && rest.first().is_some_and(is_apart)).then_some((mode, rest))
}

fn unix<'l>(mode: &[u8], rest: &'l [u8], now: Timestamp) -> Option<FtpLine<'l>> {
    let (size, time, name) = fields(rest, now)?;
    Some(match mode[0] {
        b'd' => named(FtpEntry::Directory, name),
        b'l' => named(FtpEntry::Link, link_name(name)),
        b'-' if mode[OTHERS_READ] != b'r' => named(FtpEntry::Private, name),
        b'-' => {
            let size = size?;
            named(FtpEntry::File(ListedFile { size, time }), name)
        }
        _ => named(FtpEntry::Other, name),
    })
}

type ListFields<'l> = (Option<ListedSize>, Option<ListedTime>, &'l [u8]);

/// Returns size, time and name from the text after the mode: the first words that are a date, the
/// number before them, and the rest.
fn fields(rest: &[u8], now: Timestamp) -> Option<ListFields<'_>> {
    let undated = || before_date(rest, |text| odd_date(text).map(|name| (None, name)));
    before_date(rest, |text| date(text, now)).or_else(undated)
}

/// Returns the word before the first words that `date` accepts, and what `date` makes of them.
fn before_date<'l>(
    rest: &'l [u8],
    date: impl Fn(&'l [u8]) -> Option<(Option<ListedTime>, &'l [u8])>,
) -> Option<ListFields<'l>> {
    let mut at = rest;
    let mut last: &[u8] = b"";
    for _ in 0..WORDS_MAX {
        if last.first().is_some_and(u8::is_ascii_digit)
            && let Some((time, name)) = date(at)
        {
            return Some((size_of(last), time, name));
        }
        (last, at) = word(at)?;
    }
    None
}

/// A size in bytes, also with thousands separators; or a rounded one, as `ls -h` writes it.
fn size_of(word: &[u8]) -> Option<ListedSize> {
    let exact = number(word).or_else(|| grouped_number(word));
    exact.map(ListedSize::Exact).or_else(|| rounded_size(word))
}

/// The name after words that have the form of a date: three words with a day and a time or year, or
/// a numeric date and a time.
fn odd_date(text: &[u8]) -> Option<&[u8]> {
    let (one, rest) = word(text)?;
    let (two, after_two) = word(rest)?;
    let is_day_of_year = one.len() == 5 && is_like_date(&[one, b"-1"].concat());
    if (is_like_date(one) || is_day_of_year) && is_like_clock(two) {
        return Some(&after_two[1..]);
    }
    let (three, rest) = word(after_two)?;
    let is_year = three.len() == 4 && three.iter().all(u8::is_ascii_digit);
    let day = |word: &[u8]| {
        let end = word.iter().position(|byte| !byte.is_ascii_digit());
        within(&word[..end.unwrap_or(word.len())], &(1..=31)).is_some()
    };
    let is_date = (is_year || is_like_clock(three)) && (day(one) || day(two));
    is_date.then_some(&rest[1..])
}

/// Whether a word has the form of a time: `03:04`, `3:04:05`, `03:04PM`, with any numbers.
fn is_like_clock(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b":AaPpMm".contains(byte);
    word.first().is_some_and(u8::is_ascii_digit) && word.contains(&b':') && word.iter().all(is_part)
}

/// Splits off the next word.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = text.iter().position(|&byte| byte != b' ')?;
    let text = &text[start..];
    let end = text.iter().position(|&byte| byte == b' ')?;
    Some((&text[..end], &text[end..]))
}

/// Splits a date from the name, which follows after one space.
fn date(text: &[u8], now: Timestamp) -> Option<(Option<ListedTime>, &[u8])> {
    let (one, rest) = word(text)?;
    // `ls --time-style=iso` writes old dates without a time, and a space in its place.
    if let Some(name) = rest.strip_prefix(b"  ")
        && let Some(date) = iso(one)
        && word(rest).and_then(|(two, _)| clock(two)).is_none()
    {
        return Some((Some(dated(date)), name));
    }
    let (two, after_two) = word(rest)?;
    if let Some(date) = iso(one) {
        let mut rest = after_two;
        let time = timed(date, clock(two)?);
        // `ls --full-time` adds a time zone.
        if let Some((zone, after)) = word(rest)
            && matches!(zone.first(), Some(b'+' | b'-'))
            && zone.len() == 5
            && zone[1..].iter().all(u8::is_ascii_digit)
        {
            rest = after;
        }
        return Some((Some(time), &rest[1..]));
    }
    // The same style writes dates of this year as `01-02 03:04`.
    if let (Some((month, day)), Some(clock)) = (month_and_day(one), clock(two)) {
        return Some((without_year((month, day), clock, now), &after_two[1..]));
    }
    let day = |word| within(word, &(1..=31));
    let (month, day) = match (month(one), month(two)) {
        (Some(month), _) => (month, day(two)?),
        (_, Some(month)) => (month, day(one)?),
        _ => return None,
    };
    let (three, rest) = word(after_two)?;
    let time = if let Some(year) = within(three, &(1970..=9999)).filter(|_| three.len() == 4) {
        valid(year, month, day).map(dated)
    } else {
        without_year((month, day), clock(three)?, now)
    };
    Some((time, &rest[1..]))
}

fn iso(word: &[u8]) -> Option<Date> {
    let mut parts = word.split(|&byte| byte == b'-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || parts.next().is_some() {
        return None;
    }
    let year = within(year, &(1970..=9999))?;
    valid(year, within(month, &(1..=12))?, within(day, &(1..=31))?)
}

/// Reads `01-02`, with the month first.
fn month_and_day(word: &[u8]) -> Option<(u32, u32)> {
    let (month, day) = word.split_at_checked(2)?;
    let day = day.strip_prefix(b"-").filter(|day| day.len() == 2)?;
    Some((within(month, &(1..=12))?, within(day, &(1..=31))?))
}

/// Reads `03:04`, also with seconds. They are ignored: without a time zone they add no precision.
fn clock(word: &[u8]) -> Option<(u32, u32)> {
    let mut parts = word.split(|&byte| byte == b':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    Some((within(hour, &(0..=23))?, within(minute, &(0..=59))?))
}

fn timed(date: Date, (hour, minute): (u32, u32)) -> ListedTime {
    ListedTime {
        seconds: Timestamp::from_utc(date, (hour, minute, 0)).0,
        step_s: 60,
        is_utc: false,
    }
}

fn dated(date: Date) -> ListedTime {
    ListedTime {
        step_s: DAY_S,
        ..timed(date, (0, 0))
    }
}

/// The last time with this month, day and clock that is not in the future.
fn without_year((month, day): (u32, u32), clock: (u32, u32), now: Timestamp) -> Option<ListedTime> {
    let (this_year, _, _) = now.date();
    let years = (this_year - LEAP_YEARS..=this_year + 1).rev();
    let valid = |year: i64| valid(u32::try_from(year).ok()?, month, day);
    let mut times = years.filter_map(valid).map(|date| timed(date, clock));
    times.find(|time| time.seconds <= now.0 + FUTURE_S)
}

/// The name of a link, without the path that it leads to.
fn link_name(name: &[u8]) -> &[u8] {
    const ARROW: &[u8] = b" -> ";
    let arrow = name.windows(ARROW.len()).position(|text| text == ARROW);
    arrow.map_or(name, |arrow| &name[..arrow])
}

/// The date with which a line in DOS style begins.
fn dos_date(line: &[u8]) -> Option<&[u8]> {
    let (day, rest) = word(line)?;
    let (clock, _) = word(rest)?;
    (is_like_date(day) && is_like_clock(clock)).then_some(day)
}

fn dos(line: &[u8], order: Option<DayOrder>) -> Option<FtpLine<'_>> {
    let day = dos_date(line)?;
    let (_, rest) = word(line)?;
    let (clock, rest) = word(rest)?;
    let date = iso(day).or_else(|| numeric(day, order));
    let time = date.and_then(|date| Some(timed(date, twelve_hours(clock)?)));
    let (field, rest) = word(rest)?;
    if field.first().is_some_and(u8::is_ascii_digit) {
        let size = size_of(field)?;
        let file = ListedFile { size, time };
        return Some(named(FtpEntry::File(file), &rest[1..]));
    }
    let spaces = rest.iter().take(DOS_SPACES).take_while(|&&b| b == b' ');
    let name = &rest[spaces.count()..];
    match field {
        b"<DIR>" => Some(named(FtpEntry::Directory, name)),
        // `<JUNCTION>` or `<SYMLINKD>`, with the target in brackets after the name.
        _ if field.starts_with(b"<") && field.ends_with(b">") => {
            let name = name.trim_ascii_start();
            let target = name.windows(2).position(|text| text == b" [");
            let name = &name[..target.unwrap_or(name.len())];
            Some(named(FtpEntry::Link, name))
        }
        _ => None,
    }
}

/// Reads `01-02-20` or `01-02-2020` in that order, or in the only one that it can have.
fn numeric(word: &[u8], order: Option<DayOrder>) -> Option<Date> {
    let (one, two, year) = numeric_date(word)?;
    let day = |order| numeric_day((one, two), order);
    let (month, day) = match order {
        Some(order) => day(order)?,
        None => {
            let (one, two) = (day(DayOrder::MonthFirst), day(DayOrder::DayFirst));
            let is_sure = one.is_none() || two.is_none() || one == two;
            one.or(two).filter(|_| is_sure)?
        }
    };
    valid(year, month, day)
}

/// Month and day; `None` if they cannot be.
fn numeric_day((one, two): (u32, u32), order: DayOrder) -> Option<(u32, u32)> {
    let (month, day) = match order {
        DayOrder::MonthFirst => (one, two),
        DayOrder::DayFirst => (two, one),
    };
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((month, day))
}

/// The three numbers of `01-02-20` or `01-02-2020`, the last one as a year.
fn numeric_date(word: &[u8]) -> Option<(u32, u32, u32)> {
    let mut parts = word.split(|&byte| byte == b'-' || byte == b'/');
    let (one, two, year) = (parts.next()?, parts.next()?, parts.next()?);
    let year = match year.len() {
        2 => {
            let year = within(year, &(0..=99))?;
            year + if year < 70 { 2000 } else { 1900 }
        }
        4 => within(year, &(1970..=9999))?,
        _ => return None,
    };
    Some((within(one, &(1..=31))?, within(two, &(1..=31))?, year))
}

/// Reads `03:04PM`, or `15:04`.
fn twelve_hours(word: &[u8]) -> Option<(u32, u32)> {
    let upper = word.to_ascii_uppercase();
    let (digits, noon) = if let Some(digits) = upper.strip_suffix(b"AM") {
        (digits, Some(0))
    } else if let Some(digits) = upper.strip_suffix(b"PM") {
        (digits, Some(12))
    } else {
        (upper.as_slice(), None)
    };
    let (hour, minute) = clock(digits)?;
    match noon {
        Some(noon) if (1..=12).contains(&hour) => Some((hour % 12 + noon, minute)),
        Some(_) => None,
        None => Some((hour, minute)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2020-01-20 12:00:00 UTC.
    /// The order of IIS.
    const ORDER: Option<DayOrder> = Some(DayOrder::MonthFirst);
    const NOW: Timestamp = Timestamp(1_579_521_600);

    /// 2020-01-02 03:04:00 UTC.
    const MINUTE: i64 = 1_577_934_240;

    fn file(size: u64, seconds: i64, step_s: u32) -> FtpEntry {
        FtpEntry::File(ListedFile {
            size: ListedSize::Exact(size),
            time: Some(ListedTime {
                seconds,
                step_s,
                is_utc: false,
            }),
        })
    }

    fn check(cases: &[(&str, FtpEntry, &str)]) {
        for (line, entry, name) in cases {
            let found = parse_list(line.as_bytes(), ORDER, NOW);
            assert_eq!(found, FtpLine::Entry(*entry, name.as_bytes()), "{line}");
        }
    }

    #[test]
    fn unix_style_is_read_to_the_byte() {
        let minute = file(11, MINUTE, 60);
        let day = file(11, MINUTE - 3 * 3600 - 240, DAY_S);
        check(&[
            (
                "-rw-r--r--    1 ftp      ftp            11 Jan 02 03:04 a b\r",
                minute,
                "a b",
            ),
            (
                "-rw-r--r--   1 ftp      ftp            11 Jan  2 03:04  lead ",
                minute,
                " lead ",
            ),
            (
                "-rw-r--r--    1 ftp      ftp            11 Jan 02  2020 x",
                day,
                "x",
            ),
            (
                "-rw-r--r--    1 0          0          11 Jan  2  2020 Jan 02 2020 x",
                day,
                "Jan 02 2020 x",
            ),
            (
                "-rw-r--r--+ 1 root 11 Jan 2 03:04 no group",
                minute,
                "no group",
            ),
            (
                "-rw-r--r--. 1 A\\joe Domain Users 11 Jan 2 03:04 x",
                minute,
                "x",
            ),
            ("-rwxr-xr-x 1 u g 11 2 Jan 03:04 x", minute, "x"),
            ("-rw-r--r--@ 1 u g 11 Jan 2 03:04 x", minute, "x"),
            ("-rw-r--r-- 1 u g 11 2020-01-02 03:04 x", minute, "x"),
            ("-rw-r--r-- 1 u g 11 2020-01-02  x", day, "x"),
            ("-rw-r--r-- 1 u g 11 2020-01-02   x", day, " x"),
            ("-rw-r--r-- 1 u g 11 01-02 03:04 x", minute, "x"),
            (
                "-rw-r--r-- 1 u g 11 2020-01-02 03:04:05.678 +0000 x",
                minute,
                "x",
            ),
            (
                "-rw-r--r-- 1 u g 12345678901 Dec 31 23:59 x",
                file(12_345_678_901, 1_577_836_740, 60),
                "x",
            ),
            ("-rw-r----- 1 u g 11 Jan 2 03:04 p", FtpEntry::Private, "p"),
            (
                "drwxr-xr-x 2 u g 4096 Jan 2 03:04 d",
                FtpEntry::Directory,
                "d",
            ),
            (
                "lrwxrwxrwx 1 u g 4 Jan 2 03:04 l x -> y -> z",
                FtpEntry::Link,
                "l x",
            ),
            (
                "crw-r--r-- 1 u g 1, 3 Jan 2 03:04 null",
                FtpEntry::Other,
                "null",
            ),
            ("-rw-r--r-- 1 u g 11 Jan 2 03:04 a -> b", minute, "a -> b"),
        ]);
    }

    type Ymd = Option<(i64, u32, u32)>;

    /// A date, what it proves, and its meaning without an order, by day and by month first.
    const DATES: [(&str, Option<DayOrder>, Ymd, Ymd, Ymd); 8] = [
        (
            "03-04-25",
            None,
            None,
            Some((2025, 4, 3)),
            Some((2025, 3, 4)),
        ),
        (
            "03/04/2025",
            None,
            None,
            Some((2025, 4, 3)),
            Some((2025, 3, 4)),
        ),
        (
            "26-03-25",
            DAY,
            Some((2025, 3, 26)),
            Some((2025, 3, 26)),
            None,
        ),
        (
            "03-26-25",
            MONTH,
            Some((2025, 3, 26)),
            None,
            Some((2025, 3, 26)),
        ),
        // One and the same.
        (
            "03-03-25",
            None,
            Some((2025, 3, 3)),
            Some((2025, 3, 3)),
            Some((2025, 3, 3)),
        ),
        ("31-02-25", DAY, None, None, None),
        ("13-13-25", None, None, None, None),
        (
            "2025-03-04",
            None,
            Some((2025, 3, 4)),
            Some((2025, 3, 4)),
            Some((2025, 3, 4)),
        ),
    ];
    const DAY: Option<DayOrder> = Some(DayOrder::DayFirst);
    const MONTH: Option<DayOrder> = Some(DayOrder::MonthFirst);

    #[test]
    fn the_order_of_a_date_is_proved_or_the_time_is_unknown() {
        let time = |line: &str, order| match parse_list(line.as_bytes(), order, NOW) {
            FtpLine::Entry(FtpEntry::File(file), b"x") => {
                file.time.map(|time| Timestamp(time.seconds).date())
            }
            odd => panic!("{line}: {odd:?}"),
        };
        for (date, proof, unordered, day_first, month_first) in DATES {
            let line = format!("{date}  01:41PM  5000 x");
            assert_eq!(day_order(line.as_bytes()), proof, "{date}");
            assert_eq!(time(&line, None), unordered, "{date}");
            assert_eq!(time(&line, DAY), day_first, "{date}");
            assert_eq!(time(&line, MONTH), month_first, "{date}");
            let differs = day_first.is_some() && month_first.is_some() && unordered.is_none();
            assert_eq!(has_ambiguous_day(line.as_bytes()), differs, "{date}");
        }
        for line in [
            "",
            "-rw-r--r-- 1 u g 11 Jan 2 2020 x",
            "03-26-25 x",
            "26-03-25",
        ] {
            assert_eq!(day_order(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn dos_style_is_read_to_the_byte() {
        let minute = file(11, MINUTE, 60);
        check(&[
            ("01-02-20  03:04AM                   11 a b", minute, "a b"),
            (
                "01-02-2020  03:04AM                 11  lead",
                minute,
                " lead",
            ),
            (
                "01-02-20  03:04PM                   11 x",
                file(11, MINUTE + 12 * 3600, 60),
                "x",
            ),
            (
                "01-02-20  12:04AM                   11 x",
                file(11, MINUTE - 3 * 3600, 60),
                "x",
            ),
            ("2020-01-02  03:04                   11 x", minute, "x"),
            (
                "01-29-97  11:32PM       <DIR>           prog",
                FtpEntry::Directory,
                " prog",
            ),
            (
                "01-29-97  11:32PM       <DIR> prog",
                FtpEntry::Directory,
                "prog",
            ),
            (
                "01-29-97  11:32PM    <SYMLINKD>     l [C:\\x]",
                FtpEntry::Link,
                "l",
            ),
        ]);
    }

    #[test]
    fn a_date_that_cannot_be_read_leaves_the_time_unknown() {
        let file = |size| FtpEntry::File(ListedFile { size, time: None });
        let exact = |size| file(ListedSize::Exact(size));
        check(&[
            ("-rw-r--r-- 1 u g 11 Foo 2 03:04 a", exact(11), "a"),
            ("-rw-r--r-- 1 u g 11 26 Mrz 2025 a b", exact(11), "a b"),
            ("-rw-r--r-- 1 u g 11 M\u{e4}r 26 13:41  a", exact(11), " a"),
            ("-rw-r--r-- 1 u g 11 26. M\u{e4}r 13:41 a", exact(11), "a"),
            ("-rw-r--r-- 1 u g 11 3\u{6708} 26 13:41 a", exact(11), "a"),
            ("-rw-r--r-- 1 u g 11 26.03.2025 13:41 a", exact(11), "a"),
            ("-rw-r--r-- 1 u g 11 Feb 30 2025 a", exact(11), "a"),
            (
                "drwxr-xr-x 2 u g 4096 26 juil. 2025 d",
                FtpEntry::Directory,
                "d",
            ),
            ("26-03-25  01:41PM  5,000 a.iso", exact(5000), "a.iso"),
            ("26.03.2025  13:41  5.000 a.iso", exact(5000), "a.iso"),
            ("26/03/2025  13:41  5000 a.iso", exact(5000), "a.iso"),
            ("01-02-20  13:04AM   11 x", exact(11), "x"),
            ("-rw-r--r-- 1 u g 11 30-02 03:04 x", exact(11), "x"),
        ]);
    }

    #[test]
    fn full_columns_and_thousands_are_read() {
        let day = |size| file(size, 1_742_947_200, DAY_S);
        let minute = file(5000, 1_742_996_460, 60);
        check(&[
            (
                "-rw-r--r--+1464 u g 5000 Mar 26  2025 a.iso",
                day(5000),
                "a.iso",
            ),
            ("-rw-r--r--1464 u g 5000 Mar 26  2025 a", day(5000), "a"),
            ("-rw-r--r-- 1 u g 5,000 Mar 26  2025 a", day(5000), "a"),
            ("03-26-25  01:41PM  5,000 a.iso", minute, "a.iso"),
            ("03-26-25  01:41PM  5.000 a.iso", minute, "a.iso"),
            ("03-26-25  01:41PM  5'000 a.iso", minute, "a.iso"),
        ]);
        let found = parse_list(b"-rw-r--r-- 1 u g 4.9K Mar 26  2025 a", ORDER, NOW);
        let FtpLine::Entry(FtpEntry::File(file), b"a") = found else {
            panic!("{found:?}");
        };
        assert!(file.size.admits(5000) && !file.size.admits(6000));
    }

    #[test]
    fn a_time_without_a_year_is_the_last_one() {
        for (now, text, expected) in [
            ("2020-01-20", "Jan 20 13:00", "2020-01-20T13:00:00Z"),
            // Far in the east it is tomorrow already.
            ("2020-01-20", "Jan 21 11:00", "2020-01-21T11:00:00Z"),
            ("2020-01-20", "Jan 22 00:00", "2019-01-22T00:00:00Z"),
            ("2019-12-31", "Jan 01 02:00", "2020-01-01T02:00:00Z"),
            ("2020-01-01", "Dec 31 23:00", "2019-12-31T23:00:00Z"),
            ("2021-01-10", "Feb 29 03:04", "2020-02-29T03:04:00Z"),
        ] {
            let date = iso(now.as_bytes()).expect("a date");
            let now = Timestamp::from_utc(date, (12, 0, 0));
            let line = format!("-rw-r--r-- 1 u g 1 {text} x");
            let FtpLine::Entry(FtpEntry::File(file), _) = parse_list(line.as_bytes(), ORDER, now)
            else {
                panic!("{line}");
            };
            let seconds = file.time.expect("a time").seconds;
            assert_eq!(Timestamp(seconds).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_entry_is_never_a_file() {
        for (line, expected) in [
            ("", FtpLine::Nothing),
            ("total 123\r", FtpLine::Nothing),
            ("insgesamt 123", FtpLine::Nothing),
            ("total 4.0K", FtpLine::Nothing),
            ("total 1,2M", FtpLine::Nothing),
            ("total 0", FtpLine::Nothing),
            ("Total 12", FtpLine::Nothing),
            ("Gesamt 12", FtpLine::Nothing),
            ("\u{438}\u{442}\u{43e}\u{433}\u{43e} 12", FtpLine::Nothing),
            ("\u{5408}\u{8a08} 4.0K", FtpLine::Nothing),
            ("yhteens\u{e4} 1024", FtpLine::Nothing),
            ("i alt 12", FtpLine::Nothing),
            ("Error 421", FtpLine::Unknown),
            ("total 12 files", FtpLine::Unknown),
            ("total many", FtpLine::Unknown),
            ("total 4.0K of 8", FtpLine::Unknown),
            ("drwxr-xr-x 2 u g 4096 Jan 2 03:04 .", FtpLine::Here),
            ("drwxr-xr-x 2 u g 4096 Jan 2 03:04 ..", FtpLine::Here),
            ("-rw-r--r-- 1 u g 11 Jan 2 03:04 ", FtpLine::Unreadable),
            ("-rw-r--r-- 1 u g 11 Jan 2 03:04 a/b", FtpLine::Unreadable),
            ("-rw-r--r-- 1 u g 11 Foo Bar a", FtpLine::Unreadable),
            ("?--------- ? ? ? ? ? a", FtpLine::Unreadable),
            ("-rw-r--r-* 1 u g 11 Jan 2 03:04 a", FtpLine::Unreadable),
            ("-rw-r", FtpLine::Unreadable),
            ("----- pub -----", FtpLine::Unknown),
            ("-------------", FtpLine::Unknown),
            ("-rw-r--r-- 1 u g many Jan 2 03:04 a", FtpLine::Unreadable),
            ("-rw-r--r-- 1 u g 9x Jan 2 03:04 a", FtpLine::Unreadable),
            ("-rw-r--r-- ", FtpLine::Unreadable),
            ("01-02-20  03:04AM   <DIR", FtpLine::Unreadable),
            ("01-02-20  03:04AM   many x", FtpLine::Unreadable),
            ("01-02-20  at noon   11 x", FtpLine::Unreadable),
            ("2020.01.02", FtpLine::Unreadable),
            ("3 files", FtpLine::Unknown),
            ("Volume in drive C is PUB", FtpLine::Unknown),
            ("d [R----F--] boss 512 Jan 16 18:53 a", FtpLine::Unreadable),
            ("FILE.TXT;1 100/104 2-JAN-2020", FtpLine::Unreadable),
            ("+i8388621.48594,m825718503,r,s280,\ta", FtpLine::Unreadable),
        ] {
            assert_eq!(parse_list(line.as_bytes(), ORDER, NOW), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_name_comes_back(name in prop::collection::vec(1..=255_u8, 1..40)) {
            prop_assume!(!name.contains(&b'/') && !name.ends_with(b"\r"));
            prop_assume!(name != b"." && name != b"..");
            for start in [
                "drwxr-xr-x 2 ftp ftp 4096 Jan 02  2020 ",
                "01-29-97  11:32PM       <DIR>          ",
            ] {
                let line = [start.as_bytes(), &name].concat();
                let expected = FtpLine::Entry(FtpEntry::Directory, &name);
                prop_assert_eq!(parse_list(&line, ORDER, NOW), expected);
            }
        }

        #[test]
        fn any_bytes_are_read(line in prop::collection::vec(any::<u8>(), 0..80)) {
            parse_list(&line, ORDER, NOW);
        }

        #[test]
        fn anything_behind_a_mode_is_read(
            rest in "[ 0-9/:a<>\\-JanDec]{0,60}",
            now in any::<i32>(),
        ) {
            parse_list(format!("-rw-r--r-- {rest}").as_bytes(), ORDER, Timestamp(now.into()));
            parse_list(format!("0{rest}").as_bytes(), ORDER, Timestamp(now.into()));
        }
    }
}
