//! How mirrors are scanned, checked: for the site, and for mirrors with rules of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::bytes::RegexSet;

use super::coverage::{AllowedFiles, rsync_patterns};
use super::file::{RawMirrorScan, RawScan};
use super::problem::{ConfigProblem, check_share};

/// Ages that make sense: mirrors are not asked for all they have more often than every ten
/// minutes, and what was not looked at for a year is not known.
const AGES_S: std::ops::RangeInclusive<u64> = 600..=366 * 86_400;

/// Times of one mirror that make sense: less is over before an answer comes from afar, and scans
/// are made each day.
const TIMES_S: std::ops::RangeInclusive<u64> = 10..=7 * 86_400;

/// Scanning.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    /// Mirrors at a time; at least one.
    pub jobs: usize,
    /// 0 … 1.
    pub vanished_share_max: f64,
    /// 0 … 1: share of the allowed files that a mirror should have.
    pub coverage_min: f64,
    /// Until a silent mirror is given up.
    pub timeout: Duration,
    /// Until one mirror is given up, whatever it sends.
    pub time_max: Duration,
    /// Top-level names; empty: all.
    pub top_include: Vec<String>,
    /// Requests at a time to one mirror; at least one.
    pub requests: usize,
    /// Paths that are not listed over HTTP and FTP.
    pub exclude: RegexSet,
    /// rsync `--exclude` patterns.
    pub exclude_rsync: Vec<String>,
    /// Whether rsync follows links on the mirror.
    pub copies_links: bool,
    /// What `--due` goes by.
    pub due: DueConfig,
    /// What holds for single mirrors beside it, by identifier; its patterns are valid.
    pub mirror: BTreeMap<String, RawMirrorScan>,
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
    /// What holds for a mirror, if it has rules of its own.
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

pub(super) fn check_scan(raw: &RawScan) -> Result<ScanConfig, ConfigProblem> {
    check_share("scan.vanished_share_max", raw.vanished_share_max)?;
    check_share("scan.coverage_min", raw.coverage_min)?;
    if raw.timeout_s == 0 {
        return Err((
            "scan.timeout_s".into(),
            "0 would give every mirror up at once".into(),
        ));
    }
    if !TIMES_S.contains(&raw.time_max_s) {
        let wrong = format!(
            "it must be from {} to {} seconds",
            TIMES_S.start(),
            TIMES_S.end()
        );
        return Err(("scan.time_max_s".into(), wrong));
    }
    check_share("scan.changed_share", raw.changed_share)?;
    if !AGES_S.contains(&raw.whole_age_s) {
        let wrong = format!(
            "it must be from {} to {} seconds",
            AGES_S.start(),
            AGES_S.end()
        );
        return Err(("scan.whole_age_s".into(), wrong));
    }
    if raw.changed_age_s > *AGES_S.end() {
        let wrong = format!("it must be at most {} seconds", AGES_S.end());
        return Err(("scan.changed_age_s".into(), wrong));
    }
    for (identifier, rules) in &raw.mirror {
        let key = |name: &str| format!("scan.mirror.{identifier}.{name}");
        check_patterns(&key("exclude"), &rules.exclude)?;
        if let Some(share) = rules.coverage_min {
            check_share(&key("coverage_min"), share)?;
        }
    }
    Ok(ScanConfig {
        exclude: check_patterns("scan.exclude", &raw.exclude)?,
        requests: raw.requests.max(1),
        jobs: raw.jobs.max(1),
        vanished_share_max: raw.vanished_share_max,
        coverage_min: raw.coverage_min,
        timeout: Duration::from_secs(raw.timeout_s),
        time_max: Duration::from_secs(raw.time_max_s),
        top_include: raw.top_include.clone(),
        exclude_rsync: raw.exclude_rsync.clone(),
        copies_links: false,
        due: DueConfig::of(raw),
        mirror: raw.mirror.clone(),
    })
}

fn check_patterns(key: &str, patterns: &[String]) -> Result<RegexSet, ConfigProblem> {
    RegexSet::new(patterns).map_err(|error| (key.to_owned(), error.to_string().replace('\n', " ")))
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
        let config = check_scan(&raw).expect("it is valid");
        assert!(config.of_mirror("other").is_none());
        let own = config.of_mirror("de.uni").expect("rules");
        assert_eq!(own.top_include, ["pool"]);
        assert_eq!(own.exclude_rsync, ["/tmp/", "/pool/old/"]);
        assert!(own.exclude.is_match(b"/pool/old/"));
        assert!(own.exclude.is_match(b"/x/.~tmp~/"));
        assert!(!config.exclude.is_match(b"/pool/old/"));

        let rules = raw.mirror.get_mut("de.uni").expect("rules");
        rules.exclude.push("(".into());
        let (key, _) = check_scan(&raw).expect_err("a bad pattern");
        assert_eq!(key, "scan.mirror.de.uni.exclude");
    }
}
