//! Name, size and time of a file in a listing, as precise as its protocol allows.

use crate::domain::path::PATH_BYTES_MAX;

/// A file's size in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedSize {
    /// Exact number of bytes.
    Exact(u64),
    /// A rounded size: smallest and largest number of bytes that it may stand for.
    Between(u64, u64),
    /// The listing has no size.
    Unknown,
}

/// A file's time in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedTime {
    /// Seconds since 1970, read as if the time were in UTC.
    pub seconds: i64,
    /// Precision: 1, 60 or 86,400 seconds; smaller units were cut off.
    pub step_s: u32,
    /// Whether the time is in UTC; if not, the server's time zone is unknown.
    pub is_utc: bool,
}

/// A file in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFile {
    /// Its size.
    pub size: ListedSize,
    /// Its time, if the listing has one.
    pub time: Option<ListedTime>,
}

/// A server's answer about one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePresence {
    /// The file is there.
    Here(ListedFile),
    /// The file is not there.
    Gone,
    /// The answer does not tell.
    Unclear,
}

impl ListedSize {
    /// Whether a file of `size` bytes would be listed with this size.
    pub fn admits(self, size: u64) -> bool {
        match self {
            ListedSize::Exact(exact) => exact == size,
            ListedSize::Between(least, most) => (least..=most).contains(&size),
            ListedSize::Unknown => true,
        }
    }
}

impl ListedFile {
    /// A file of which only the name is known.
    pub const UNKNOWN: ListedFile = ListedFile {
        size: ListedSize::Unknown,
        time: None,
    };
}

/// Largest number of digits that [`number`] reads: enough for every size, and the sum cannot
/// overflow.
pub(super) const DIGITS_MAX: usize = 18;

/// A number that consists of decimal digits alone, at most [`DIGITS_MAX`].
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    digits.iter().try_fold(0, |sum: u64, &byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

/// Whether bytes can be the name of an entry: exactly one component of a path.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    !matches!(bytes, b"" | b"." | b"..")
        && bytes.len() <= PATH_BYTES_MAX
        && !bytes.iter().any(|&byte| byte == b'/' || byte == 0)
}
