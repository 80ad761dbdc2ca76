//! A line in an FTP server's listing, whichever command asked for the listing.
//!
//! [`parse_mlsd`](super::ftp_mlsd::parse_mlsd) reads the lines of MLSD (RFC 3659), which has sizes
//! in bytes, times in UTC and names byte for byte. [`parse_list`](super::ftp_list::parse_list)
//! reads the lines of LIST, for which there is no standard. FTP cannot transmit a name with a line
//! end.
//!
//! # Security
//! A mirror can send any line. A name is always one path component, and a line that is not exactly
//! of a known form is never a file.

use super::listed::{ListedFile, is_name};

/// One entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpEntry {
    /// A directory.
    Directory,
    /// A file that everybody may read, as far as the listing shows.
    File(ListedFile),
    /// A file that not everybody may read, so that a web server will refuse it.
    Private,
    /// A symlink; the listing does not say what it leads to.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// The meaning of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpLine<'l> {
    /// An entry and its name.
    Entry(FtpEntry, &'l [u8]),
    /// The directory itself, or its parent.
    Here,
    /// A line without an entry: an empty one, or a total.
    Nothing,
    /// The line of an entry that cannot be read: the listing is incomplete.
    Unreadable,
    /// A line in no known form.
    Unknown,
}

/// The line of an entry with that name, if the name can be one.
pub(super) fn named(entry: FtpEntry, name: &[u8]) -> FtpLine<'_> {
    match name {
        b"." | b".." => FtpLine::Here,
        _ if is_name(name) => FtpLine::Entry(entry, name),
        _ => FtpLine::Unreadable,
    }
}

/// Drops the carriage return with which FTP ends lines.
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
