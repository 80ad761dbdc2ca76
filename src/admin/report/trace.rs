//! Compares the statements of a mirror's trace with its record here.

use serde_json::{Value, json};

use crate::db::mirror::MirrorRecord;
use crate::db::mirror_trace::StoredTrace;
use crate::domain::time::{Timestamp, age};
use crate::domain::trace::Trace;
use crate::domain::url::Scheme;
use crate::domain::url_parts::UrlParts;

/// A last sync that is older explains missing files: mirrors sync daily at least.
const SYNC_AGE_S_MAX: i64 = 2 * 86_400;

/// With a smaller share of the files, the status shows when the mirror synced.
pub const COVERAGE_LOW: f64 = 0.95;

/// `synced 2 h ago, tree generation 12 of 14`; empty if the trace has neither.
pub fn said(trace: &Trace, generation: i64, now: Timestamp) -> String {
    let synced = trace
        .synced_at
        .map(|at| format!("synced {} ago", age(now, at)));
    let copied = trace
        .tree_generation
        .map(|copied| format!("tree generation {copied} of {generation}"));
    let parts: Vec<String> = synced.into_iter().chain(copied).collect();
    parts.join(", ")
}

/// Why files may be missing or outdated, as the mirror's own words explain it.
pub fn lag(trace: &Trace, generation: i64, now: Timestamp) -> Option<String> {
    let is_old = trace
        .synced_at
        .is_some_and(|at| now.0 - at.0 > SYNC_AGE_S_MAX);
    let is_behind = trace
        .tree_generation
        .is_some_and(|copied| copied < generation);
    (is_old || is_behind).then(|| format!("by its own trace {}", said(trace, generation, now)))
}

/// Statements that differ from the mirror's record.
pub fn differences(record: &MirrorRecord, trace: &Trace) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(size) = trace.max_file_size
        && i64::try_from(size) != Ok(record.file_maxsize)
    {
        let ours = match record.file_maxsize {
            0 => "no limit".to_owned(),
            bytes => format!("fileMaxsize {bytes}"),
        };
        notes.push(format!(
            "it says that it takes files of up to {size} bytes, here it has {ours}"
        ));
    }
    if trace.schemes.is_empty() {
        return notes;
    }
    let ours = schemes(record);
    let only = |these: &[Scheme], those: &[Scheme]| {
        let only = these.iter().filter(|scheme| !those.contains(scheme));
        only.map(|scheme| scheme.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let theirs = &trace.schemes;
    let (unused, unnamed) = (only(theirs, &ours), only(&ours, theirs));
    if !unused.is_empty() {
        notes.push(format!(
            "it says that it serves {unused}, here it has no such URL"
        ));
    }
    if !unnamed.is_empty() {
        notes.push(format!(
            "here it has URLs for {unnamed}, which it does not name"
        ));
    }
    notes
}

/// Schemes of the mirror's URLs, sorted by name.
fn schemes(record: &MirrorRecord) -> Vec<Scheme> {
    let urls = [&record.base_url, &record.ftp_url, &record.rsync_url];
    let urls = urls.into_iter().chain(&record.further_base_urls);
    let mut schemes: Vec<Scheme> = urls.filter_map(|url| scheme(url.trim())).collect();
    schemes.sort_unstable_by_key(|scheme| scheme.as_str());
    schemes.dedup();
    schemes
}

fn scheme(url: &str) -> Option<Scheme> {
    if url.is_empty() {
        return None;
    }
    match UrlParts::of(url) {
        Some(parts) if parts.scheme.eq_ignore_ascii_case("ftpes") => Some(Scheme::Ftp),
        Some(parts) => Scheme::named(parts.scheme),
        // HOST::MODULE
        None => Some(Scheme::Rsync),
    }
}

/// The whole trace, for programs; `null` without a trace.
pub fn json(stored: Option<&StoredTrace>, generation: i64) -> Value {
    let Some(StoredTrace { read_at, trace }) = stored else {
        return Value::Null;
    };
    json!({
        "read_at": read_at.to_string(),
        "synced_at": trace.synced_at.map(|at| at.to_string()),
        "tree_generation": trace.tree_generation,
        "tree_generation_here": generation,
        "schemes": trace.schemes.iter().map(|scheme| scheme.as_str()).collect::<Vec<_>>(),
        "connections": trace.connections,
        "max_file_size": trace.max_file_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_words_and_compared_with_what_is_known() {
        let now = Timestamp(1_000_000);
        let mut trace = Trace {
            synced_at: Some(Timestamp(now.0 - 7_200)),
            tree_generation: Some(12),
            schemes: vec![Scheme::Https, Scheme::Rsync],
            max_file_size: Some(100),
            connections: None,
        };
        let words = "synced 2 h ago, tree generation 12 of 14";
        assert_eq!(said(&trace, 14, now), words);
        let reason = Some(format!("by its own trace {words}"));
        assert_eq!(lag(&trace, 14, now), reason);
        assert_eq!(lag(&trace, 12, now), None);
        trace.synced_at = Some(Timestamp(now.0 - SYNC_AGE_S_MAX - 1));
        assert!(lag(&trace, 12, now).is_some());

        let mut record = MirrorRecord::new("m");
        record.base_url = "http://m/".into();
        record.rsync_url = "m::pub".into();
        let notes = differences(&record, &trace);
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[0].ends_with("100 bytes, here it has no limit"));
        assert!(notes[1].contains("serves https, here"), "{notes:?}");
        assert!(notes[2].contains("URLs for http, which"), "{notes:?}");
        record.base_url = "https://m/".into();
        record.file_maxsize = 100;
        assert!(differences(&record, &trace).is_empty());
        assert_eq!(said(&Trace::default(), 1, now), "");
    }
}
