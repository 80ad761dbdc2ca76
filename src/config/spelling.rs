//! Reads the text of a configuration: compares each key and each type of value with the rows, and
//! remembers the lines.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::config::{ConfigText, RawConfig};
use super::error::{ConfigError, Lines};
use crate::domain::key::{ConfigProblem, Key, KeyValue, Kind, Problem};
use crate::domain::mirror::name::nearest;

/// Reads a text; `path` is named in errors.
///
/// # Errors
/// Returns [`ConfigError::Parse`] if the text is no TOML, and [`ConfigError::Value`] for the first
/// key that nobody knows or whose value is of another type.
pub fn parse(path: &Path, text: &str) -> Result<ConfigText, ConfigError> {
    let no_toml = |error: toml::de::Error| ConfigError::Parse {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        message: error.message().replace('\n', " "),
    };
    let table = DeTable::parse(text).map_err(no_toml)?;
    let mut speller = Speller {
        text,
        lines: Lines::new(),
    };
    let spelled = speller.table("", RawConfig::KIND, table.get_ref());
    spelled.map_err(|problem| ConfigError::of(path, &speller.lines, problem))?;
    Ok(ConfigText {
        raw: toml::from_str(text).map_err(no_toml)?,
        lines: speller.lines,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Walks through a text beside its rows.
struct Speller<'t> {
    text: &'t str,
    lines: Lines,
}

impl Speller<'_> {
    fn table(&mut self, path: &str, kind: &Kind, table: &DeTable<'_>) -> Result<(), ConfigProblem> {
        for (name, value) in table {
            let key = join(path, name.get_ref());
            let line = line_of(self.text, name.span().start);
            self.lines.entry(key.clone()).or_insert(line);
            let row = kind.keys().find(|row| row.name == name.get_ref().as_ref());
            let row = row.ok_or_else(|| unknown(kind, name.get_ref()).below(&key))?;
            self.value(&key, row, row.kind, value)?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        key: &str,
        row: &Key,
        kind: &'static Kind,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigProblem> {
        match (kind, value.get_ref()) {
            (Kind::Table(_), DeValue::Table(table)) => self.table(key, kind, table),
            (Kind::Named(of), DeValue::Table(table)) => {
                for (name, value) in table {
                    let key = join(key, name.get_ref());
                    let line = line_of(self.text, name.span().start);
                    self.lines.entry(key.clone()).or_insert(line);
                    self.value(&key, row, of, value)?;
                }
                Ok(())
            }
            (Kind::List(of), DeValue::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    let name = match entry.get_ref() {
                        DeValue::Table(table) => {
                            let path = table.get("path");
                            entry_name(index, path.and_then(|path| path.get_ref().as_str()))
                        }
                        _ => format!("[{}]", index + 1),
                    };
                    let key = format!("{key}{name}");
                    let line = line_of(self.text, entry.span().start);
                    self.lines.entry(key.clone()).or_insert(line);
                    self.value(&key, row, of, entry)?;
                }
                Ok(())
            }
            (Kind::Flag, DeValue::Boolean(_)) => Ok(()),
            (Kind::Whole, DeValue::Integer(number)) => match number.as_str().starts_with('-') {
                true => Err(self.wrong(value, row, kind, "is less than 0").below(key)),
                false => Ok(()),
            },
            (Kind::Number, DeValue::Integer(_) | DeValue::Float(_)) => Ok(()),
            (Kind::Text | Kind::Path, DeValue::String(_)) => Ok(()),
            (_, found) => {
                let found = match found {
                    DeValue::String(_) => "is a text",
                    DeValue::Integer(_) | DeValue::Float(_) => "is a number",
                    DeValue::Boolean(_) => "is a truth value",
                    DeValue::Datetime(_) => "is a date",
                    DeValue::Array(_) => "is a list",
                    DeValue::Table(_) => "is a table",
                };
                Err(self.wrong(value, row, kind, found).below(key))
            }
        }
    }

    fn wrong(
        &self,
        value: &Spanned<DeValue<'_>>,
        row: &Key,
        kind: &Kind,
        is: &str,
    ) -> ConfigProblem {
        let written = self.text.get(value.span()).unwrap_or_default();
        let mut written = written.lines().next().unwrap_or_default().to_owned();
        if written.chars().count() > WRITTEN_CHARS_MAX {
            written = written.chars().take(WRITTEN_CHARS_MAX).collect();
            written.push('…');
        }
        let found = match value.get_ref() {
            DeValue::Table(_) => format!("it {is}"),
            _ => format!("{written} {is}"),
        };
        // An entry of a list is named by its own kind.
        let expected = match (row.kind, kind) {
            (Kind::List(_), Kind::List(_)) => row.expected(),
            (Kind::List(_) | Kind::Named(_), _) => kind.to_string(),
            _ => row.expected(),
        };
        ConfigProblem::new(Problem::WrongType { found }, format!("write {expected}"))
    }
}

/// Letters of a wrong value that a message repeats.
const WRITTEN_CHARS_MAX: usize = 40;

/// The dotted name of a key in a table.
pub(super) fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// Directories are told apart by their paths, other entries of lists by their place.
pub(super) fn entry_name(index: usize, path: Option<&str>) -> String {
    match path {
        Some(path) if !path.is_empty() => format!(" '{}'", path.escape_debug()),
        _ => format!("[{}]", index + 1),
    }
}

fn unknown(kind: &Kind, name: &str) -> ConfigProblem {
    let known = || kind.keys().map(|row| row.name);
    let remedy = match nearest(known(), name) {
        Some(known) => format!("did you mean '{known}'?"),
        None => {
            let known: Vec<&str> = known().collect();
            format!("there are {}", known.join(", "))
        }
    };
    ConfigProblem::new(Problem::UnknownKey, remedy)
}
