//! Makes copies of Apache's files in which Heliostat stands in MirrorBrain's place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::{Captures, Regex};

use super::known::GONE_MODULES;
use crate::admin::apache::logical_lines;
use crate::admin::import::problem::Spot;

/// Variables that MirrorBrain and mod_asn set, and that we keep as notes.
const VARIABLES: &str = "WANT|GIVE|MB_REALM|MB_REDIRECTED|MB_NOMIRROR|MB_FILESIZE|\
    MB_COUNTRY_CODE|MB_CONTINENT_CODE|ASN|PFX";

/// The change of the lines of one directive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LineEdit {
    /// Their last line, if they are removed.
    pub removed_to: Option<usize>,
    /// The lines that replace them.
    pub replaced: Option<String>,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// All changes, by file and line.
#[derive(Debug, Default)]
pub(super) struct FileEdits {
    pub files: BTreeMap<PathBuf, BTreeMap<usize, LineEdit>>,
}

impl FileEdits {
    /// The change of a line.
    pub fn at(&mut self, spot: &Spot) -> &mut LineEdit {
        let file = self.files.entry(spot.file.clone()).or_default();
        file.entry(spot.line).or_default()
    }

    /// The file with its changes.
    pub fn apply(&self, file: &Path, text: &str) -> String {
        let none = BTreeMap::new();
        let edits = self.files.get(file).unwrap_or(&none);
        let conditions = conditions_that_go(text);
        let mut made = String::with_capacity(text.len());
        let mut skipped_to = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let number = index + 1;
            let indent: String = line.chars().take_while(|c| " \t".contains(*c)).collect();
            let edit = edits.get(&number);
            put(
                &mut made,
                &indent,
                edit.map_or(&[][..], |edit| &edit.before),
            );
            if let Some(replaced) = edit.and_then(|edit| edit.replaced.as_ref()) {
                put(&mut made, &indent, std::slice::from_ref(replaced));
            }
            skipped_to = skipped_to.max(edit.and_then(|edit| edit.removed_to).unwrap_or(0));
            if number > skipped_to && !conditions.contains(&number) {
                made.push_str(line);
                if !line.ends_with('\n') {
                    made.push('\n');
                }
            }
            put(&mut made, &indent, edit.map_or(&[][..], |edit| &edit.after));
        }
        made
    }
}

fn put(made: &mut String, indent: &str, lines: &[String]) {
    for line in lines {
        made.push_str(format!("{indent}{line}").trim_end());
        made.push('\n');
    }
}

/// Lines of `<IfModule mod_mirrorbrain.c>` and their ends: what stays inside must hold once the
/// module is gone.
fn conditions_that_go(text: &str) -> Vec<usize> {
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut lines = Vec::new();
    for line in logical_lines(text) {
        let lower = line.text.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("<ifmodule") {
            let name = rest.trim().trim_end_matches('>').trim().trim_matches('"');
            let name = match name.strip_prefix("mod_") {
                Some(bare) => format!("{}_module", bare.trim_end_matches(".c")),
                None => name.to_owned(),
            };
            let goes = GONE_MODULES.contains(&name.as_str());
            open.push(goes.then_some(line.number));
        } else if lower.starts_with("</ifmodule")
            && let Some(Some(begin)) = open.pop()
        {
            lines.extend([begin, line.number]);
        }
    }
    lines
}

/// A line of `LogFormat` or `CustomLog` by our fields; `None` if it has none of MirrorBrain's.
pub(super) fn converted_log(text: &str) -> Option<String> {
    let variable = Regex::new(&format!(r"%([!0-9,<>]*)\{{({VARIABLES})\}}e")).ok()?;
    let condition = Regex::new(&format!(r#""?\benv=(!?)({VARIABLES})"?(\s|$)"#)).ok()?;
    let notes = variable.replace_all(text, "%${1}{${2}}n");
    let made = condition.replace_all(&notes, |found: &Captures<'_>| {
        let test = if found[1].is_empty() { "-n" } else { "-z" };
        format!("\"expr={test} %{{note:{}}}\"{}", &found[2], &found[3])
    });
    (made != text).then(|| made.into_owned())
}

/// Whether another directive reads a variable that nobody sets any more.
pub(super) fn reads_variable(text: &str) -> bool {
    let read = format!(r"(\{{|env=!?|env:)({VARIABLES})(\}}e|\}}|\s|$)");
    Regex::new(&read).is_ok_and(|read| read.is_match(text))
}

/// `IndexOptions` without the words of mod_autoindex_mb; `None` if it has none of them.
pub(super) fn converted_index_options(words: &[String]) -> Option<String> {
    let is_ours = |word: &String| {
        let word = word.trim_start_matches(['+', '-']).to_ascii_lowercase();
        ["mirrorlist", "metalink"].contains(&word.as_str())
    };
    if !words.iter().any(is_ours) {
        return None;
    }
    let rest: Vec<&str> = words
        .iter()
        .filter(|word| !is_ours(word))
        .map(String::as_str)
        .collect();
    Some(match rest.is_empty() {
        true => String::new(),
        false => format!("IndexOptions {}", rest.join(" ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_logs_take_our_fields() {
        for (text, expected) in [
            (
                r#"LogFormat "%h want:%{WANT}e %{GEOIP_COUNTRY_CODE}e %>{GIVE}e" x"#,
                Some(r#"LogFormat "%h want:%{WANT}n %{GEOIP_COUNTRY_CODE}e %>{GIVE}n" x"#),
            ),
            (
                "CustomLog /l x env=MB_NOMIRROR",
                Some(r#"CustomLog /l x "expr=-n %{note:MB_NOMIRROR}""#),
            ),
            (
                r#"CustomLog /l "%!404{ASN}e" env=!MB_REDIRECTED"#,
                Some(r#"CustomLog /l "%!404{ASN}n" "expr=-z %{note:MB_REDIRECTED}""#),
            ),
            ("CustomLog /l combined env=!NOLOG", None),
            (r#"LogFormat "%{WANTED}e %{X-MirrorBrain-Mirror}o" x"#, None),
        ] {
            assert_eq!(converted_log(text).as_deref(), expected, "{text}");
        }
        assert!(reads_variable(r"Header set X-W %{WANT}e"));
        assert!(reads_variable("Require env=MB_NOMIRROR"));
        assert!(!reads_variable("SetEnvIf Remote_Addr x ASN=1"));
    }

    #[test]
    fn lines_are_replaced_where_they_stand() {
        let text = "<IfModule mod_mirrorbrain.c>\n  A 1 \\\n   2\n  <IfModule x>\n  B\n  \
                    </IfModule>\n</IfModule>\nC";
        let mut edits = FileEdits::default();
        let spot = |line| Spot::new(Path::new("/f"), line);
        edits.at(&spot(2)).removed_to = Some(3);
        edits.at(&spot(2)).replaced = Some("D".to_owned());
        edits.at(&spot(5)).after = vec!["E".to_owned()];
        edits.at(&spot(8)).before = vec!["F".to_owned()];
        let made = edits.apply(Path::new("/f"), text);
        let expected = "  D\n  <IfModule x>\n  B\n  E\n  </IfModule>\nF\nC\n";
        assert_eq!(made, expected);
    }
}
