//! Reads the trace that a mirror leaves in its tree after each sync: `/.heliostat.json`.
//!
//! ```json
//! {"time": "2026-11-22T20:00:00Z", "tree_generation": 12, "schemes": ["https", "rsync"],
//!  "limits": {"connections": 4, "max_file_size": 4294967296}}
//! ```
//!
//! Only `time` is required; unknown keys are ignored. A trace is a hint that people are shown: it
//! never adds files to a mirror or removes them.
//!
//! # Limits
//! A trace has at most [`TRACE_BYTES_MAX`] bytes, and nests as deep as serde_json allows (128).

use serde_json::{Map, Value};

use super::time::Timestamp;
use super::url::Scheme;

/// Name of the trace, in the root of a mirror's tree.
pub const TRACE_NAME: &str = ".heliostat.json";

/// Name of the file in the root of our tree that tells mirrors which generation they copy.
pub const GENERATION_NAME: &str = ".heliostat-generation";

/// Longest trace in bytes; a few hundred are enough for all keys.
pub const TRACE_BYTES_MAX: u64 = 16 * 1024;

/// Number of seconds by which a mirror's clock may be ahead of ours.
const AHEAD_S_MAX: i64 = 600;

/// 2000-01-01. Heliostat's mirrors are younger; an earlier time comes from a clock without a
/// battery.
const EARLIEST: Timestamp = Timestamp(946_684_800);

/// Largest number of connections that is kept; a larger one means no limit in practice.
const CONNECTIONS_MAX: u64 = 1_000_000;

/// A mirror's own statements about its copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// End of its last sync; `None` if the time that it states is impossible.
    pub synced_at: Option<Timestamp>,
    /// Generation of the tree that it copied.
    pub tree_generation: Option<i64>,
    /// Schemes that it serves, sorted by name and without repetition; empty: it states none.
    pub schemes: Vec<Scheme>,
    /// Largest number of simultaneous connections that it wants; at least one.
    pub connections: Option<u32>,
    /// Size in bytes of the largest file that it copies.
    pub max_file_size: Option<u64>,
}

/// Why a text is not a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// Longer than [`TRACE_BYTES_MAX`].
    #[error("it is longer than {TRACE_BYTES_MAX} bytes")]
    TooLong,
    /// Not a JSON object.
    #[error("it is not a JSON object")]
    Form,
    /// `time` is missing or not an RFC 3339 time.
    #[error("its `time` is not a time such as 2026-11-22T20:00:00Z")]
    Time,
    /// Another key has a value of a wrong type.
    #[error("its `{0}` has a value of the wrong type")]
    Key(&'static str),
}

/// Whether a path relative to the tree is the trace, the generation file, or a temporary file
/// beside one of them. Such files are not catalogued, and not counted among a mirror's unknown
/// files.
pub fn is_ours(path: &[u8]) -> bool {
    [TRACE_NAME, GENERATION_NAME].into_iter().any(|name| {
        let rest = path.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'.' && !rest.contains(&b'/'))
    })
}

impl Trace {
    /// Reads a trace; `now` is the present time.
    ///
    /// # Errors
    /// Returns [`TraceError`] if the text is not a trace; then none of its keys is used.
    pub fn parse(text: &[u8], now: Timestamp) -> Result<Trace, TraceError> {
        if text.len() as u64 > TRACE_BYTES_MAX {
            return Err(TraceError::TooLong);
        }
        let object: Map<String, Value> =
            serde_json::from_slice(text).map_err(|_| TraceError::Form)?;
        let time = object.get("time").and_then(Value::as_str);
        let time = time.and_then(Timestamp::parse).ok_or(TraceError::Time)?;
        let none = Map::new();
        let limits = match object.get("limits") {
            None | Some(Value::Null) => &none,
            Some(limits) => limits.as_object().ok_or(TraceError::Key("limits"))?,
        };
        let connections = number(limits, "connections")?;
        let generation = number(&object, "tree_generation")?;
        Ok(Trace {
            synced_at: (EARLIEST.0..=now.0.saturating_add(AHEAD_S_MAX))
                .contains(&time.0)
                .then_some(time),
            tree_generation: generation.and_then(|number| i64::try_from(number).ok()),
            schemes: schemes(&object)?,
            connections: connections.map(|number| number.clamp(1, CONNECTIONS_MAX) as u32),
            max_file_size: number(limits, "max_file_size")?,
        })
    }

    /// The schemes as one text, which [`Trace::schemes_of`] reads.
    pub fn schemes_text(&self) -> String {
        let names: Vec<&str> = self.schemes.iter().map(|scheme| scheme.as_str()).collect();
        names.join(" ")
    }

    /// The known schemes in a text of words, sorted by name and without repetition; others are
    /// ignored.
    pub fn schemes_of(text: &str) -> Vec<Scheme> {
        let words = text.split_ascii_whitespace();
        let mut schemes: Vec<Scheme> = words.filter_map(Scheme::named).collect();
        schemes.sort_unstable_by_key(|scheme| scheme.as_str());
        schemes.dedup();
        schemes
    }
}

fn number(object: &Map<String, Value>, key: &'static str) -> Result<Option<u64>, TraceError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(TraceError::Key(key)),
    }
}

fn schemes(object: &Map<String, Value>) -> Result<Vec<Scheme>, TraceError> {
    let fail = TraceError::Key("schemes");
    let words = match object.get("schemes") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_array().ok_or(fail)?,
    };
    let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    Ok(Trace::schemes_of(&words.ok_or(fail)?.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_795_000_000);

    fn parse(text: &str) -> Result<Trace, TraceError> {
        Trace::parse(text.as_bytes(), NOW)
    }

    #[test]
    fn traces_are_read_and_unknown_keys_ignored() {
        let whole = r#"{"time": "2026-11-18T19:33:20Z", "tree_generation": 12, "x": [{}],
            "schemes": ["RSYNC", "https", "gopher", "https"],
            "limits": {"connections": 0, "max_file_size": 5000000000, "y": 1}}"#;
        let expected = Trace {
            synced_at: Some(Timestamp(1_795_030_400)),
            tree_generation: Some(12),
            schemes: vec![Scheme::Https, Scheme::Rsync],
            connections: Some(1),
            max_file_size: Some(5_000_000_000),
        };
        let later = Timestamp(NOW.0 + 86_400);
        assert_eq!(Trace::parse(whole.as_bytes(), later), Ok(expected));
        let short = parse(r#"{"time":"2020-01-01T00:00:00.5+01:00","limits":null}"#);
        let synced_at = Some(Timestamp(1_577_833_200));
        assert_eq!(
            short,
            Ok(Trace {
                synced_at,
                ..Trace::default()
            })
        );
    }

    #[test]
    fn what_is_no_trace_is_told_and_times_that_cannot_be_are_left_out() {
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(TRACE_BYTES_MAX as usize));
        for (text, expected) in [
            ("", TraceError::Form),
            ("[]", TraceError::Form),
            ("<html>", TraceError::Form),
            ("{}", TraceError::Time),
            (r#"{"time": 5}"#, TraceError::Time),
            (r#"{"time": "2026-02-30T00:00:00Z"}"#, TraceError::Time),
            (r#"{"time": "2026-02-03T00:00:00"}"#, TraceError::Time),
            (r#"{"time": "2026-02-03T00:00:00.Z"}"#, TraceError::Time),
            (r#"{"time": "2026-02-03T24:00:00Z"}"#, TraceError::Time),
            (
                r#"{"time": "2020-01-01T00:00:00Z", "tree_generation": "12"}"#,
                TraceError::Key("tree_generation"),
            ),
            (
                r#"{"time": "2020-01-01T00:00:00Z", "limits": {"connections": -1}}"#,
                TraceError::Key("connections"),
            ),
            (
                r#"{"time": "2020-01-01T00:00:00Z", "schemes": [1]}"#,
                TraceError::Key("schemes"),
            ),
            (&long, TraceError::TooLong),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        for time in [
            "1999-12-31T23:59:59Z",
            "2030-01-01T00:00:00Z",
            "9999-12-31T00:00:00Z",
        ] {
            let trace = parse(&format!(r#"{{"time":"{time}","tree_generation":3}}"#));
            let trace = trace.expect("a trace");
            assert_eq!((trace.synced_at, trace.tree_generation), (None, Some(3)));
        }
    }

    #[test]
    fn our_files_are_those_at_the_top_alone() {
        for (path, expected) in [
            (&b".heliostat.json"[..], true),
            (b".heliostat-generation", true),
            (b".heliostat.json.4711", true),
            (b".heliostat.jsonx", false),
            (b".heliostat.json/x", false),
            (b".heliostat.json.d/x", false),
            (b"a/.heliostat.json", false),
        ] {
            assert_eq!(is_ours(path), expected, "{}", path.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_trace_or_not(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Trace::parse(&text, NOW);
        }

        #[test]
        fn any_time_is_a_time_or_not(text in "[0-9TZ:.+ -]{0,32}|\\PC{0,30}") {
            if let Some(time) = Timestamp::parse(&text) {
                prop_assert!(time.0.abs() < 300_000_000_000);
            }
        }

        #[test]
        fn what_is_written_is_read(seconds in EARLIEST.0..NOW.0) {
            let time = Timestamp(seconds);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }
}
