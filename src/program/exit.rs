//! How programs end: exit codes, and an error as one line.

use std::error::Error;
use std::process::ExitCode;

/// How a program ended; scripts and cron jobs depend on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done.
    Ok = 0,
    /// Nothing or not what was asked for was done; standard error says why.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was tried.
    Usage = 2,
    /// Some of it was done: a mirror failed, a directory could not be read; or another run of the
    /// program is at it.
    Partial = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error with its causes on one line: `a: b: c`.
///
/// Each part says only its own, so that nothing comes twice; line breaks become spaces.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
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
    }

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::Partial].map(|exit| exit as u8);
        assert_eq!(codes, [0, 1, 2, 3]);
    }
}
