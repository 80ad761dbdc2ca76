//! Names the columns in which requests are counted, and the other facts of a request.

use crate::domain::place::CountryCode;

/// A column; each request counts in exactly one, so that columns add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountColumn {
    /// Our own programs, our caches, and networks that the admin leaves out.
    Own,
    /// Search engines and the like.
    Bots,
    /// Programs that copy whole trees.
    Mirrorers,
    /// HEAD requests.
    Heads,
    /// Documents about files, requested by suffix or query.
    Documents,
    /// Metalinks in place of the file, because `Accept` names them.
    ByMetalink,
    /// Requests with a condition for files that we serve: the answer may be 304.
    Conditional,
    /// Ranges of together fewer bytes than a download has, and unreadable ones.
    Probes,
    /// Further parts of a file of which the client got a part shortly before.
    Resumed,
    /// The same request as shortly before.
    Retries,
    /// Downloads: all other requests for a file that is there.
    Downloads,
    /// 404.
    Missing,
    /// 405.
    Refused,
    /// 503.
    Unavailable,
    /// Requests that ask for no file, such as OPTIONS.
    Other,
}

impl CountColumn {
    /// All columns, in the order of the rules.
    pub const ALL: [CountColumn; 15] = [
        CountColumn::Own,
        CountColumn::Bots,
        CountColumn::Mirrorers,
        CountColumn::Heads,
        CountColumn::Documents,
        CountColumn::ByMetalink,
        CountColumn::Conditional,
        CountColumn::Probes,
        CountColumn::Resumed,
        CountColumn::Retries,
        CountColumn::Downloads,
        CountColumn::Missing,
        CountColumn::Refused,
        CountColumn::Unavailable,
        CountColumn::Other,
    ];

    /// The word in spool files, in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            CountColumn::Own => "own",
            CountColumn::Bots => "bots",
            CountColumn::Mirrorers => "mirrorers",
            CountColumn::Heads => "heads",
            CountColumn::Documents => "documents",
            CountColumn::ByMetalink => "by_metalink",
            CountColumn::Conditional => "conditional",
            CountColumn::Probes => "probes",
            CountColumn::Resumed => "resumed",
            CountColumn::Retries => "retries",
            CountColumn::Downloads => "downloads",
            CountColumn::Missing => "missing",
            CountColumn::Refused => "refused",
            CountColumn::Unavailable => "unavailable",
            CountColumn::Other => "other",
        }
    }

    /// The column of that word.
    pub fn from_word(word: &str) -> Option<CountColumn> {
        CountColumn::ALL
            .into_iter()
            .find(|column| column.as_str() == word)
    }

    /// Whether its requests promise bytes of the file.
    pub fn has_bytes(self) -> bool {
        matches!(
            self,
            CountColumn::Probes
                | CountColumn::Resumed
                | CountColumn::Retries
                | CountColumn::Downloads
        )
    }
}

/// The facts by which requests are counted together, as words; empty where one does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestKind<'w> {
    /// `redirect`, `document`, `local`, `missing`, `refused`, `unavailable` or `other`.
    pub outcome: &'w str,
    /// The column.
    pub column: CountColumn,
    /// The document that was sent: `meta4`, `md5` …
    pub document: &'w str,
    /// Reason for which the web server served the file: `no-mirror` …
    pub reason: &'w str,
    /// The tier of the mirror: `country` …, or `fallback`.
    pub tier: &'w str,
    /// `http` or `https`.
    pub scheme: &'w str,
    /// `4` or `6`.
    pub family: &'w str,
}

/// One counted request.
#[derive(Debug, Clone, Copy)]
pub struct CountEvent<'e> {
    /// The facts.
    pub kind: RequestKind<'static>,
    /// Canonical path of the file; empty if there is none.
    pub path: &'e [u8],
    /// The mirror of a redirect; empty: another answer.
    pub mirror: &'e str,
    /// The client's country.
    pub country: Option<CountryCode>,
    /// The client's autonomous system; 0: unknown.
    pub asn: u32,
    /// Bytes that the answer promises.
    pub bytes: u64,
}
