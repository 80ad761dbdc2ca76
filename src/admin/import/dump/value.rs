//! Reads values in PostgreSQL's text formats.

use crate::domain::time::Timestamp;

/// `t`, `true`, `1`… as PostgreSQL reads booleans.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"t" | b"true" | b"y" | b"yes" | b"on" | b"1" => Some(true),
        b"f" | b"false" | b"n" | b"no" | b"off" | b"0" => Some(false),
        _ => None,
    }
}

/// A decimal integer.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    // A loop of our own: arrays have a hundred million of them, and `str::parse` would first
    // check the text for UTF-8.
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(i64::from(digit - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

/// A numeric or a float; `NaN`, `Infinity` and `-Infinity` are numbers of PostgreSQL, too.
pub(crate) fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// bytea: `\x` and hexadecimal digits, or the escape format of before 9.0.
pub(crate) fn bytea(text: &[u8]) -> Option<Vec<u8>> {
    match text.strip_prefix(b"\\x") {
        Some(hex) => bytea_hex(hex),
        None => bytea_escaped(text),
    }
}

fn bytea_hex(hex: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, odd) = hex.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8))
        .collect()
}

/// `\\` is a backslash, `\ooo` a byte in octal, everything else itself.
fn bytea_escaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        match rest {
            [] => return Some(out),
            [b'\\', b'\\', after @ ..] => {
                out.push(b'\\');
                rest = after;
            }
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            [b'\\', ..] => return None,
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

/// Gives each number of a one-dimensional array `{1,2,NULL}`; NULL elements are passed over.
/// `[0:2]={…}` is how PostgreSQL writes an array that does not begin at 1.
pub(crate) fn integers(text: &[u8], mut give: impl FnMut(i64)) -> Option<()> {
    let body = match text.first() {
        Some(b'[') => {
            let equals = text.iter().position(|&byte| byte == b'=')?;
            &text[equals + 1..]
        }
        _ => text,
    };
    let body = body.strip_prefix(b"{")?.strip_suffix(b"}")?;
    if body.is_empty() {
        return Some(());
    }
    for element in body.split(|&byte| byte == b',') {
        let element = element.trim_ascii();
        if !element.eq_ignore_ascii_case(b"NULL") {
            give(integer(element)?);
        }
    }
    Some(())
}

/// `2014-06-03 14:51:20.123+02`, as pg_dump writes timestamps (DateStyle ISO); fractions of a
/// second are dropped, a missing zone is UTC.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once([' ', 'T'])?;
    let zone_at = rest.find(['+', '-', 'Z', 'z']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let mut date = date.split('-');
    let year: i64 = date.next()?.parse().ok()?;
    let month: u32 = date.next()?.parse().ok()?;
    let day: u32 = date.next()?.parse().ok()?;
    let mut clock = clock.split(':');
    let hour: u32 = clock.next()?.parse().ok()?;
    let minute: u32 = clock.next()?.parse().ok()?;
    let second: u32 = clock.next()?.split('.').next()?.parse().ok()?;
    let valid = (0..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 24
        && minute <= 59
        && second <= 60;
    if !valid || date.next().is_some() || clock.next().is_some() {
        return None;
    }
    let local = Timestamp::from_utc((year, month, day), (hour, minute, second));
    Some(Timestamp(local.0 - zone_seconds(zone)?))
}

/// `+02`, `-03:30`, `+05:53:28`, `Z`, or nothing.
fn zone_seconds(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => (1, &zone[1..]),
        [b'-', ..] => (-1, &zone[1..]),
        _ => return None,
    };
    let mut seconds = 0;
    for (part, unit) in digits.split(':').zip([3600, 60, 1]) {
        let part: u32 = part.parse().ok().filter(|part| *part < 60)?;
        seconds += i64::from(part) * unit;
    }
    Some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn booleans_and_numbers_are_read() {
        for (text, expected) in [
            ("t", Some(true)),
            ("TRUE", Some(true)),
            ("1", Some(true)),
            ("f", Some(false)),
            ("off", Some(false)),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(boolean(text.as_bytes()), expected, "{text}");
        }
        for (text, expected) in [
            ("0", Some(0)),
            ("-5", Some(-5)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("1.0", None),
            ("1 ", None),
        ] {
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(number(b"-96.597"), Some(-96.597));
        assert!(number(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(number(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(number(b"north"), None);
    }

    #[test]
    fn both_formats_of_bytea_are_read() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"\\x", Some(b"")),
            (b"\\x00FFa9", Some(b"\x00\xff\xa9")),
            (b"\\x0", None),
            (b"\\xzz", None),
            (b"", Some(b"")),
            (b"abc\\\\d\\000\\377", Some(b"abc\\d\x00\xff")),
            (b"\\400", None),
            (b"a\\", None),
        ];
        for (text, expected) in cases {
            let found = bytea(text);
            assert_eq!(found.as_deref(), *expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn arrays_are_read() {
        let cases: &[(&str, Option<&[i64]>)] = &[
            ("{}", Some(&[])),
            ("{1}", Some(&[1])),
            ("{1,-2,70000}", Some(&[1, -2, 70_000])),
            ("{1,NULL,3}", Some(&[1, 3])),
            ("[0:1]={7,8}", Some(&[7, 8])),
            ("{1,}", None),
            ("{1", None),
            ("1,2", None),
            ("", None),
            ("{{1},{2}}", None),
            ("[0:1]", None),
        ];
        for (text, expected) in cases {
            let mut found = Vec::new();
            let read = integers(text.as_bytes(), |number| found.push(number));
            assert_eq!(read.map(|()| found.as_slice()), *expected, "{text}");
        }
    }

    #[test]
    fn timestamps_are_read_with_their_zone() {
        for (text, expected) in [
            ("2014-06-03 14:51:20+00", Some(1_401_807_080)),
            ("2014-06-03 16:51:20.987654+02", Some(1_401_807_080)),
            ("2014-06-03 11:21:20-03:30", Some(1_401_807_080)),
            ("2014-06-03T14:51:20Z", Some(1_401_807_080)),
            ("2014-06-03 14:51:20", Some(1_401_807_080)),
            ("2014-13-03 14:51:20", None),
            ("2014-06-03", None),
            ("infinity", None),
            ("2014-06-03 14:51:20+x", None),
        ] {
            assert_eq!(timestamp(text).map(|time| time.0), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_none(text in "\\PC{0,24}", bytes in prop::collection::vec(
            prop_oneof![Just(b'\\'), Just(b'{'), Just(b','), Just(b'}'), any::<u8>()], 0..24)) {
            let _ = (timestamp(&text), boolean(&bytes), number(&bytes), bytea(&bytes));
            let _ = integers(&bytes, |_| ());
        }

        #[test]
        fn timestamps_of_any_shape_are_read_or_refused(
            text in "[0-9]{1,5}(-[0-9]{1,3}){2} [0-9]{1,3}(:[0-9]{1,3}){2}[.0-9]{0,4}[-+Z0-9:]{0,9}"
        ) {
            let _ = timestamp(&text);
        }
    }
}
