//! Reads lines of `rsync --list-only`, as rsync 3.1 to 3.5 write them.
//!
//! A line is `-rw-r--r--          11 2026/11/22 17:04:51 dir/name`: type and permissions, size,
//! date and time in the time zone of the process (we set UTC), one space, and the name relative to
//! the URL. Without `--no-human-readable` sizes have thousands separators. rsync writes unprintable
//! bytes of names as `\#ooo` (octal), and a backslash before `#` and three digits as `\#134`; it
//! escapes nothing else, so decoding is exact. A name with a line feed is still one line.
//!
//! # Security
//! A mirror can send any name and any text: a line that is not exactly of this form is a
//! [`RsyncLine::Message`] or [`RsyncLine::Unreadable`], never a file.

use super::listed::number;
use super::mode::{MODE_BYTES, OTHERS_READ, begins_like_mode};
use crate::domain::file::FileVersion;
use crate::domain::time::Timestamp;

/// The meaning of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsyncLine {
    /// A regular file that everybody may read, so that a web server delivers it.
    File(FileVersion),
    /// A regular file that a web server will refuse (mode & 004 is not set).
    Private,
    /// A directory; `.` is the URL itself.
    Directory,
    /// A symlink; the listing does not say what it leads to.
    Link,
    /// A device, socket or pipe, which is not a file here, as in MirrorBrain.
    Other,
    /// The line of an entry whose mode, size or time cannot be read: the listing is incomplete.
    Unreadable,
    /// Not an entry: a greeting or another message.
    Message,
}

/// Last year that is accepted, so that the seconds fit 64 bits.
const YEAR_MAX: u32 = 999_999_999;

/// Reads one line without its line feed. For an entry, `name` becomes its name.
pub fn parse_line(line: &[u8], name: &mut Vec<u8>) -> RsyncLine {
    name.clear();
    let Some((mode, rest)) = split_mode(line) else {
        return match begins_like_mode(line) {
            true => RsyncLine::Unreadable,
            false => RsyncLine::Message,
        };
    };
    let Some((version, raw_name)) = split_fields(rest) else {
        return RsyncLine::Unreadable;
    };
    unescape_into(raw_name, name);
    match mode[0] {
        b'-' if mode[OTHERS_READ] == b'r' => RsyncLine::File(version),
        b'-' => RsyncLine::Private,
        b'd' => RsyncLine::Directory,
        b'l' => RsyncLine::Link,
        _ => RsyncLine::Other,
    }
}

fn split_mode(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mode, rest) = line.split_at_checked(MODE_BYTES)?;
    let permissions = |byte: &u8| b"-rwxsStT".contains(byte);
    let is_mode = b"-dlbcpsD".contains(&mode[0]) && mode[1..].iter().all(permissions);
    (is_mode && rest.first() == Some(&b' ')).then_some((mode, rest))
}

fn split_fields(rest: &[u8]) -> Option<(FileVersion, &[u8])> {
    let start = rest.iter().position(|&byte| byte != b' ')?;
    let (size, rest) = word(&rest[start..])?;
    let (date, rest) = word(rest)?;
    let (time, name) = word(rest)?;
    let (year, month_day) = split_at(date, b'/')?;
    let (month, day) = split_at(month_day, b'/')?;
    let (hour, minute_second) = split_at(time, b':')?;
    let (minute, second) = split_at(minute_second, b':')?;
    let date = (
        i64::from(within(year, 0, YEAR_MAX)?),
        within(month, 1, 12)?,
        within(day, 1, 31)?,
    );
    // 60 is a leap second.
    let time = (
        within(hour, 0, 23)?,
        within(minute, 0, 59)?,
        within(second, 0, 60)?,
    );
    let version = FileVersion {
        size: number(size)?,
        mtime: Timestamp::from_utc(date, time).0,
    };
    (!name.is_empty()).then_some((version, name))
}

/// The bytes before the next space, and those after it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    split_at(bytes, b' ')
}

fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn within(digits: &[u8], least: u32, most: u32) -> Option<u32> {
    let value = u32::try_from(number(digits)?).ok()?;
    (least..=most).contains(&value).then_some(value)
}

/// Appends a name that rsync wrote, without rsync's escapes.
pub fn unescape_into(written: &[u8], out: &mut Vec<u8>) {
    let mut rest = written;
    // Most names have no escape; `contains` looks at many bytes at a time.
    if !rest.contains(&b'\\') {
        out.extend_from_slice(rest);
        return;
    }
    while let Some(index) = rest.iter().position(|&byte| byte == b'\\') {
        out.extend_from_slice(&rest[..index]);
        rest = &rest[index..];
        if let Some(byte) = escaped_byte(rest) {
            out.push(byte);
            rest = &rest[5..];
        } else {
            out.push(b'\\');
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
}

/// The byte that `\#ooo` at the start of the text stands for.
fn escaped_byte(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"\\#")?.get(..3)?;
    let value = digits.iter().try_fold(0_u32, |sum, &byte| {
        (byte as char).to_digit(8).map(|digit| sum * 8 + digit)
    })?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &[u8]) -> (RsyncLine, Vec<u8>) {
        let mut name = b"left over".to_vec();
        let parsed = parse_line(line, &mut name);
        (parsed, name)
    }

    fn file(size: u64, mtime: i64) -> RsyncLine {
        RsyncLine::File(FileVersion { size, mtime })
    }

    #[test]
    fn lines_of_rsync_are_read_to_the_byte() {
        let cases: &[(&[u8], RsyncLine, &[u8])] = &[
            (
                b"-rw-r--r--           0 2023/11/14 22:13:20  lead",
                file(0, 1_700_000_000),
                b" lead",
            ),
            (
                b"-rw-r--r-- 12345678901234 1969/12/31 23:59:55 a b ",
                file(12_345_678_901_234, -5),
                b"a b ",
            ),
            (
                b"-rw-r--r--           7 1901/12/13 20:45:52 x -> y",
                file(7, -2_147_483_648),
                b"x -> y",
            ),
            (
                b"-rwsr-Sr-t           7 2446/05/10 22:38:55 end\\#012",
                file(7, 15_032_385_535),
                b"end\n",
            ),
            (
                b"-rw-r--r--           7 12026/01/01 00:00:00 far",
                file(7, 317_336_745_600),
                b"far",
            ),
            (
                b"-rw-r-----           0 2026/11/22 17:04:51 -dash",
                RsyncLine::Private,
                b"-dash",
            ),
            (
                b"drwxr-xr-x        4096 2026/11/22 17:04:51 .",
                RsyncLine::Directory,
                b".",
            ),
            (
                b"lrwxrwxrwx           4 2026/11/22 17:04:51 dirlink",
                RsyncLine::Link,
                b"dirlink",
            ),
            (
                b"prw-r--r--           0 2026/11/22 17:04:51 fifo",
                RsyncLine::Other,
                b"fifo",
            ),
        ];
        for (line, expected, name) in cases {
            assert_eq!(parse(line), (*expected, name.to_vec()), "{:?}", line);
        }
    }

    #[test]
    fn what_is_no_entry_is_never_a_file() {
        for (line, expected) in [
            (&b""[..], RsyncLine::Message),
            (b"welcome to our mirror", RsyncLine::Message),
            (b"----- welcome -----", RsyncLine::Message),
            (b"-rw-r--r--", RsyncLine::Unreadable),
            (
                b"-rw-r--r--x 1 2026/11/22 17:04:51 a",
                RsyncLine::Unreadable,
            ),
            (
                b"-rw-r--r--. 1 2026/11/22 17:04:51 a",
                RsyncLine::Unreadable,
            ),
            (b"*missing   a", RsyncLine::Message),
            (b"-rw-r--r-- ", RsyncLine::Unreadable),
            (
                b"-rw-r--r-- 1,234 2026/11/22 17:04:51 a",
                RsyncLine::Unreadable,
            ),
            (b"-rw-r--r-- 1 2026/11/22 17:04:51", RsyncLine::Unreadable),
            (b"-rw-r--r-- 1 2026/11/22 17:04:51 ", RsyncLine::Unreadable),
            (b"-rw-r--r-- 1 2026/13/22 17:04:51 a", RsyncLine::Unreadable),
            (b"-rw-r--r-- 1 2026-11-22 17:04:51 a", RsyncLine::Unreadable),
            (
                b"-rw-r--r-- -1 2026/11/22 17:04:51 a",
                RsyncLine::Unreadable,
            ),
            (
                b"-rw-r--r-- 99999999999999999999 2026/11/22 17:04:51 a",
                RsyncLine::Unreadable,
            ),
        ] {
            assert_eq!(parse(line).0, expected, "{:?}", line.escape_ascii());
        }
    }

    #[test]
    fn escapes_are_decoded_exactly() {
        for (written, expected) in [
            (&b"new\\#012line"[..], &b"new\nline"[..]),
            (b"back\\slash", b"back\\slash"),
            (b"esc\\#134#012x", b"esc\\#012x"),
            (b"latin\\#374 utf\\#303\\#274", b"latin\xfc utf\xc3\xbc"),
            (b"a\\#12", b"a\\#12"),
            (b"a\\#777", b"a\\#777"),
            (b"\\\\#000", b"\\\0"),
            (b"end\\", b"end\\"),
        ] {
            let mut out = Vec::new();
            unescape_into(written, &mut out);
            assert_eq!(out, expected, "{}", written.escape_ascii());
        }
    }

    /// As rsync escapes.
    fn escape(name: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, &byte) in name.iter().enumerate() {
            let after = &name[index + 1..];
            let looks_escaped = byte == b'\\'
                && after.first() == Some(&b'#')
                && after.len() > 3
                && after[1..4].iter().all(u8::is_ascii_digit);
            if looks_escaped || byte < b' ' && byte != b'\t' {
                out.extend(format!("\\#{byte:03o}").bytes());
            } else {
                out.push(byte);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_name_comes_back(name in prop::collection::vec(
            prop_oneof![Just(b'\\'), Just(b'#'), Just(b'0'), any::<u8>()], 1..40)) {
            let mut out = Vec::new();
            unescape_into(&escape(&name), &mut out);
            prop_assert_eq!(out, name);
        }

        #[test]
        fn any_bytes_are_read(line in prop::collection::vec(any::<u8>(), 0..80)) {
            parse(&line);
        }

        #[test]
        fn anything_behind_a_mode_is_read(rest in "[ 0-9/:a\\\\#-]{0,60}") {
            parse(format!("-rw-r--r-- {rest}").as_bytes());
        }
    }
}
