//! Reads how many bytes of a file a `Range` field asks for (RFC 9110, section 14.2).

/// The part of a file that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedRange {
    /// All of it: there is no such field.
    Whole,
    /// Ranges of together so many bytes.
    Bytes(u64),
    /// The field cannot be read.
    Unreadable,
}

impl AskedRange {
    /// Reads the field. `size` is the file's; without one, an open range counts as endless.
    pub fn parse(field: &[u8], size: Option<u64>) -> AskedRange {
        if field.is_empty() {
            return AskedRange::Whole;
        }
        match bytes(field, size.unwrap_or(u64::MAX)) {
            Some(bytes) => AskedRange::Bytes(bytes),
            None => AskedRange::Unreadable,
        }
    }
}

fn bytes(field: &[u8], size: u64) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut sum: u64 = 0;
    for range in ranges.split(',') {
        let (first, last) = range.trim().split_once('-')?;
        let length = match (number(first), number(last)) {
            // The last bytes of the file.
            (None, Some(suffix)) if first.is_empty() => suffix.min(size),
            (Some(first), None) if last.is_empty() => size.saturating_sub(first),
            (Some(first), Some(last)) if first <= last => {
                let end = last.saturating_add(1).min(size);
                end.saturating_sub(first)
            }
            _ => return None,
        };
        sum = sum.saturating_add(length);
    }
    // Ranges that overlap promise no more than the file has.
    Some(sum.min(size))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_added() {
        use AskedRange::{Bytes, Unreadable, Whole};
        for (field, expected) in [
            ("", Whole),
            ("bytes=0-", Bytes(10_000)),
            ("Bytes = 0-99", Bytes(100)),
            ("bytes=9000-99999", Bytes(1000)),
            ("bytes=-500", Bytes(500)),
            ("bytes=-99999", Bytes(10_000)),
            ("bytes=0-0, 5-9", Bytes(6)),
            ("bytes=0-,0-", Bytes(10_000)),
            ("bytes=20000-", Bytes(0)),
            ("bytes=0-99999999999999999999999", Bytes(10_000)),
            ("bytes=5-2", Unreadable),
            ("bytes=", Unreadable),
            ("bytes=-", Unreadable),
            ("bytes=a-b", Unreadable),
            ("bytes=+1-2", Unreadable),
            ("items=0-5", Unreadable),
            ("0-5", Unreadable),
        ] {
            let read = AskedRange::parse(field.as_bytes(), Some(10_000));
            assert_eq!(read, expected, "{field}");
        }
        assert_eq!(AskedRange::parse(b"bytes=5-9", None), Bytes(5));
    }
}
