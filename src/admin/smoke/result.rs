//! One download with its verdict.

use super::verdict::SmokeVerdict;

/// How a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SmokeManner {
    /// As a whole, by the redirect.
    Get,
    /// A range of it, by the redirect.
    Range,
    /// By a URL of its metalink.
    Metalink,
}

impl SmokeManner {
    pub(super) const ALL: [SmokeManner; 3] =
        [SmokeManner::Range, SmokeManner::Get, SmokeManner::Metalink];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            SmokeManner::Get => "GET",
            SmokeManner::Range => "range",
            SmokeManner::Metalink => "metalink",
        }
    }
}

/// The result of one download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SmokeResult {
    /// Host and port of the mirror, or of the virtual host itself.
    pub host: String,
    /// The mirror's name, if the host or the database told it.
    pub name: Option<String>,
    /// Whether the virtual host itself sent the bytes.
    pub is_own: bool,
    /// The URL of the file below the virtual host.
    pub file: String,
    pub manner: SmokeManner,
    /// Empty: this machine.
    pub place: String,
    pub verdict: SmokeVerdict,
    pub bytes: u64,
    pub took_ms: u64,
    /// Whether a digest was compared.
    pub has_digest: bool,
}
