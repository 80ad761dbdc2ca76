//! Rules for pull-through caches: which paths they are asked for, how long they keep a file, and
//! how URLs name a file's version.

use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};
use xxhash_rust::xxh3::Xxh3;

use super::file::FileVersion;
use super::time::Timestamp;

/// Default time in seconds for which a cache may serve a file without asking its origin: one day,
/// which is longer than the defaults of nginx, Varnish and Apache Traffic Server.
pub const TTL_DEFAULT_S: i64 = 86_400;

/// Files whose content changes under the same path. Caches never get them, however old they are.
pub const MUTABLE_DEFAULT: [&str; 6] = [
    "**/repodata/repomd.xml*",
    "**/InRelease",
    "**/Release*",
    "**/Packages*",
    "**/*.db",
    "**/latest*",
];

/// How a URL at a cache names the version of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum VersionKey {
    /// The URL does not name it.
    #[default]
    None,
    /// `?v=HEX`.
    Query,
    /// `/.v/HEX/` before the path.
    Path,
}

impl VersionKey {
    /// Every value.
    pub const ALL: [VersionKey; 3] = [VersionKey::None, VersionKey::Query, VersionKey::Path];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            VersionKey::None => "none",
            VersionKey::Query => "query",
            VersionKey::Path => "path",
        }
    }

    /// The value for that word.
    pub fn from_word(word: &str) -> Option<VersionKey> {
        VersionKey::ALL.into_iter().find(|key| key.as_str() == word)
    }
}

/// When generations of the tree were made, as far as that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generations {
    /// The newest.
    pub ours: i64,
    /// Earlier and later ones with their times, in ascending order.
    pub made: Vec<(i64, Timestamp)>,
}

impl Generations {
    /// For how many seconds, at least, a generation has not been the newest; `None`: nothing tells.
    pub fn stale_s(&self, served: i64, now: Timestamp) -> Option<i64> {
        if served >= self.ours {
            return Some(0);
        }
        let newer = self.made.iter().find(|(number, _)| *number > served);
        newer.map(|(_, at)| (now.0 - at.0).max(0))
    }
}

/// Whether a cache says that it had what it answers with (RFC 9211 `Cache-Status`, `X-Cache` of
/// many, RFC 9111 `Age`); `None`: it says nothing of it.
pub fn is_cache_hit(cache_status: &str, x_cache: &str, age: &str) -> Option<bool> {
    let word = |text: &str, word: &str| {
        let words = text.split(|char: char| !char.is_ascii_alphanumeric());
        words.into_iter().any(|one| one.eq_ignore_ascii_case(word))
    };
    // The last member is of the cache that is nearest to us.
    let nearest = cache_status.rsplit(',').next().unwrap_or_default();
    if word(nearest, "hit") {
        Some(true)
    } else if word(nearest, "fwd") {
        Some(false)
    } else if word(x_cache, "hit") {
        Some(true)
    } else if ["miss", "expired", "bypass"]
        .iter()
        .any(|miss| word(x_cache, miss))
    {
        Some(false)
    } else {
        age.trim().parse::<u64>().ok().map(|seconds| seconds > 0)
    }
}

/// Names a version in 16 hexadecimal digits: XXH3 of size and time, both little-endian.
pub fn version_hex(version: FileVersion) -> String {
    let mut hash = Xxh3::new();
    hash.update(&version.size.to_le_bytes());
    hash.update(&version.mtime.to_le_bytes());
    format!("{:016x}", hash.digest())
}

/// A text that is no [`PathPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a usable path pattern: {cause}")]
pub struct PatternError {
    text: String,
    cause: String,
}

/// A pattern for paths below the tree: `*` and `?` stay within one path component, `**` does not.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    whole: Regex,
    above: Regex,
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &PathPattern) -> bool {
        self.text == other.text
    }
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Returns [`PatternError`] if the pattern is too long to be compiled.
    pub fn new(text: &str) -> Result<PathPattern, PatternError> {
        let text = text.trim().trim_start_matches('/');
        let glob = glob(text.trim_end_matches('/'));
        let compile = |pattern: String| {
            let built = RegexBuilder::new(&pattern)
                .unicode(false)
                .dot_matches_new_line(true)
                .build();
            built.map_err(|error| {
                let cause = error.to_string();
                let cause = cause.lines().last().unwrap_or_default().to_owned();
                PatternError {
                    text: text.to_owned(),
                    cause,
                }
            })
        };
        Ok(PathPattern {
            text: text.to_owned(),
            whole: compile(format!("^{glob}$"))?,
            above: compile(format!("^{glob}(?:/.*)?$"))?,
        })
    }

    /// Whether the pattern matches the path.
    pub fn is_match(&self, path: &[u8]) -> bool {
        self.whole.is_match(path)
    }

    /// Whether the pattern matches the path or a directory above it; an empty pattern matches every
    /// path.
    pub fn covers(&self, path: &[u8]) -> bool {
        self.text.trim_matches('/').is_empty() || self.above.is_match(path)
    }
}

/// Translates a pattern into a regular expression.
fn glob(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("**/") {
            pattern.push_str("(?:.*/)?");
            3
        } else if rest.starts_with("**") {
            pattern.push_str(".*");
            2
        } else {
            match first {
                '*' => pattern.push_str("[^/]*"),
                '?' => pattern.push_str("[^/]"),
                // Escaped byte by byte, because paths are bytes and need not be UTF-8.
                _ => {
                    for byte in first.to_string().bytes() {
                        pattern.push_str(&format!("\\x{byte:02x}"));
                    }
                }
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    pattern
}

/// The settings of a mirror that is a cache.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheRules {
    /// Seconds for which it may serve anything, also a 404, without asking its origin.
    pub ttl_s: i64,
    /// How its URLs name versions.
    pub version_key: VersionKey,
    /// Networks from which the cache itself sends requests.
    pub fill_networks: Vec<IpNet>,
    /// The only paths that it is asked for; empty: all paths.
    pub paths: Vec<PathPattern>,
    /// Paths that it is never asked for.
    pub exclude: Vec<PathPattern>,
}

impl Default for CacheRules {
    fn default() -> CacheRules {
        CacheRules {
            ttl_s: TTL_DEFAULT_S,
            version_key: VersionKey::None,
            fill_networks: Vec::new(),
            paths: Vec::new(),
            exclude: Vec::new(),
        }
    }
}

impl CacheRules {
    /// Whether the cache may be asked for a path.
    pub fn has_path(&self, path: &[u8]) -> bool {
        let covers = |pattern: &PathPattern| pattern.covers(path);
        (self.paths.is_empty() || self.paths.iter().any(covers)) && !self.exclude.iter().any(covers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<PathPattern> {
        let read = texts.iter().map(|text| PathPattern::new(text));
        read.collect::<Result<_, _>>().expect("patterns")
    }

    #[test]
    fn a_version_has_16_digits() {
        let version = FileVersion {
            size: 3_000_000,
            mtime: 1_700_000_000,
        };
        assert_eq!(version_hex(version), "89aa7d5b54acdb52");
    }

    #[test]
    fn a_generation_is_stale_since_the_next_was_made() {
        let generations = Generations {
            ours: 9,
            made: vec![
                (7, Timestamp(100)),
                (8, Timestamp(200)),
                (9, Timestamp(300)),
            ],
        };
        let now = Timestamp(1000);
        for (served, expected) in [(9, 0), (10, 0), (8, 700), (7, 800), (2, 900)] {
            assert_eq!(generations.stale_s(served, now), Some(expected), "{served}");
        }
        assert_eq!(Generations::default().stale_s(-1, now), None);
    }

    #[test]
    fn caches_say_in_three_ways_whether_they_had_it() {
        for (cache_status, x_cache, age, expected) in [
            ("", "", "", None),
            ("ExampleCache; hit; ttl=376", "", "", Some(true)),
            (
                "ExampleCache; fwd=uri-miss; stored",
                "HIT",
                "9",
                Some(false),
            ),
            ("Origin; hit, Near; fwd=stale", "", "", Some(false)),
            ("", "HIT", "0", Some(true)),
            ("", "MISS from proxy.example.org", "9", Some(false)),
            ("", "TCP_HIT", "", Some(true)),
            ("", "EXPIRED", "", Some(false)),
            ("", "", "0", Some(false)),
            ("", "", "17", Some(true)),
            ("nonsense", "nonsense", "nonsense", None),
        ] {
            let found = is_cache_hit(cache_status, x_cache, age);
            assert_eq!(found, expected, "{cache_status} {x_cache} {age}");
        }
    }

    #[test]
    fn names_that_change_are_known() {
        let mutable = patterns(&MUTABLE_DEFAULT);
        let is_mutable = |path: &[u8]| mutable.iter().any(|pattern| pattern.is_match(path));
        for (path, expected) in [
            (&b"repodata/repomd.xml"[..], true),
            (b"a/b/repodata/repomd.xml.asc", true),
            (b"InRelease", true),
            (b"dists/sid/Release.gpg", true),
            (b"dists/sid/main/Packages.xz", true),
            (b"core/os/x86_64/core.db", true),
            (b"iso/latest-live.iso", true),
            (b"os/Packages/a/foo.rpm", false),
            (b"Releases/12/x.iso", false),
            (b"a/repomd.xml", false),
            (b"pool/x.db.tar", false),
            (b"a/xlatest", false),
            (b"\xff\n/InRelease", true),
        ] {
            assert_eq!(is_mutable(path), expected, "{}", path.escape_ascii());
        }
    }
}
