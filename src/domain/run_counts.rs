//! The numbers of a run, by their names: what every kind of run stores, and what is read again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A number of a run that programs read again; all others are only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNumber {
    /// The generation of the tree that an index run made.
    Generation,
    /// Time at which an index run changed the catalogue, in seconds since 1970.
    ChangedAt,
    /// The first file id that an index run gave.
    FirstId,
    /// Milliseconds of hashing; only runs that hash have it.
    HashingMs,
    /// Single directories that a scan read; 0: it read the tree, or a subtree.
    Directories,
    /// Current files of a mirror after a scan.
    After,
    /// Files that a mirror may have by its include and exclude rules.
    Allowed,
    /// Minutes that a mirror's times are ahead of UTC.
    ShiftMin,
}

impl RunNumber {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RunNumber::Generation => "generation",
            RunNumber::ChangedAt => "changed_at",
            RunNumber::FirstId => "first_id",
            RunNumber::HashingMs => "hashing_ms",
            RunNumber::Directories => "directories",
            RunNumber::After => "after",
            RunNumber::Allowed => "allowed",
            RunNumber::ShiftMin => "shift_min",
        }
    }
}

/// The numbers of a run, stored as one JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts(BTreeMap<String, Number>);

impl RunCounts {
    /// The numbers of a value whose fields are numbers; fields of other kinds are left out.
    pub fn of(numbers: &impl Serialize) -> RunCounts {
        let value = serde_json::to_value(numbers).unwrap_or_default();
        let fields = value.as_object().into_iter().flatten();
        let numbers = fields.filter_map(|(name, value)| match value {
            serde_json::Value::Number(number) => Some((name.clone(), number.clone())),
            _ => None,
        });
        RunCounts(numbers.collect())
    }

    /// One number alone.
    pub fn only(which: RunNumber, number: i64) -> RunCounts {
        RunCounts(BTreeMap::from([(which.as_str().to_owned(), number.into())]))
    }

    /// A number; `None` if the run did not record it.
    pub fn number(&self, which: RunNumber) -> Option<i64> {
        self.0.get(which.as_str())?.as_i64()
    }

    /// All numbers by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Number)> {
        self.0.iter().map(|(name, number)| (name.as_str(), number))
    }

    /// The same without some names.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> RunCounts {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// Takes over the numbers of a further part of the run.
    pub fn add(&mut self, more: &RunCounts) {
        let more = more.0.iter();
        self.0
            .extend(more.map(|(name, number)| (name.clone(), number.clone())));
    }

    /// Reads the stored text; `None` if it cannot be read, so that nothing is known of the run's
    /// numbers.
    pub fn parse(text: &str) -> Option<RunCounts> {
        let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        Some(RunCounts::of(&object))
    }

    /// The text to be stored.
    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).expect("numbers are always JSON")
    }

    /// Whether the run was not a scan of single directories.
    pub fn is_of_all(&self) -> bool {
        self.number(RunNumber::Directories).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_stored_by_any_version() {
        for (text, expected) in [
            (r#"{"after":7,"allowed":9}"#, Some((Some(7), true))),
            (
                r#"{"after":7,"directories":0,"by":"rsync"}"#,
                Some((Some(7), true)),
            ),
            (r#"{"directories":2,"share":0.5}"#, Some((None, false))),
            ("{}", Some((None, true))),
            ("", None),
            ("no JSON", None),
            ("[1]", None),
        ] {
            let counts = RunCounts::parse(text);
            let found = counts.map(|counts| {
                let again = RunCounts::parse(&counts.text());
                assert_eq!(again.as_ref(), Some(&counts), "{text}");
                (counts.number(RunNumber::After), counts.is_of_all())
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}
