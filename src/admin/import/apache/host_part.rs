//! The lines of a virtual host that stand in MirrorBrain's place.

use std::path::PathBuf;

use toml::{Table, Value};

use super::section::RuleSection;
use super::site::SiteDraft;
use crate::admin::import::problem::ImportProblem;
use crate::domain::rule::RawRules;

/// The default of `HELIOSTAT_MIN_SIZE`.
const MIN_SIZE: u64 = 4096;

/// The facts about its sites that a host needs.
#[derive(Debug, Default)]
pub(super) struct HostPart {
    /// Names and trees; the first is the host's main one.
    pub sites: Vec<(String, PathBuf)>,
    /// The least size that any rule has.
    min_size: Option<u64>,
    /// Arguments of its lists for yum.
    lists: Vec<String>,
}

impl HostPart {
    /// Adds a site of the host.
    pub fn see(&mut self, draft: &SiteDraft) {
        self.see_min_size(&draft.rules);
        for rules in draft.directories.values() {
            self.see_min_size(rules);
        }
        for rule in &draft.settings.yum {
            let names = rule.arguments.iter();
            let names = names.filter_map(|text| Some(text.split_once('=')?.0.to_owned()));
            self.lists.extend(names);
        }
        self.lists.sort();
        self.lists.dedup();
    }

    /// Apache must ask about files of the least size that any rule has.
    pub fn see_min_size(&mut self, rules: &RawRules) {
        if let Some(size) = rules.min_size {
            self.min_size = Some(self.min_size.map_or(size, |least| least.min(size)));
        }
    }

    /// The lines, without the blanks before them.
    pub fn lines(&self, is_only_site: bool, has_yum: bool) -> Vec<String> {
        let Some((name, tree)) = self.sites.first() else {
            return Vec::new();
        };
        let mut lines = vec![
            format!("# Heliostat, in MirrorBrain's place: [site.{name}] of heliostat.toml."),
            format!("Define HELIOSTAT_TREE {}", quoted(&tree.to_string_lossy())),
        ];
        let size = self.min_size.unwrap_or(MIN_SIZE).min(MIN_SIZE);
        lines.push(format!("Define HELIOSTAT_MIN_SIZE {size}"));
        if has_yum {
            let names = std::iter::once("mirrorlist").chain(self.lists.iter().map(String::as_str));
            let names: Vec<&str> = names.collect();
            lines.push(format!("Define HELIOSTAT_LISTS \"{}\"", names.join("|")));
        }
        if !is_only_site {
            lines.push(format!("SetEnv HELIOSTAT_SITE {name}"));
        }
        lines.push("Include \"${HELIOSTAT_SHARE}/heliostat-host.conf\"".to_owned());
        for (name, further) in &self.sites[1..] {
            let path = quoted(&further.to_string_lossy());
            let is_inside = further.starts_with(tree);
            if !is_inside {
                lines.push(format!("XSendFilePath {path}"));
            }
            lines.push(format!("<Directory {path}>"));
            lines.push(format!("    SetEnv HELIOSTAT_SITE {name}"));
            if !is_inside {
                for file in ["ask", "headers"] {
                    let include = format!("Include \"${{HELIOSTAT_SHARE}}/heliostat-{file}.conf\"");
                    lines.push(format!("    {include}"));
                }
            }
            lines.push("</Directory>".to_owned());
        }
        lines
    }
}

/// Lines that a server needs once, before its hosts.
pub(super) fn server_part() -> Vec<String> {
    [
        "<IfDefine !HELIOSTAT_SHARE>",
        "    Define HELIOSTAT_SHARE /usr/share/heliostat",
        "</IfDefine>",
        "<IfDefine !HELIOSTAT_DOCUMENTS>",
        "    Include \"${HELIOSTAT_SHARE}/heliostat-server.conf\"",
        "</IfDefine>",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A section of which only Apache knows the files: its rules as parameters. `rules` are its own
/// below those around it.
pub(super) fn matched_lines(
    section: &RuleSection,
    rules: &RawRules,
) -> (Vec<String>, Vec<ImportProblem>) {
    let table = Table::try_from(rules).unwrap_or_default();
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (key, spot) in &section.spots {
        let parameter = RawRules::PARAMETERS.iter().find(|(known, _)| known == key);
        let value = table.get(*key).map(parameter_text);
        match (parameter, value) {
            (Some((_, name)), Some(Ok(text))) => {
                lines.push(format!("SetEnv {name} {}", quoted(&text)));
            }
            (_, Some(Err(entry))) => problems.push(ImportProblem::new(
                spot,
                format!(
                    "'{}' is not carried over, because a parameter of Apache cannot have a comma; \
                     write {key} into a [[directory]]",
                    entry.escape_debug()
                ),
            )),
            _ => {}
        }
    }
    (lines, problems)
}

/// A value as a parameter; an error is an entry with a comma, which parts entries.
fn parameter_text(value: &Value) -> Result<String, String> {
    match value {
        Value::Boolean(is_on) => Ok(if *is_on { "On" } else { "Off" }.to_owned()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(list) => {
            let entries: Result<Vec<String>, String> = list.iter().map(entry_text).collect();
            Ok(entries?.join(","))
        }
        other => Ok(other.to_string()),
    }
}

fn entry_text(entry: &Value) -> Result<String, String> {
    let text = match entry {
        Value::String(text) => text.clone(),
        Value::Table(fallback) => ["region", "country", "url"]
            .map(|key| {
                fallback
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .to_owned()
            })
            .join(" "),
        other => other.to_string(),
    };
    if text.contains(',') {
        Err(text)
    } else {
        Ok(text)
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
