//! Runs `config`: prints each key of the configuration with value, origin, default, bounds and
//! meaning.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;
use toml::Value;

use crate::admin::args::ConfigArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::config::{DescribedKey, DescribedTable, describe};
use crate::geoip::GeoIp;
use crate::program::exit::Exit;
use crate::tree::Tree;

/// Columns of a terminal.
const COLUMNS: usize = 80;

/// Colour of keys that the file sets.
const SET: &str = "\x1b[1m";

/// Colour of descriptions and defaults.
const FAINT: &str = "\x1b[2m";

/// Prints the configuration, or whether it can be used.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if no key has one of the given names, and
/// [`AdminError::Console`] if nothing can be written.
pub fn config(session: &mut Session, args: &ConfigArgs) -> Result<Exit, AdminError> {
    let path = session.config.path.display().to_string();
    if args.check {
        // A configuration that cannot be used has ended the program before.
        session.console.line(format!("{path}: can be used"))?;
        warn_of_files(session);
        return Ok(Exit::Ok);
    }
    let tables = wanted(describe(&session.config), args);
    if tables.iter().all(|table| table.keys.is_empty()) && !args.names.is_empty() {
        let names = args.names.join(", ");
        return Err(AdminError::Nothing(format!(
            "no key of {path} matches {names}; `heliostat config` lists all keys"
        )));
    }
    if args.json {
        return print_json(session, &tables);
    }
    if args.set {
        print_comment(session, &format!("The keys that {path} sets."))?;
    } else {
        let head =
            "A line that begins with \"#\" and a key is a default; all other keys are set in";
        print_comment(session, &format!("{head} {path}."))?;
    }
    for table in &tables {
        print_table(session, table)?;
    }
    Ok(Exit::Ok)
}

/// Says which files and folders that the configuration names cannot be used now.
fn warn_of_files(session: &Session) {
    let sites = &session.config.sites;
    for site in sites.iter().filter(|site| site.origin.is_none()) {
        if let Err(problem) = Tree::new(&site.tree).check() {
            log::warn!("site {}: {}", site.name, problem.text());
        }
    }
    let files: BTreeSet<&PathBuf> = sites.iter().flat_map(|site| &site.geoip).collect();
    let files: Vec<PathBuf> = files.into_iter().cloned().collect();
    // Opening logs each file that cannot be used.
    GeoIp::open(&files);
}

/// The tables and keys that the options ask for.
fn wanted(tables: Vec<DescribedTable>, args: &ConfigArgs) -> Vec<DescribedTable> {
    let has_name = |key: &DescribedKey| {
        args.names.is_empty()
            || args
                .names
                .iter()
                .any(|name| key.path.contains(name.as_str()))
    };
    let is_wanted = |key: &DescribedKey| has_name(key) && (!args.set || key.line.is_some());
    let is_narrow = args.set || !args.names.is_empty();
    let narrowed = tables.into_iter().filter_map(|mut table| {
        table.keys.retain(is_wanted);
        (!is_narrow || !table.keys.is_empty()).then_some(table)
    });
    narrowed.collect()
}

fn print_json(session: &mut Session, tables: &[DescribedTable]) -> Result<Exit, AdminError> {
    let keys = tables.iter().flat_map(|table| &table.keys);
    let keys: Vec<_> = keys
        .map(|described| {
            json!({
                "key": described.path,
                "value": described.value,
                "default": described.default,
                "origin": if described.line.is_some() { "file" } else { "default" },
                "line": described.line,
                "expected": described.key.expected(),
                "meaning": described.key.description(),
            })
        })
        .collect();
    session.console.line(format!("{:#}", json!(keys)))?;
    Ok(Exit::Ok)
}

fn print_table(session: &mut Session, table: &DescribedTable) -> Result<(), AdminError> {
    if !table.heading.is_empty() {
        session.console.line("")?;
        match table.is_present {
            true => session.console.painted_line(SET, &table.heading)?,
            false => session
                .console
                .painted_line(FAINT, &format!("#{}", table.heading))?,
        }
    }
    if table.is_partial && table.is_present {
        print_comment(
            session,
            "Any other key of the site's rules can be set here, too.",
        )?;
    }
    for described in &table.keys {
        session.console.line("")?;
        print_comment(session, &described.key.description())?;
        print_comment(session, &origin(described))?;
        let is_set = table.is_present && described.line.is_some();
        let key = described.key.name;
        let lines = match &described.value {
            Some(value) => assignment(key, value),
            None => vec![format!("{key} =")],
        };
        for line in lines {
            match is_set {
                true => session.console.painted_line(SET, &line)?,
                false => session.console.painted_line(FAINT, &format!("#{line}"))?,
            }
        }
    }
    Ok(())
}

/// The bounds of a key, and where its value comes from.
fn origin(described: &DescribedKey) -> String {
    let expected = sentence(&described.key.expected());
    let default = match &described.default {
        Some(default) => format!("{default}"),
        None => "not set".to_owned(),
    };
    match described.line {
        Some(line) => format!("{expected}; default: {default}; set in line {line}."),
        None if described.default.is_none() => format!("{expected}; not set."),
        None => format!("{expected}; this is the default."),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// `KEY = VALUE`; a list that is too long for a line has one line per entry.
fn assignment(key: &str, value: &Value) -> Vec<String> {
    let line = format!("{key} = {value}");
    match value {
        Value::Array(entries) if line.chars().count() >= COLUMNS => {
            let mut lines = vec![format!("{key} = [")];
            lines.extend(entries.iter().map(|entry| format!("    {entry},")));
            lines.push("]".to_owned());
            lines
        }
        _ => vec![line],
    }
}

fn print_comment(session: &mut Session, text: &str) -> Result<(), AdminError> {
    for line in wrapped(text) {
        session.console.painted_line(FAINT, &line)?;
    }
    Ok(())
}

/// A text as comment lines that fit a terminal.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = "#".to_owned();
    for word in text.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() >= COLUMNS {
            lines.push(std::mem::replace(&mut line, "#".to_owned()));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_fit_a_terminal_and_long_lists_have_a_line_per_entry() {
        let words = "word ".repeat(60);
        for line in wrapped(&words) {
            assert!(line.starts_with("# word") && line.len() < COLUMNS, "{line}");
        }
        let long = "x".repeat(100);
        assert_eq!(wrapped(&long), [format!("# {long}")]);
        let entries = Value::from(vec!["a".repeat(50), "b".repeat(50)]);
        assert_eq!(assignment("key", &entries).len(), 4);
        assert_eq!(
            assignment("key", &Value::from(vec![1, 2])),
            ["key = [1, 2]"]
        );
    }
}
