//! Writes sites as `heliostat.toml`.

use std::fmt::Write;
use std::path::Path;

use toml::{Table, Value};

use super::site::NamedSite;
use crate::domain::rule::RawRules;

/// The configuration of the sites; `default` is the one that is meant without a name.
pub(super) fn configuration(
    sites: &[NamedSite],
    sources: &[String],
    default: Option<&str>,
) -> String {
    let mut text = String::from("# Made by `heliostat import apache` of:\n");
    for source in sources {
        let _ = writeln!(text, "#   {source}");
    }
    text.push_str("# `heliostat config` prints every key with its default and its meaning.\n");
    if let Some(default) = default {
        let _ = writeln!(text, "default_site = {}", Value::from(default));
    }
    for site in sites {
        write_site(&mut text, site);
    }
    text
}

fn write_site(text: &mut String, site: &NamedSite) {
    let (name, draft) = (&site.name, &site.draft);
    let _ = writeln!(text);
    for host in &site.hosts {
        let _ = writeln!(text, "# {}", host.escape_debug());
    }
    if let Some(place) = &draft.settings.database {
        let at = place.name.escape_debug();
        let host = match place.host.as_str() {
            "" => "this host".to_owned(),
            host => host.escape_debug().to_string(),
        };
        let _ = writeln!(text, "# MirrorBrain's database: {at} on {host}");
    }
    let _ = writeln!(text, "[site.{name}]");
    let mut line = |key: &str, value: Value| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("tree", path(&draft.tree));
    line("database", path(&site.database));
    if draft.url_path != "/" {
        line("url_path", draft.url_path.clone().into());
    }
    let settings = &draft.settings;
    if !settings.names.is_empty() {
        line("server_names", settings.names.clone().into());
    }
    if !settings.geoip.is_empty() {
        let files: Vec<Value> = settings.geoip.iter().map(|file| path(file)).collect();
        line("geoip", files.into());
    }
    if let Some((publisher, url)) = &settings.publisher {
        line("metalink.publisher_name", publisher.clone().into());
        line("metalink.publisher_url", url.clone().into());
    }
    if let Some(file) = &settings.broken_test_mirrors {
        line("metalink.broken_test_mirrors", path(file));
    }
    for (key, value) in &site.keys {
        line(key, value.clone());
    }
    for yum in &settings.yum {
        let _ = writeln!(text, "[[site.{name}.yum]]");
        write_table(text, Table::try_from(yum).unwrap_or_default());
    }
    let mut rules = draft.rules.clone();
    rules.engine = None;
    // Without `FormGET On` MirrorBrain does not look at queries.
    rules.query = match rules.query {
        Some(true) => None,
        _ => Some(false),
    };
    if rules != RawRules::default() {
        let _ = writeln!(text, "[site.{name}.rules]");
        write_rules(text, &rules);
    }
    for (directory, rules) in &draft.directories {
        let _ = writeln!(text, "[[site.{name}.directory]]");
        let _ = writeln!(text, "path = {}", Value::from(directory.as_str()));
        write_rules(text, rules);
    }
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into_owned().into()
}

fn write_rules(text: &mut String, rules: &RawRules) {
    write_table(text, Table::try_from(rules).unwrap_or_default());
}

/// The keys that are set.
fn write_table(text: &mut String, table: Table) {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Table(table) => !table.values().any(|value| !is_nothing(value)),
        _ => false,
    };
    for (key, value) in table.into_iter().filter(|(_, value)| !is_empty(value)) {
        let _ = writeln!(text, "{key} = {value}");
    }
}

fn is_nothing(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}
