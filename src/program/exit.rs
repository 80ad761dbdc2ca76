//! The exit codes of all programs, and the text of an error as one line.

use std::error::Error;
use std::io;
use std::process::ExitCode;

/// The result of a program; scripts and cron jobs depend on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything requested was done.
    Ok = 0,
    /// The request was not carried out; standard error says why.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was attempted.
    Usage = 2,
    /// A part was done: a mirror failed, or a directory could not be read; or another run of the
    /// program is already doing it.
    Partial = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error with its causes on one line: `a: b: c`.
///
/// Each part contains only its own text, so that no cause is repeated. Line breaks become spaces.
/// For a full disk, the remedy follows.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    let mut is_full = false;
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        is_full |= cause.downcast_ref::<io::Error>().is_some_and(|error| {
            use io::ErrorKind::{QuotaExceeded, StorageFull};
            matches!(error.kind(), StorageFull | QuotaExceeded)
        });
        source = cause.source();
    }
    if is_full && !text.contains("make room") {
        text.push_str("; make room on its disk and run again");
    }
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[from] std::io::Error);

    #[test]
    fn causes_are_on_one_line() {
        let error = Outer(std::io::Error::other("inner\nof two lines"));
        assert_eq!(chain(&error), "outer: inner of two lines");
        let full = Outer(io::Error::from(io::ErrorKind::StorageFull));
        let remedy = "; make room on its disk and run again";
        assert_eq!(chain(&full), format!("outer: no storage space{remedy}"));
    }

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::Partial].map(|exit| exit as u8);
        assert_eq!(codes, [0, 1, 2, 3]);
    }
}
