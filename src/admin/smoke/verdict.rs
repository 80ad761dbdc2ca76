//! Judges downloads (no I/O).

use crate::fetch::FetchError;

/// The system's texts for a refused and for a reset connection, which only a host that can be
/// reached causes.
const ANSWERED_BY_REFUSAL: [&str; 2] = ["(os error 111)", "(os error 104)"];

/// The outcome of one download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SmokeOutcome {
    Ok,
    WrongSize,
    WrongDigest,
    NotFound,
    Page,
    Refused,
    Busy,
    Status,
    Silent,
    Slow,
    Unreachable,
    Tls,
    Cut,
    Redirect,
    NoRange,
    NoMetalink,
    Changed,
    Unfinished,
    Unknown,
}

/// The grade that an outcome gives its mirror; the worst is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SmokeGrade {
    Well,
    Unknown,
    Bad,
}

/// An outcome with the words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SmokeVerdict {
    pub outcome: SmokeOutcome,
    /// Empty if there is nothing to say.
    pub detail: String,
}

impl SmokeOutcome {
    pub(super) const ALL: [SmokeOutcome; 19] = [
        SmokeOutcome::Ok,
        SmokeOutcome::WrongSize,
        SmokeOutcome::WrongDigest,
        SmokeOutcome::NotFound,
        SmokeOutcome::Page,
        SmokeOutcome::Refused,
        SmokeOutcome::Busy,
        SmokeOutcome::Status,
        SmokeOutcome::Silent,
        SmokeOutcome::Slow,
        SmokeOutcome::Unreachable,
        SmokeOutcome::Tls,
        SmokeOutcome::Cut,
        SmokeOutcome::Redirect,
        SmokeOutcome::NoRange,
        SmokeOutcome::NoMetalink,
        SmokeOutcome::Changed,
        SmokeOutcome::Unfinished,
        SmokeOutcome::Unknown,
    ];

    /// The word in reports, of people and of machines.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            SmokeOutcome::Ok => "ok",
            SmokeOutcome::WrongSize => "wrong size",
            SmokeOutcome::WrongDigest => "wrong digest",
            SmokeOutcome::NotFound => "404",
            SmokeOutcome::Page => "login page",
            SmokeOutcome::Refused => "refused",
            SmokeOutcome::Busy => "busy",
            SmokeOutcome::Status => "error status",
            SmokeOutcome::Silent => "silent",
            SmokeOutcome::Slow => "slow",
            SmokeOutcome::Unreachable => "unreachable",
            SmokeOutcome::Tls => "TLS fails",
            SmokeOutcome::Cut => "cut off",
            SmokeOutcome::Redirect => "bad redirect",
            SmokeOutcome::NoRange => "no ranges",
            SmokeOutcome::NoMetalink => "no metalink",
            SmokeOutcome::Changed => "file changed",
            SmokeOutcome::Unfinished => "not finished",
            SmokeOutcome::Unknown => "unknown",
        }
    }

    pub(super) fn named(word: &str) -> Option<SmokeOutcome> {
        let mut all = SmokeOutcome::ALL.into_iter();
        all.find(|outcome| outcome.as_str() == word)
    }

    pub(super) fn grade(self) -> SmokeGrade {
        match self {
            SmokeOutcome::Ok
            // A server may ignore a range; a site may have no documents.
            | SmokeOutcome::NoRange
            | SmokeOutcome::NoMetalink
            // The catalogue has another version by now, so that nothing was proven.
            | SmokeOutcome::Changed
            // Our own limit came first.
            | SmokeOutcome::Unfinished => SmokeGrade::Well,
            SmokeOutcome::Unknown => SmokeGrade::Unknown,
            _ => SmokeGrade::Bad,
        }
    }

    /// Whether the outcome depends on the version of the file that was expected.
    pub(super) fn is_about_content(self) -> bool {
        matches!(
            self,
            SmokeOutcome::WrongSize
                | SmokeOutcome::WrongDigest
                | SmokeOutcome::NotFound
                | SmokeOutcome::Page
        )
    }
}

impl SmokeVerdict {
    pub(super) fn new(outcome: SmokeOutcome, detail: impl Into<String>) -> SmokeVerdict {
        SmokeVerdict {
            outcome,
            detail: detail.into(),
        }
    }

    /// Judges a mirror by an error of the client.
    pub(super) fn of_error(error: &FetchError) -> SmokeVerdict {
        let outcome = match error {
            FetchError::Silent { .. } => SmokeOutcome::Silent,
            FetchError::Slow { .. } => SmokeOutcome::Slow,
            FetchError::TooLong { .. } | FetchError::Stopped => SmokeOutcome::Unfinished,
            FetchError::Tls { .. } => SmokeOutcome::Tls,
            FetchError::Broken { .. } => SmokeOutcome::Cut,
            FetchError::Redirected { .. }
            | FetchError::RedirectRefusal { .. }
            | FetchError::TooManyRedirects { .. } => SmokeOutcome::Redirect,
            FetchError::Led { to, cause } => {
                let behind = SmokeVerdict::of_error(cause);
                let detail = format!("it redirects to {to}: {}", behind.detail);
                return SmokeVerdict::new(behind.outcome, detail);
            }
            // A missing route or a firewall of this machine says nothing of the mirror.
            FetchError::Unreachable { said }
                if ANSWERED_BY_REFUSAL
                    .iter()
                    .any(|number| said.contains(number)) =>
            {
                SmokeOutcome::Unreachable
            }
            _ => SmokeOutcome::Unknown,
        };
        SmokeVerdict::new(outcome, crate::program::exit::chain(error))
    }

    /// Judges a status. Absent if the file may follow.
    pub(super) fn of_status(status: u16) -> Option<SmokeVerdict> {
        let outcome = match status {
            200 | 206 => return None,
            404 | 410 => SmokeOutcome::NotFound,
            401 | 403 | 407 | 451 => SmokeOutcome::Refused,
            429 | 503 => SmokeOutcome::Busy,
            400..=599 => SmokeOutcome::Status,
            _ => SmokeOutcome::Unknown,
        };
        Some(SmokeVerdict::new(outcome, format!("it answers {status}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_are_not_understood_are_unknown() {
        let said = |said: &str| said.to_owned();
        let cases = [
            (FetchError::Silent { timeout_s: 2 }, SmokeOutcome::Silent),
            (
                FetchError::Unreachable {
                    said: said("Connection refused (os error 111)"),
                },
                SmokeOutcome::Unreachable,
            ),
            (
                FetchError::Unreachable {
                    said: said("Network is unreachable (os error 101)"),
                },
                SmokeOutcome::Unknown,
            ),
            (
                FetchError::UnknownHost {
                    said: said("Name or service not known"),
                },
                SmokeOutcome::Unknown,
            ),
            (FetchError::NoCertificates, SmokeOutcome::Unknown),
            (FetchError::Stopped, SmokeOutcome::Unfinished),
            (
                FetchError::Led {
                    to: said("http://cdn/"),
                    cause: Box::new(FetchError::Silent { timeout_s: 2 }),
                },
                SmokeOutcome::Silent,
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(SmokeVerdict::of_error(&error).outcome, expected, "{error}");
        }
        assert_eq!(SmokeOutcome::Unknown.grade(), SmokeGrade::Unknown);
    }

    #[test]
    fn each_outcome_has_a_word_of_its_own() {
        for outcome in SmokeOutcome::ALL {
            assert_eq!(SmokeOutcome::named(outcome.as_str()), Some(outcome));
        }
        assert_eq!(SmokeOutcome::named("fine"), None);
    }
}
