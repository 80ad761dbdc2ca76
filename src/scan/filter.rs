//! Writes rsync's `--include` and `--exclude` arguments for a scan (no I/O).
//!
//! rsync takes the first rule that matches. For the whole tree, the rules and their order are
//! MirrorBrain's: first `scan_top_include`, then nothing else at the top, then the excludes. A
//! subtree is listed by its own URL, because the top may be closed or large. rsync then gets only
//! those excludes that are names; the others are applied here. A subtree whose name has wildcards
//! is listed from the top, by rules. For single directories, the rules leave out all others, so
//! that the server does not read these.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::compare::area::{Area, DirectoryArea};
use crate::config::{AllowedFiles, ScanConfig};

/// The arguments of rsync for a scan.
#[derive(Debug, Clone)]
pub struct RsyncRules {
    /// `--include=` and `--exclude=` arguments, in order.
    pub filters: Vec<OsString>,
    /// The only subtree or file, below the mirror's URL, that is listed; empty: everything.
    pub start: Vec<u8>,
    /// The files that count, if rsync does not get all rules.
    pub allowed: Option<AllowedFiles>,
    /// Whether a link counts as its target.
    pub copies_links: bool,
}

impl RsyncRules {
    /// The rules for the whole tree, or for a part of it.
    pub fn new(config: &ScanConfig, area: &Area) -> RsyncRules {
        let mut rules = RsyncRules {
            filters: Vec::new(),
            start: Vec::new(),
            allowed: None,
            copies_links: config.copies_links,
        };
        match area {
            Area::Whole => rules.filters = of_the_tree(config),
            Area::Below(dir) if is_plain(dir.as_bytes()) => {
                rules.start = dir.as_bytes().to_vec();
                // A pattern with a slash would count from the subtree instead of the top.
                let names = config.exclude_rsync.iter();
                let names = names.filter(|pattern| !pattern.contains('/'));
                rules.filters = names.map(|name| exclude(name)).collect();
                let mut config = config.clone();
                config.top_include.clear();
                rules.allowed = Some(config.allowed_files(true));
            }
            Area::Below(dir) => {
                rules.filters = excludes(config).chain(below(dir.as_bytes())).collect();
            }
            Area::Single(directories) => {
                rules.filters = excludes(config).chain(in_single(directories)).collect();
            }
        }
        rules
    }
}

/// Whether servers take a path literally: they take `*`, `?` and `[` for wildcards.
fn is_plain(path: &[u8]) -> bool {
    let is_special = |byte: &u8| b"*?[\\".contains(byte) || byte.is_ascii_control();
    !path.iter().any(is_special)
}

fn of_the_tree(config: &ScanConfig) -> Vec<OsString> {
    let mut rules = Vec::new();
    for name in &config.top_include {
        rules.push(rule(b"--include=/", name.trim_matches('/').as_bytes(), b""));
    }
    if !config.top_include.is_empty() {
        rules.push("--exclude=/*".into());
    }
    rules.extend(excludes(config));
    rules
}

fn below(path: &[u8]) -> Vec<OsString> {
    let mut rules = Vec::new();
    for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        rules.push(rule(b"--include=/", &literal(&path[..end]), b"/"));
    }
    rules.push(rule(b"--include=/", &literal(path), b""));
    rules.push(rule(b"--include=/", &escaped(path), b"/**"));
    rules.push("--exclude=*".into());
    rules
}

fn in_single(directories: &DirectoryArea) -> Vec<OsString> {
    let named = directories.on_the_way().union(directories.wanted());
    let mut rules: Vec<OsString> = named
        .filter(|path| !path.is_empty())
        .map(|path| rule(b"--include=/", &literal(path), b"/"))
        .collect();
    rules.push("--exclude=*/".into());
    for path in directories.wanted() {
        rules.push(match &path[..] {
            [] => "--include=/*".into(),
            path => rule(b"--include=/", &escaped(path), b"/*"),
        });
    }
    rules.push("--exclude=*".into());
    rules
}

fn excludes(config: &ScanConfig) -> impl Iterator<Item = OsString> {
    let patterns = config.exclude_rsync.iter();
    patterns.map(|pattern| exclude(pattern))
}

fn exclude(pattern: &str) -> OsString {
    rule(b"--exclude=", pattern.as_bytes(), b"")
}

fn rule(option: &[u8], pattern: &[u8], end: &[u8]) -> OsString {
    OsString::from_vec([option, pattern, end].concat())
}

/// rsync takes a backslash literally in a pattern without wildcards, and as an escape in others.
fn literal(path: &[u8]) -> Vec<u8> {
    if path.iter().any(|byte| b"*?[".contains(byte)) {
        escaped(path)
    } else {
        path.to_vec()
    }
}

fn escaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    for &byte in path {
        if b"*?[\\".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path::FilePath;
    use std::time::Duration;

    fn shown(top_include: &[&str], area: &Area) -> String {
        let config = ScanConfig {
            jobs: 1,
            requests: 1,
            exclude: regex::bytes::RegexSet::empty(),
            vanished_share_max: 0.3,
            coverage_min: 0.5,
            timeout: Duration::from_secs(1),
            time_max: Duration::from_secs(60),
            top_include: top_include.iter().map(|name| (*name).to_owned()).collect(),
            exclude_rsync: vec!["/.~tmp~/".to_owned()],
            copies_links: false,
            due: Default::default(),
            mirror: Default::default(),
        };
        let rules = RsyncRules::new(&config, area);
        let rules: Vec<_> = rules
            .filters
            .iter()
            .map(|rule| rule.to_string_lossy())
            .collect();
        rules.join(" ")
    }

    #[test]
    fn rules_are_those_of_mirrorbrain_or_of_the_subtree() {
        for (top_include, dir, expected) in [
            (&[][..], None, "--exclude=/.~tmp~/"),
            (
                &["a", "/b/"],
                None,
                "--include=/a --include=/b --exclude=/* --exclude=/.~tmp~/",
            ),
            (&["a"], Some(&b"/x/y/"[..]), ""),
            (
                &["a"],
                Some(b"x/*"),
                "--exclude=/.~tmp~/ --include=/x/ --include=/x/\\* --include=/x/\\*/** \
                 --exclude=*",
            ),
            (
                &[],
                Some(b"b\\s/[1]"),
                "--exclude=/.~tmp~/ --include=/b\\s/ --include=/b\\\\s/\\[1] \
                 --include=/b\\\\s/\\[1]/** --exclude=*",
            ),
        ] {
            let path = |dir| FilePath::parse(dir).expect("a path");
            let area = dir.map_or(Area::Whole, |dir| Area::Below(path(dir)));
            assert_eq!(shown(top_include, &area), expected);
        }
    }

    #[test]
    fn of_single_directories_only_the_files_are_listed() {
        let area = |paths: &[&str]| {
            let paths = paths.iter().map(|path| path.as_bytes().to_vec());
            Area::Single(DirectoryArea::new(paths))
        };
        for (paths, expected) in [
            (
                &["x/y", "x/y/z", "b\\s"][..],
                "--exclude=/.~tmp~/ --include=/b\\s/ --include=/x/ --include=/x/y/ \
                 --include=/x/y/z/ --exclude=*/ --include=/b\\\\s/* --include=/x/y/* \
                 --include=/x/y/z/* --exclude=*",
            ),
            (
                &[""],
                "--exclude=/.~tmp~/ --exclude=*/ --include=/* --exclude=*",
            ),
        ] {
            assert_eq!(shown(&["a"], &area(paths)), expected);
        }
    }
}
