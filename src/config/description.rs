//! Describes every key of a configuration: value, origin, default, bounds, meaning.
//!
//! `heliostat config` prints this description, and docs/configuration.md is made from it. Both
//! follow from the rows of [`crate::domain::key`].

use toml::Value;

use super::config::{Config, RawConfig};
use super::error::Lines;
use super::site::RawSite;
use super::spelling::{entry_name, join};
use crate::domain::key::{Key, KeyValue, Kind};
use crate::domain::rule::RawRules;

/// Stands for the name of a site in descriptions without values.
const SITE_NAME: &str = "NAME";

/// Stands for another name that the operator chooses.
const ENTRY_NAME: &str = "\"IDENTIFIER\"";

/// One table of the file with its keys.
#[derive(Debug, Clone)]
pub struct DescribedTable {
    /// As in the file: `[site.demo.scan]`, `[[site.demo.yum]]`; empty for the keys above all
    /// tables.
    pub heading: String,
    /// Whether the configuration has the table; otherwise its keys have no values.
    pub is_present: bool,
    /// Whether the keys are those of another table, so that only the written ones are described.
    pub is_partial: bool,
    /// The keys in the order of the rows.
    pub keys: Vec<DescribedKey>,
}

/// One key with its value.
#[derive(Debug, Clone)]
pub struct DescribedKey {
    /// Dotted name as messages have it: `site.demo.scan.jobs`.
    pub path: String,
    /// The row of the key.
    pub key: &'static Key,
    /// The value in force, with absolute paths; `None` if nothing is set.
    pub value: Option<Value>,
    /// The default; `None` if the key is not set by default.
    pub default: Option<Value>,
    /// The line of the file that sets it; `None` if the file does not.
    pub line: Option<usize>,
}

/// Describes a configuration, table by table, in an order that can be written as TOML.
pub fn describe(config: &Config) -> Vec<DescribedTable> {
    let raw = Value::try_from(&config.raw).expect("a configuration that was read can be written");
    describe_values(Some(&raw), &config.lines)
}

/// Describes all tables and keys that a configuration may have, with their defaults.
pub fn describe_all() -> Vec<DescribedTable> {
    describe_values(None, &Lines::new())
}

fn describe_values(values: Option<&Value>, lines: &Lines) -> Vec<DescribedTable> {
    let mut description = Description {
        lines,
        tables: Vec::new(),
    };
    let defaults = defaults();
    let table_name = TableName {
        heading: String::new(),
        path: String::new(),
    };
    description.table(&table_name, RawConfig::KIND, values, Some(&defaults));
    description.tables
}

/// A configuration of one site with every default.
fn defaults() -> Value {
    let mut sample = RawConfig::default();
    let site = RawSite {
        rules: RawRules::defaults(),
        ..RawSite::default()
    };
    sample.site.insert(SITE_NAME.to_owned(), site);
    Value::try_from(&sample).expect("defaults can be written")
}

/// The name of a table in the file, and in messages.
struct TableName {
    heading: String,
    path: String,
}

struct Description<'l> {
    lines: &'l Lines,
    tables: Vec<DescribedTable>,
}

impl Description<'_> {
    /// Describes a table, then the tables in it. Without a value the table is absent.
    fn table(
        &mut self,
        table_name: &TableName,
        kind: &'static Kind,
        value: Option<&Value>,
        default: Option<&Value>,
    ) {
        let is_partial =
            table_name.heading.starts_with("[[") && table_name.heading.ends_with(".directory]]");
        let member = |of: Option<&Value>, key: &Key| of.and_then(|of| of.get(key.name)).cloned();
        let keys = kind.keys().filter(|key| !has_keys(key.kind)).map(|key| {
            let path = join(&table_name.path, key.name);
            let default = member(default, key);
            DescribedKey {
                line: self.lines.get(&path).copied(),
                value: member(value, key).or_else(|| default.clone()),
                path,
                key,
                default,
            }
        });
        let keys = keys.filter(|key| !is_partial || value.is_none() || key.line.is_some());
        let table = DescribedTable {
            heading: table_name.heading.clone(),
            is_present: value.is_some(),
            is_partial,
            keys: keys.collect(),
        };
        if !table.keys.is_empty() || is_partial {
            self.tables.push(table);
        }
        for key in kind.keys().filter(|key| has_keys(key.kind)) {
            // A directory has only the tables that it writes.
            let path = join(&table_name.path, key.name);
            if is_partial && !self.lines.contains_key(&path) {
                continue;
            }
            let inner = |of: Option<&Value>| of.and_then(|of| of.get(key.name)).cloned();
            let table_name = TableName {
                heading: join(bare(&table_name.heading), key.name),
                path,
            };
            self.inner(
                &table_name,
                key.kind,
                inner(value).as_ref(),
                inner(default).as_ref(),
            );
        }
    }

    /// Describes the table or tables of one key; `table_name.heading` is without brackets.
    fn inner(
        &mut self,
        table_name: &TableName,
        kind: &'static Kind,
        value: Option<&Value>,
        default: Option<&Value>,
    ) {
        let below = |heading: String, path: String| TableName { heading, path };
        match kind {
            Kind::Named(of) => {
                let named = value.and_then(Value::as_table);
                let named = named.filter(|named| !named.is_empty());
                let default = default.and_then(|sites| sites.get(SITE_NAME));
                let placeholder = match default {
                    Some(_) => SITE_NAME,
                    None => ENTRY_NAME,
                };
                let Some(named) = named else {
                    let heading = format!("[{}]", join(&table_name.heading, placeholder));
                    return self.table(&below(heading, table_name.path.clone()), of, None, default);
                };
                for (name, value) in named {
                    let heading = format!("[{}]", join(&table_name.heading, &toml_key(name)));
                    let path = join(&table_name.path, name);
                    self.table(&below(heading, path), of, Some(value), default);
                }
            }
            Kind::List(_) => {
                let heading = format!("[[{}]]", table_name.heading);
                let entries = value.and_then(Value::as_array);
                let entries = entries.filter(|entries| !entries.is_empty());
                let Some(entries) = entries else {
                    return self.table(&below(heading, table_name.path.clone()), kind, None, None);
                };
                for (index, value) in entries.iter().enumerate() {
                    let name = entry_name(index, value.get("path").and_then(Value::as_str));
                    let path = format!("{}{name}", table_name.path);
                    self.table(&below(heading.clone(), path), kind, Some(value), None);
                }
            }
            _ => {
                let heading = format!("[{}]", table_name.heading);
                self.table(
                    &below(heading, table_name.path.clone()),
                    kind,
                    value,
                    default,
                );
            }
        }
    }
}

/// A heading without its brackets.
fn bare(heading: &str) -> &str {
    heading.trim_start_matches('[').trim_end_matches(']')
}

/// A name as a part of a heading, quoted if it must be.
fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

fn has_keys(kind: &Kind) -> bool {
    match kind {
        Kind::Table(_) => true,
        Kind::List(of) | Kind::Named(of) => has_keys(of),
        _ => false,
    }
}
