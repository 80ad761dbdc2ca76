//! Decides which part of a mirror's tree is listed over FTP and HTTP: `scan_top_include`,
//! `scan_exclude`, and the area of the scan.

use regex::bytes::RegexSet;

use crate::config::ScanConfig;
use crate::scan::compare::area::Area;
use crate::scan::compare::known::KnownTree;

/// The rules of a run; for rsync they are in `filter`.
#[derive(Debug, Clone)]
pub struct CrawlRules {
    area: Area,
    /// Names at the top of the tree that are listed; empty: all.
    top_include: Vec<Vec<u8>>,
    exclude: RegexSet,
}

impl CrawlRules {
    /// The rules for the whole tree, or for a part of it.
    pub fn new(config: &ScanConfig, area: Area) -> CrawlRules {
        let names = config.top_include.iter();
        let name = |name: &String| name.trim_matches('/').as_bytes().to_vec();
        CrawlRules {
            // As in MirrorBrain, a subtree is subject to the excludes, but not to the top includes.
            top_include: match area {
                Area::Whole => names.map(name).collect(),
                Area::Below(_) | Area::Single(_) => Vec::new(),
            },
            area,
            exclude: config.exclude.clone(),
        }
    }

    /// The directory in which a listing begins.
    pub fn start(&self, known: &KnownTree) -> Vec<u8> {
        self.area.start(known)
    }

    /// Whether a directory is listed, because it belongs to the area or lies above it.
    pub fn has_directory(&self, path: &[u8]) -> bool {
        self.area.has_directory(path) && self.is_at_top(path) && !self.is_excluded(path, b"/")
    }

    /// Whether a file counts.
    pub fn has_file(&self, path: &[u8]) -> bool {
        self.area.has_file(path) && self.is_at_top(path) && !self.is_excluded(path, b"")
    }

    /// Whether `top_include` allows a path.
    pub fn is_at_top(&self, path: &[u8]) -> bool {
        let end = path.iter().position(|&byte| byte == b'/');
        let top = &path[..end.unwrap_or(path.len())];
        self.top_include.is_empty() || self.top_include.iter().any(|name| name == top)
    }

    /// Whether only some names at the top are listed.
    pub fn chooses_at_top(&self) -> bool {
        !self.top_include.is_empty()
    }

    fn is_excluded(&self, path: &[u8], end: &[u8]) -> bool {
        !self.exclude.is_empty() && self.exclude.is_match(&[b"/", path, end].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path::FilePath;
    use std::time::Duration;

    fn wanted(top_include: &[&str], dir: Option<&str>) -> CrawlRules {
        let config = ScanConfig {
            jobs: 1,
            requests: 1,
            vanished_share_max: 0.3,
            coverage_min: 0.5,
            timeout: Duration::from_secs(1),
            time_max: Duration::from_secs(60),
            top_include: top_include.iter().map(|name| (*name).to_owned()).collect(),
            exclude: RegexSet::new([r"/\.~tmp~/", r"\.part$"]).expect("patterns"),
            exclude_rsync: Vec::new(),
            copies_links: false,
            due: Default::default(),
            mirror: Default::default(),
        };
        let path = |dir: &str| FilePath::parse(dir.as_bytes()).expect("a path");
        CrawlRules::new(
            &config,
            dir.map_or(Area::Whole, |dir| Area::Below(path(dir))),
        )
    }

    #[test]
    fn directories_and_files_are_chosen() {
        let all = wanted(&[], None);
        let some = wanted(&["a", "/b/"], None);
        let below = wanted(&["z"], Some("a/b"));
        for (rules, directory, expected) in [
            (&all, "x/y", true),
            (&all, "x/.~tmp~", false),
            (&some, "a/x", true),
            (&some, "b", true),
            (&some, "c", false),
            (&below, "", true),
            (&below, "a", true),
            (&below, "a/b/c", true),
            (&below, "a/bc", false),
        ] {
            assert_eq!(
                rules.has_directory(directory.as_bytes()),
                expected,
                "{directory}"
            );
        }
        for (rules, file, expected) in [
            (&all, "x.iso", true),
            (&all, "x.part", false),
            (&some, "c.iso", false),
            (&below, "a/x", false),
            (&below, "a/b", true),
            (&below, "a/b/x", true),
        ] {
            assert_eq!(rules.has_file(file.as_bytes()), expected, "{file}");
        }
    }
}
