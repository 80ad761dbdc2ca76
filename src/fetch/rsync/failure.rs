//! Tells failures apart by rsync's exit code and messages.

use std::process::ExitStatus;
use std::time::Duration;

use crate::domain::listing::rsync_message::Message;
use crate::fetch::error::FetchError;

/// Largest number of remarks that are kept; the first few tell the failure.
const REMARKS_MAX: usize = 8;

/// rsync's exit codes (man rsync, EXIT VALUES).
pub(in crate::fetch) const PARTIAL: i32 = 23;
/// "Partial transfer due to vanished source files".
pub(in crate::fetch) const VANISHED: i32 = 24;
const SOCKET: i32 = 10;
const STREAM: i32 = 12;
const TIMEOUTS: [i32; 2] = [30, 35];

/// The lines that rsync wrote on standard error, as far as they are kept.
#[derive(Debug, Default)]
pub(in crate::fetch) struct RsyncMessages {
    pub(in crate::fetch) refusal: Option<String>,
    pub(in crate::fetch) remarks: Vec<String>,
    pub(in crate::fetch) summary: Option<String>,
}

impl RsyncMessages {
    /// Keeps a message that may tell a failure.
    pub(in crate::fetch) fn keep(&mut self, message: Message) {
        match message {
            Message::Refusal(text) => self.refusal = self.refusal.take().or(Some(text)),
            Message::Summary(text) => self.summary = Some(text),
            Message::Remark(text) if text.is_empty() || self.remarks.len() >= REMARKS_MAX => {}
            Message::Remark(text) => self.remarks.push(text),
            Message::Unlisted(_) | Message::Vanished | Message::Dangling => {}
        }
    }

    /// The line that tells most about the failure.
    fn telling(&self) -> String {
        self.refusal
            .as_ref()
            .or(self.remarks.first())
            .or(self.summary.as_ref())
            .cloned()
            .unwrap_or_else(|| "it gave no reason".to_owned())
    }
}

/// The failure behind an exit that is neither a success nor a partial listing.
pub(in crate::fetch) fn explain(
    status: ExitStatus,
    said: &RsyncMessages,
    timeout: Duration,
) -> FetchError {
    if let Some(refusal) = &said.refusal {
        return refused(refusal);
    }
    let words = said.telling();
    match status.code() {
        Some(code) if TIMEOUTS.contains(&code) => FetchError::Silent {
            timeout_s: timeout.as_secs(),
        },
        Some(SOCKET) if words.contains("getaddrinfo") => FetchError::UnknownHost { said: words },
        // Older and newer versions of rsync exit with different codes after the server refused.
        _ if is_unlistable(&words) => FetchError::Unlistable { said: words },
        Some(SOCKET) if words.contains("failed to connect") => {
            FetchError::Unreachable { said: words }
        }
        Some(SOCKET) => FetchError::Broken { said: words },
        Some(STREAM) => FetchError::Broken { said: words },
        Some(PARTIAL) => FetchError::NoDirectory { said: words },
        Some(code) => FetchError::Failed {
            status: format!("code {code}"),
            said: words,
        },
        None => FetchError::Failed {
            status: "a signal".to_owned(),
            said: words,
        },
    }
}

/// Whether the words mean that a module is closed to listings: `write only`, `refuse options`, or a
/// program of the server that refused.
fn is_unlistable(words: &str) -> bool {
    words.contains("module is write only")
        || words.contains("is configured to refuse")
        || words.contains("-xfer exec returned failure")
}

/// The failure behind a successful exit without any listing, not even of the module itself.
pub(super) fn explain_nothing(said: String) -> FetchError {
    match refused(&said) {
        FetchError::Failed { .. } if said.is_empty() => FetchError::NothingListed {
            said: "it says nothing".to_owned(),
        },
        FetchError::Failed { said, .. } => FetchError::NothingListed { said },
        known => known,
    }
}

/// The failure behind a refusal of rsyncd; compares its beginning in lower case.
fn refused(refusal: &str) -> FetchError {
    let said = refusal.to_owned();
    let lower = refusal.to_lowercase();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|text| lower.starts_with(text));
    if begins(&["max connections", "too many connections", "server is full"]) {
        FetchError::Full { said }
    } else if begins(&["unknown module", "invalid module"]) {
        FetchError::UnknownModule { said }
    } else if begins(&["auth failed"]) {
        FetchError::WrongPassword { said }
    } else if begins(&["access denied"]) {
        FetchError::Denied { said }
    } else if begins(&["chdir failed", "chroot failed"]) {
        FetchError::NoDirectory { said }
    } else {
        FetchError::Failed {
            status: "a refusal".to_owned(),
            said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::listing::rsync_message::parse_message;
    use std::os::unix::process::ExitStatusExt;

    fn told(code: i32, lines: &[&str]) -> String {
        let mut said = RsyncMessages::default();
        for line in lines {
            said.keep(parse_message(line.as_bytes()));
        }
        let status = ExitStatus::from_raw(code << 8);
        explain(status, &said, Duration::from_secs(9)).to_string()
    }

    fn check(cases: &[(i32, &str, &str)]) {
        for (code, line, expected) in cases {
            let summary = "rsync error: error starting client-server protocol (code 5)";
            let found = told(*code, &[line, summary]);
            assert!(found.contains(expected), "{found}\nwanted {expected}");
            assert_eq!(found.lines().count(), 1);
        }
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        check(&[
            (
                5,
                "@ERROR: max connections (-1) reached -- try again later",
                "the server takes no more connections (max connections (-1) reached",
            ),
            (
                5,
                "@ERROR: Unknown module 'nope'",
                "no such module (Unknown module 'nope')",
            ),
            (
                5,
                "@ERROR: auth failed on module auth",
                "refuses user or password (auth failed on module auth)",
            ),
            (
                5,
                "@ERROR: access denied to deny from localhost (127.0.0.1)",
                "refuses us (access denied to deny from localhost",
            ),
            (5, "@ERROR: chdir failed", "directory cannot be listed"),
            (
                5,
                "@ERROR: go away",
                "rsync failed with a refusal (go away)",
            ),
        ]);
    }

    #[test]
    fn each_failure_says_what_to_do() {
        check(&[
            (
                5,
                "rsync: server sent \"HTTP/1.0 400 Bad\" rather than greeting",
                "rsync failed with code 5 (server sent \"HTTP/1.0 400 Bad\" rather than",
            ),
            (
                10,
                "rsync: [Receiver] failed to connect to ::1 (::1): Connection refused (111)",
                "cannot connect (failed to connect to ::1 (::1): Connection refused (111))",
            ),
            (
                10,
                "rsync: The server is configured to refuse --recursive (-r)",
                "does not let the module be listed (The server is configured to refuse",
            ),
            (
                1,
                "ERROR: module is write only",
                "does not let the module be listed (ERROR: module is write only)",
            ),
            (
                10,
                "rsync: [Receiver] read error: Connection reset by peer (104)",
                "the connection broke before the listing was complete (read error",
            ),
            (
                10,
                "rsync: getaddrinfo: no.invalid 873: Name or service not known",
                "cannot find the host (getaddrinfo: no.invalid 873: Name or service not known)",
            ),
            (
                12,
                "rsync: connection unexpectedly closed (99 bytes received so far) [generator]",
                "the connection broke before the listing was complete (connection unexpectedly",
            ),
            (
                23,
                "rsync: [sender] change_dir \"x\" (in m) failed: No such file or directory (2)",
                "the URL's directory cannot be listed (change_dir \"x\" (in m) failed",
            ),
            (
                30,
                "[Receiver] io timeout after 9 seconds -- exiting",
                "no answer for 9 s",
            ),
            (35, "", "no answer for 9 s"),
        ]);
        assert_eq!(
            told(14, &[]),
            "rsync failed with code 14 (it gave no reason)"
        );
        let killed = explain(
            ExitStatus::from_raw(9),
            &RsyncMessages::default(),
            Duration::ZERO,
        );
        assert!(killed.to_string().starts_with("rsync failed with a signal"));
    }
}
