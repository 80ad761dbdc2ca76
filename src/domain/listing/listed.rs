//! What a listing says of a file, as exactly as its protocol can tell.

/// A file's size in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedSize {
    /// Bytes.
    Exact(u64),
    /// Rounded: at least the first and at most the second number of bytes.
    Between(u64, u64),
    /// Not said.
    Unknown,
}

/// A file's time in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedTime {
    /// Seconds since 1970, read as if they were UTC.
    pub seconds: i64,
    /// How fine it is: 1, 60, or 86,400 seconds; what is finer was cut off.
    pub step_s: u32,
    /// Whether they really are UTC; if not, the zone of the server is unknown.
    pub is_utc: bool,
}

/// A file in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFile {
    /// Its size.
    pub size: ListedSize,
    /// Its time, where the listing has one.
    pub time: Option<ListedTime>,
}

/// What a server says of one file that is asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePresence {
    /// It is there.
    Here(ListedFile),
    /// It is not.
    Gone,
    /// Its answer tells neither.
    Unclear,
}

impl ListedSize {
    /// Whether a file of so many bytes would be listed like this.
    pub fn admits(self, size: u64) -> bool {
        match self {
            ListedSize::Exact(exact) => exact == size,
            ListedSize::Between(least, most) => (least..=most).contains(&size),
            ListedSize::Unknown => true,
        }
    }
}

impl ListedFile {
    /// A file of which nothing but its name is known.
    pub const UNKNOWN: ListedFile = ListedFile {
        size: ListedSize::Unknown,
        time: None,
    };
}
