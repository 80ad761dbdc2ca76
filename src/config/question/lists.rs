//! `[site.NAME.lists]` and `[[site.NAME.repository]]`: `/mirrorlist` and `/metalink`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use crate::domain::key::{Bounds, ConfigProblem, list, section};
use crate::domain::mirror::parse_prefix;
use crate::domain::repository::RepositoryRule;

/// As MirrorManager has it.
const MINIMUM: usize = 5;

/// Four days, as MirrorManager has it.
const ALTERNATES_S: u32 = 345_600;

/// A year, after which no mirror is worth a client.
const ALTERNATES_S_MAX: u64 = 365 * 86_400;

/// More mirrors than any project has.
const MIRRORS_MAX: u64 = 100_000;

section! {
    /// `[site.NAME.lists]`: lists of mirrors by name, at `/mirrorlist` and `/metalink` below
    /// `url_path`, as from MirrorManager. A file of that name wins.
    RawLists => ListsConfig {
        /// Whether lists are answered. They are, too, where there is a repository, or another key
        /// of this section is set.
        enabled: bool = false;
        /// Whether `protocol=rsync`, `protocol=ftp` and metalinks name mirrors' URLs for scans, but
        /// for those with a password.
        scan_urls: bool = true;
        /// Whether lists of a path (`path=`) are answered. Apache lets a client ask only about
        /// what it may have; other web servers do not look at the path (docs/security.md).
        paths: bool = true;
        /// With fewer mirrors than these in the client's networks, country and continent, the
        /// mirrors of the world follow.
        minimum: usize = MINIMUM, in Bounds::Whole(0, MIRRORS_MAX);
        /// How many mirrors a list names, the best ones first; 0: all.
        max: usize = 0, in Bounds::Whole(0, MIRRORS_MAX);
        /// Networks whose clients may ask as another one with `ip=`; for all others the word has no
        /// meaning.
        ip_parameter: Vec<String> = Vec::new() => ip_parameter: Vec<IpNet> = networks;
        /// Names that stand for others, without a second step:
        /// `{ "lin-current" = "lin-9" }`.
        redirects: BTreeMap<String, String> = BTreeMap::new();
        /// Seconds for which lists and metalinks still take mirrors with an earlier version of a
        /// repository's marker; metalinks name its hashes as alternates. 0: none.
        alternates_s: u32 = ALTERNATES_S, in Bounds::Whole(0, ALTERNATES_S_MAX);
    }
}

impl ListsConfig {
    /// Whether anything is set.
    pub fn is_set(&self) -> bool {
        let is_usual =
            self.minimum == MINIMUM && self.max == 0 && self.alternates_s == ALTERNATES_S;
        self.enabled
            || !self.scan_urls
            || !self.paths
            || !is_usual
            || !self.ip_parameter.is_empty()
            || !self.redirects.is_empty()
    }
}

section! {
    /// `[[site.NAME.repository]]`: the names of repositories for `[site.NAME.lists]`. The rules are
    /// tried in their order for each directory that has the marker.
    RawRepository => _ {
        /// Regular expression for the directory below the tree: `^lin/(\d+)/(\w+)/os$`.
        path: String = String::new();
        /// Its name for `repo=`; `$1` is the first group of the path: `lin-$1`.
        repo: String = String::new();
        /// Its name for `arch=`: `$2`.
        arch: String = String::new();
        /// A file below the directory that shows that a mirror has the repository.
        marker: String = "repodata/repomd.xml".to_owned();
        /// Whether lists of these repositories are refused.
        disabled: bool = false;
    }
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, ConfigProblem> {
    list(texts, |text| {
        parse_prefix(text).ok_or_else(|| {
            let why = format!("'{text}' is not an address or network");
            ConfigProblem::unusable(why, "write it as 192.0.2.0/24")
        })
    })
}

pub(in crate::config) fn repository_rules(
    raw: &[RawRepository],
) -> Result<Arc<[RepositoryRule]>, ConfigProblem> {
    let check = |(index, rule): (usize, &RawRepository)| {
        let names = (rule.repo.as_str(), rule.arch.as_str());
        let checked = RepositoryRule::new(&rule.path, names, &rule.marker, rule.disabled);
        checked.map_err(|error| {
            let problem = ConfigProblem::unusable(error.to_string(), "");
            problem.below(&format!("[{}]", index + 1))
        })
    };
    raw.iter().enumerate().map(check).collect()
}
