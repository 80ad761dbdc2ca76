//! What a line of an FTP server's listing says, whichever command it answers.
//!
//! [`parse_mlsd`](super::ftp_mlsd::parse_mlsd) reads the lines of MLSD (RFC 3659), which has sizes
//! in bytes, times in UTC and names to the byte. [`parse_list`](super::ftp_list::parse_list) reads
//! those of LIST, which no standard describes. FTP has no way to write a name with a line end.
//!
//! # Security
//! A mirror can send any line: a name is always one component, and what is not exactly of a known
//! form is never a file.

use super::listed::ListedFile;
use crate::domain::path::PATH_BYTES_MAX;

/// One entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpEntry {
    /// A directory.
    Directory,
    /// A file that everybody may read, as far as the listing tells.
    File(ListedFile),
    /// A file that not everybody may read, so that a web server refuses it.
    Private,
    /// A symlink: what it leads to is not said.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// What one line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpLine<'l> {
    /// An entry with its name.
    Entry(FtpEntry, &'l [u8]),
    /// The directory itself, or the one above.
    Here,
    /// Nothing: an empty line, a sum.
    Nothing,
    /// It looks like an entry, but cannot be read: the listing has a hole.
    Unreadable,
    /// No line of a listing that is known here.
    Unknown,
}

/// The line of an entry with that name.
pub(super) fn named(entry: FtpEntry, name: &[u8]) -> FtpLine<'_> {
    let has = |wanted: u8| name.contains(&wanted);
    match name {
        b"." | b".." => FtpLine::Here,
        b"" => FtpLine::Unreadable,
        _ if name.len() > PATH_BYTES_MAX || has(b'/') || has(0) => FtpLine::Unreadable,
        _ => FtpLine::Entry(entry, name),
    }
}

/// A line without the carriage return that FTP ends lines with.
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A size in bytes: digits only, as many as fit.
pub(super) fn size(digits: &[u8]) -> Option<u64> {
    /// 18 digits fit every size and keep the sum from overflowing.
    const DIGITS_MAX: usize = 18;
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    (are_digits && digits.len() <= DIGITS_MAX).then(|| {
        let add = |sum, byte: &u8| sum * 10 + u64::from(byte - b'0');
        digits.iter().fold(0, add)
    })
}
