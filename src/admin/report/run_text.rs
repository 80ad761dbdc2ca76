//! Words and JSON about runs, for the commands that show them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::admin::error::AdminError;
use crate::admin::session::find_mirror;
use crate::db::mirror;
use crate::db::open::Queryable;
use crate::db::run::RunRecord;
use crate::domain::mirror::MirrorId;
use crate::domain::run_counts::RunCounts;
use crate::domain::time::Timestamp;

/// A run may begin while another program is asked for its time.
pub(super) const CLOCK_SLACK_S: i64 = 60;

/// Numbers beside the counts of a run that count nothing.
const NO_COUNTS: [&str; 4] = ["took_ms", "first_id", "changed_at", "generation"];

/// Numbers, problems and repetitions of a run, for people.
pub(super) fn what_of(run: &RunRecord) -> String {
    let again = run.repeats.map(|(times, at)| match times {
        1 => format!("the same again at {at}"),
        _ => format!("the same {times} times more, last at {at}"),
    });
    let what = [
        counts(run.counts.as_ref()),
        run.error.clone(),
        run.note.clone(),
        again.unwrap_or_default(),
    ];
    let what = what.iter().map(String::as_str);
    let what: Vec<&str> = what.filter(|text| !text.is_empty()).collect();
    what.join("; ")
}

pub(super) fn mirror_id(
    database: &impl Queryable,
    wanted: Option<&str>,
) -> Result<Option<MirrorId>, AdminError> {
    wanted
        .map(|wanted| find_mirror(database, wanted).map(|mirror| mirror.id))
        .transpose()
}

pub(super) fn names(database: &impl Queryable) -> Result<HashMap<MirrorId, String>, AdminError> {
    let mirrors = mirror::all(database)?.into_iter();
    Ok(mirrors
        .map(|mirror| (mirror.id, mirror.identifier))
        .collect())
}

/// The name, or the number of a mirror that is gone.
pub(super) fn name_of(mirror: Option<MirrorId>, names: &HashMap<MirrorId, String>) -> String {
    match mirror {
        None => "-".to_owned(),
        Some(id) => names.get(&id).cloned().unwrap_or_else(|| format!("#{id}")),
    }
}

/// Whether a run began, or was seen again, after a time: then a clock was wrong.
pub(super) fn is_ahead(run: &RunRecord, latest: Timestamp) -> bool {
    let repeated_at = run.repeats.map(|(_, at)| at);
    run.started_at > latest || repeated_at.is_some_and(|at| at > latest)
}

pub(super) fn took(run: &RunRecord) -> String {
    match run.ended_at {
        Some(end) => format!("{} s", end.0 - run.started_at.0),
        None => "-".to_owned(),
    }
}

/// `{"files":12,"changed":0}` as `12 files`: a zero says nothing.
fn counts(counts: Option<&RunCounts>) -> String {
    let numbers = counts.into_iter().flat_map(RunCounts::iter);
    let counts: Vec<String> = numbers
        .filter(|(name, count)| count.as_i64() != Some(0) && !NO_COUNTS.contains(name))
        .map(|(name, count)| match (name, count.as_i64()) {
            ("directories", Some(1)) => "1 directory".to_owned(),
            ("files" | "bytes", Some(1)) => format!("1 {}", name.trim_end_matches('s')),
            _ => format!("{count} {}", name.replace('_', " ")),
        })
        .collect();
    counts.join(", ")
}

pub(super) fn run_json(
    run: &RunRecord,
    names: &HashMap<MirrorId, String>,
    latest: Timestamp,
) -> Value {
    json!({
        "id": run.id.0,
        "kind": run.kind.as_str(),
        "mirror": run.mirror.and_then(|id| names.get(&id)),
        "started_at": run.started_at.to_string(),
        "in_future": is_ahead(run, latest),
        "ended_at": run.ended_at.map(|end| end.to_string()),
        "outcome": run.outcome.as_str(),
        "counts": &run.counts,
        "error": run.error,
        "note": run.note,
        "repeats": run.repeats.map_or(0, |(times, _)| times),
        "repeated_at": run.repeats.map(|(_, at)| at.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_are_words() {
        let rows = [
            (r#"{"files":12,"changed":0}"#, "12 files"),
            (
                r#"{"files":1,"bytes":1,"directories":1,"took_ms":445,"changed_at":9}"#,
                "1 byte, 1 directory, 1 file",
            ),
            (
                r#"{"directories":2,"not_read":3}"#,
                "2 directories, 3 not read",
            ),
            ("", ""),
        ];
        for (text, expected) in rows {
            let mut words: Vec<String> = counts(serde_json::from_str(text).ok().as_ref())
                .split(", ")
                .map(str::to_owned)
                .collect();
            words.sort_unstable();
            assert_eq!(words.join(", "), expected, "{text}");
        }
    }
}
