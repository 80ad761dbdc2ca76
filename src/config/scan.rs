//! `[site.NAME.scan]`: how mirrors are scanned, for the site and for mirrors with rules of their
//! own.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::bytes::RegexSet;

use super::coverage::{AllowedFiles, rsync_patterns};
use crate::domain::key::{Bounds, ConfigProblem, seconds, section};

/// As many mirrors at the same time as `--jobs` takes: each is a thread and a process or
/// connection.
pub const JOBS_MAX: u64 = 256;

/// More requests at the same time would be an attack on a mirror.
const REQUESTS_MAX: u64 = 64;

/// A mirror that is silent for a day is gone.
const SILENCE_S_MAX: u64 = 86_400;

/// A mirror that was not looked at for a year is not known.
const YEAR_S: u64 = 366 * 86_400;

section! {
    /// `[site.NAME.scan]`: scans of mirrors.
    RawScan => ScanConfig {
        /// Mirrors that are scanned at the same time.
        jobs: usize = 8, in Bounds::Whole(1, JOBS_MAX);
        /// Largest share of a mirror's files that one scan may find vanished; more is published
        /// only when a second scan sees the same, or by `--force`.
        vanished_share_max: f64 = 0.3, in Bounds::SHARE;
        /// Share of the catalogue's files (of those that the include and exclude keys allow) that
        /// a mirror should have; with less it needs attention.
        coverage_min: f64 = 0.5, in Bounds::SHARE;
        /// Seconds without a byte from a mirror until it is given up.
        timeout_s: u64 = 120, in Bounds::Whole(1, SILENCE_S_MAX) => timeout: Duration = seconds;
        /// Seconds that one mirror may take in all, whatever it sends; the rest of it is left for
        /// the next scan.
        time_max_s: u64 = 4 * 3600, in Bounds::Whole(10, 7 * 86_400)
            => time_max: Duration = seconds;
        /// Only these top-level names are scanned; empty: all. (MirrorBrain's `scan_top_include`.)
        top_include: Vec<String> = Vec::new();
        /// Requests at the same time to one mirror that is listed over HTTP, and logins over FTP.
        requests: usize = 3, in Bounds::Whole(1, REQUESTS_MAX);
        /// Regular expressions; directories (`/DIR/`) and files (`/PATH`) that match are not listed
        /// over HTTP and FTP. (MirrorBrain's `scan_exclude`.)
        exclude: Vec<String> = vec![r"/\.~tmp~/".to_owned()] => exclude: RegexSet = expressions;
        /// Patterns that are given to rsync as `--exclude`. (MirrorBrain's `scan_exclude_rsync`.)
        exclude_rsync: Vec<String> = vec!["*/.~tmp~/".to_owned(), "/.~tmp~/".to_owned()];
        /// `--due`: seconds after which the whole of a mirror is scanned again.
        whole_age_s: u64 = 86_400, in Bounds::Whole(600, YEAR_S) => _;
        /// `--due`: seconds for which the scan looks for new versions of files separately.
        changed_age_s: u64 = 3 * 86_400, in Bounds::Whole(0, YEAR_S) => _;
        /// `--due`: once this share of the mirrors has a changed directory, the scan no longer asks
        /// the others for it separately.
        changed_share: f64 = 0.9, in Bounds::SHARE => _;
        /// Rules for single mirrors, by identifier: `[site.NAME.scan.mirror."IDENTIFIER"]`.
        mirror: BTreeMap<String, RawMirrorScan> = BTreeMap::new()
            => mirror: BTreeMap<String, RawMirrorScan> = mirror_rules;
    }
    also {
        /// Whether rsync follows links on the mirror.
        copies_links: bool = no_links;
        /// The limits that `--due` goes by.
        due: DueConfig = due;
    }
}

section! {
    /// `[site.NAME.scan.mirror."IDENTIFIER"]`: rules for scans of one mirror.
    RawMirrorScan => _ {
        /// Instead of the site's; empty: the site's.
        top_include: Vec<String> = Vec::new();
        /// Beside the site's.
        exclude: Vec<String> = Vec::new();
        /// Beside the site's.
        exclude_rsync: Vec<String> = Vec::new();
        /// Whether rsync follows links on the mirror (`--copy-links`).
        copy_links: bool = false;
        /// Instead of the site's.
        coverage_min: Option<f64> = None, in Bounds::SHARE;
    }
}

/// When a scan is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DueConfig {
    /// Age of a whole scan at which the next is due.
    pub whole_age: Duration,
    /// How long new versions of files are looked for by themselves.
    pub changed_age: Duration,
    /// 0 … 1: share of the mirrors that must have a changed directory.
    pub changed_share: f64,
}

impl Default for DueConfig {
    fn default() -> DueConfig {
        DueConfig::of(&RawScan::default())
    }
}

impl DueConfig {
    fn of(raw: &RawScan) -> DueConfig {
        DueConfig {
            whole_age: Duration::from_secs(raw.whole_age_s),
            changed_age: Duration::from_secs(raw.changed_age_s),
            changed_share: raw.changed_share,
        }
    }
}

impl ScanConfig {
    /// Gives the settings for a mirror that has rules of its own. Absent if it has none.
    pub fn of_mirror(&self, identifier: &str) -> Option<ScanConfig> {
        let own = self.mirror.get(identifier)?;
        let mut config = self.clone();
        if !own.top_include.is_empty() {
            config.top_include.clone_from(&own.top_include);
        }
        config.exclude_rsync.extend_from_slice(&own.exclude_rsync);
        config.copies_links = own.copy_links;
        config.coverage_min = own.coverage_min.unwrap_or(config.coverage_min);
        config.exclude = RegexSet::new(self.exclude.patterns().iter().chain(&own.exclude))
            .expect("each pattern was compiled before");
        Some(config)
    }

    /// Which files are looked for; rsync has rules of its own.
    pub fn allowed_files(&self, by_rsync: bool) -> AllowedFiles {
        let exclude = match by_rsync {
            true => rsync_patterns(&self.exclude_rsync),
            false => self.exclude.clone(),
        };
        AllowedFiles::new(&self.top_include, exclude)
    }
}

fn no_links(_: &RawScan) -> Result<bool, ConfigProblem> {
    Ok(false)
}

fn due(raw: &RawScan) -> Result<DueConfig, ConfigProblem> {
    Ok(DueConfig::of(raw))
}

fn expressions(patterns: &[String]) -> Result<RegexSet, ConfigProblem> {
    RegexSet::new(patterns).map_err(|error| {
        let bad = patterns
            .iter()
            .find(|pattern| RegexSet::new([pattern]).is_err());
        let error = error.to_string();
        let cause = error.lines().last().unwrap_or_default();
        let cause = cause.trim_start_matches("error: ");
        let why = match bad {
            Some(bad) => format!("'{}' is no regular expression: {cause}", bad.escape_debug()),
            None => format!("the regular expressions together: {cause}"),
        };
        ConfigProblem::unusable(why, "")
    })
}

fn mirror_rules(
    rules: &BTreeMap<String, RawMirrorScan>,
) -> Result<BTreeMap<String, RawMirrorScan>, ConfigProblem> {
    for (identifier, rules) in rules {
        let checked = expressions(&rules.exclude);
        checked.map_err(|problem| problem.below("exclude").below(identifier))?;
    }
    Ok(rules.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_may_have_rules_of_its_own() {
        let mut raw = RawScan {
            top_include: vec!["pool".into()],
            exclude_rsync: vec!["/tmp/".into()],
            ..RawScan::default()
        };
        let own = RawMirrorScan {
            top_include: Vec::new(),
            exclude: vec!["^/pool/old/".into()],
            exclude_rsync: vec!["/pool/old/".into()],
            copy_links: true,
            coverage_min: Some(0.1),
        };
        raw.mirror.insert("de.uni".into(), own);
        let config = raw.checked().expect("it is valid");
        assert!(config.of_mirror("other").is_none());
        let own = config.of_mirror("de.uni").expect("rules");
        assert_eq!(own.top_include, ["pool"]);
        assert_eq!(own.exclude_rsync, ["/tmp/", "/pool/old/"]);
        assert!(own.exclude.is_match(b"/pool/old/"));
        assert!(own.exclude.is_match(b"/x/.~tmp~/"));
        assert!(!config.exclude.is_match(b"/pool/old/"));

        let rules = raw.mirror.get_mut("de.uni").expect("rules");
        rules.exclude.push("(".into());
        let problem = raw.checked().expect_err("a bad pattern").to_string();
        assert_eq!(
            problem,
            "mirror.de.uni.exclude: '(' is no regular expression: unclosed group"
        );
    }
}
