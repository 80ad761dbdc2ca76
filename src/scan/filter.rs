//! rsync's `--include` and `--exclude` arguments for a scan: pure.
//!
//! rsync takes the first rule that matches. For the whole tree the rules and their order are
//! MirrorBrain's: `scan_top_include`, then nothing else at the top, then the excludes. For a
//! subtree rules are used too, not a longer URL: names stay relative to the tree, excludes keep
//! their meaning, and a mirror that lacks the directory gives an empty listing, not an error.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::config::ScanConfig;
use crate::domain::path::FilePath;

/// The rules for the whole tree, or for a subtree or a file of it.
pub fn filters(config: &ScanConfig, dir: Option<&FilePath>) -> Vec<OsString> {
    let mut rules = Vec::new();
    let Some(dir) = dir else {
        for name in &config.top_include {
            rules.push(rule(b"--include=/", name.trim_matches('/').as_bytes(), b""));
        }
        if !config.top_include.is_empty() {
            rules.push("--exclude=/*".into());
        }
        rules.extend(excludes(config));
        return rules;
    };
    rules.extend(excludes(config));
    let path = dir.as_bytes();
    for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        rules.push(rule(b"--include=/", &literal(&path[..end]), b"/"));
    }
    rules.push(rule(b"--include=/", &literal(path), b""));
    rules.push(rule(b"--include=/", &escaped(path), b"/**"));
    rules.push("--exclude=*".into());
    rules
}

fn excludes(config: &ScanConfig) -> impl Iterator<Item = OsString> {
    let patterns = config.exclude_rsync.iter();
    patterns.map(|pattern| rule(b"--exclude=", pattern.as_bytes(), b""))
}

fn rule(option: &[u8], pattern: &[u8], end: &[u8]) -> OsString {
    OsString::from_vec([option, pattern, end].concat())
}

/// In a pattern without wildcards rsync takes a backslash as it is, in others as an escape.
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
    use std::time::Duration;

    fn shown(top_include: &[&str], dir: Option<&[u8]>) -> String {
        let config = ScanConfig {
            jobs: 1,
            requests: 1,
            exclude: regex::bytes::RegexSet::empty(),
            vanished_share_max: 0.3,
            timeout: Duration::from_secs(1),
            top_include: top_include.iter().map(|name| (*name).to_owned()).collect(),
            exclude_rsync: vec!["/.~tmp~/".to_owned()],
        };
        let dir = dir.map(|dir| FilePath::parse(dir).expect("a path"));
        let rules = filters(&config, dir.as_ref());
        let rules: Vec<_> = rules.iter().map(|rule| rule.to_string_lossy()).collect();
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
            (
                &["a"],
                Some(&b"/x/y/"[..]),
                "--exclude=/.~tmp~/ --include=/x/ --include=/x/y --include=/x/y/** --exclude=*",
            ),
            (
                &[],
                Some(b"b\\s/[1]"),
                "--exclude=/.~tmp~/ --include=/b\\s/ --include=/b\\\\s/\\[1] \
                 --include=/b\\\\s/\\[1]/** --exclude=*",
            ),
        ] {
            assert_eq!(shown(top_include, dir), expected);
        }
    }
}
