//! `[site.NAME.metalink]`, `[site.NAME.torrent]` and `[[site.NAME.yum]]`: documents about files.

use std::path::PathBuf;

use crate::domain::document::Publisher;
use crate::domain::document::info_dictionary::TorrentVersion;
use crate::domain::key::{Bounds, ConfigProblem, section};
use crate::domain::rule::{BY_ACCEPT, RawAcceptRule};
use crate::domain::yum::YumRule;

/// More mirrors than any project has.
const METALINK_MIRRORS_MAX: u64 = 100_000;

section! {
    /// `[site.NAME.metalink]`: metalinks. A directory may say otherwise about `by_accept`,
    /// `by_accept_agents`, `own_url` and `torrent` (`metalink.by_accept = "never"`).
    RawMetalink => _ {
        /// When a client gets a metalink from a file's own URL, because its `Accept` names the
        /// type: `always`, as in MirrorBrain; `unless-any`: not where the client takes `*/*`, too,
        /// as aria2 does; `never`. Not set: `unless-any`, but `always` for libzypp.
        by_accept: Option<String> = None, in BY_ACCEPT;
        /// The same for some clients; the first entry that fits the whole `User-Agent` counts:
        /// `[{ user_agent = "aria2/*", by_accept = "always" }]`.
        by_accept_agents: Vec<RawAcceptRule> = Vec::new();
        /// Whether `.meta4` and `.metalink` name our own URL where no mirror has the file yet,
        /// instead of 404. Where mirrors have an older version, they always do.
        own_url: bool = false;
        /// Whether metalinks name the torrent that is made of the file; aria2 goes on seeding it.
        torrent: bool = false;
        /// Who publishes the files; empty: metalinks name nobody.
        publisher_name: String = String::new();
        /// URL of the publisher; only beside `publisher_name`.
        publisher_url: String = String::new();
        /// How many mirrors a metalink names, the best ones first; 0: all.
        mirrors_max: usize = 0, in Bounds::Whole(0, METALINK_MIRRORS_MAX);
        /// For tests of clients: file with `<url>` elements of broken mirrors, which come first in
        /// metalinks whose request has the field `X-Broken-Mirrors` (`only`: they come alone).
        broken_test_mirrors: Option<PathBuf> = None;
    }
}

section! {
    /// `[site.NAME.torrent]`: torrents.
    RawTorrent => _ {
        /// Which torrents are offered: `v1`, as in MirrorBrain, or `hybrid`, with BitTorrent v2
        /// (BEP 52) and so with other info hashes.
        version: String = "v1".to_owned(), in Bounds::Words(&["v1", "hybrid"]);
    }
}

section! {
    /// `[[site.NAME.yum]]`: a list of mirrors for yum and dnf by query, tried in their order. The
    /// words of MirrorBrainYumDir with a `=` are the arguments, the two without are directory and
    /// marker.
    RawYum => _ {
        /// `NAME=REGEX`, in the directive's order; the whole value must match.
        arguments: Vec<String> = Vec::new();
        /// Directory of the repository; `$1` is the value of the first argument,
        /// `${1.2}` the second group of its expression.
        directory: String = String::new();
        /// A file below it that shows that a mirror has the repository: `repodata/repomd.xml`.
        marker: String = String::new();
    }
}

pub(super) fn publisher(raw: &RawMetalink) -> Result<Option<Publisher>, ConfigProblem> {
    if raw.publisher_name.is_empty() {
        if !raw.publisher_url.is_empty() {
            let why = "it needs metalink.publisher_name beside it";
            return Err(ConfigProblem::unusable(why, "").below("publisher_url"));
        }
        return Ok(None);
    }
    Ok(Some(Publisher {
        name: raw.publisher_name.clone(),
        url: raw.publisher_url.clone(),
    }))
}

pub(super) fn yum_rules(raw: &[RawYum]) -> Result<Vec<YumRule>, ConfigProblem> {
    let check = |(index, rule): (usize, &RawYum)| {
        YumRule::new(&rule.arguments, &rule.directory, &rule.marker).map_err(|error| {
            let problem = ConfigProblem::unusable(error.to_string(), "");
            problem.below(&format!("[{}]", index + 1))
        })
    };
    raw.iter().enumerate().map(check).collect()
}

/// The rows' bounds have refused unknown words.
pub(super) fn torrent_version(raw: &RawTorrent) -> Result<TorrentVersion, ConfigProblem> {
    match raw.version.as_str() {
        "hybrid" => Ok(TorrentVersion::Hybrid),
        _ => Ok(TorrentVersion::V1),
    }
}
