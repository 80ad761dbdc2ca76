//! The form of `mirrorbrain.conf`: sections with `KEY = VALUE`, as Python's ConfigParser reads it.

use std::path::Path;

use crate::admin::import::problem::{ImportProblem, Spot};

/// A section with its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IniSection {
    pub name: String,
    pub spot: Spot,
    pub entries: Vec<IniEntry>,
}

/// `KEY = VALUE`; the key is in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IniEntry {
    pub key: String,
    pub value: String,
    pub spot: Spot,
}

/// Reads all sections.
///
/// # Errors
/// Returns the first line that is neither a section nor an entry; it is not shown, because it may
/// be a password.
pub(super) fn sections(path: &Path, text: &str) -> Result<Vec<IniSection>, ImportProblem> {
    let mut sections: Vec<IniSection> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let spot = Spot::new(path, index + 1);
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        let is_continued = line.starts_with([' ', '\t']);
        let last = sections.last_mut();
        if let Some(name) = bare.strip_prefix('[') {
            let Some((name, _)) = name.split_once(']') else {
                return Err(ImportProblem::new(
                    &spot,
                    "the ] behind the name is missing; add it",
                ));
            };
            sections.push(IniSection {
                name: name.to_owned(),
                spot,
                entries: Vec::new(),
            });
        } else if let Some(entry) = last
            .filter(|_| is_continued)
            .and_then(|s| s.entries.last_mut())
        {
            entry.value.push(' ');
            entry.value.push_str(without_comment(bare));
        } else {
            let Some((key, value)) = bare.split_once(['=', ':']) else {
                let text = "this is neither [NAME] nor KEY = VALUE; correct the line";
                return Err(ImportProblem::new(&spot, text));
            };
            let Some(section) = sections.last_mut() else {
                let text = "an entry stands before the first [NAME]; move it below one";
                return Err(ImportProblem::new(&spot, text));
            };
            section.entries.push(IniEntry {
                key: key.trim().to_ascii_lowercase(),
                value: without_comment(value.trim()).to_owned(),
                spot,
            });
        }
    }
    Ok(sections)
}

/// A semicolon behind a blank begins a comment.
fn without_comment(value: &str) -> &str {
    let end = value.find(" ;").or_else(|| value.find("\t;"));
    value[..end.unwrap_or(value.len())].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_python_does() {
        let text = "# c\n[general]\ninstances = a,\n   b\n[a]\nDBName: x ; c\ndbpass=p#;q\n";
        let sections = sections(Path::new("/f"), text).expect("sections");
        let entries: Vec<(&str, &str, &str, usize)> = sections
            .iter()
            .flat_map(|section| section.entries.iter().map(move |entry| (section, entry)))
            .map(|(section, entry)| (&*section.name, &*entry.key, &*entry.value, entry.spot.line))
            .collect();
        assert_eq!(
            entries,
            [
                ("general", "instances", "a, b", 3),
                ("a", "dbname", "x", 6),
                ("a", "dbpass", "p#;q", 7),
            ]
        );
        for (text, expected) in [
            ("x = 1\n", "/f:1: an entry stands before the first [NAME]"),
            ("[a\n", "/f:1: the ] behind the name is missing"),
            ("[a]\ns3cret\n", "/f:2: this is neither"),
        ] {
            let problem = super::sections(Path::new("/f"), text)
                .expect_err(text)
                .shown();
            assert!(problem.starts_with(expected), "{problem}");
            assert!(!problem.contains("s3cret"));
        }
    }
}
