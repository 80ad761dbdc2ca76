//! Names the place of a problem in an imported configuration.

use std::path::{Path, PathBuf};

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::admin::import) struct Spot {
    pub file: PathBuf,
    pub line: usize,
}

impl Spot {
    /// That line of a file.
    pub fn new(file: &Path, line: usize) -> Spot {
        Spot {
            file: file.to_owned(),
            line,
        }
    }

    /// `FILE:LINE`.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// Longest message about a line in bytes. A line of a foreign file may have megabytes.
const TEXT_BYTES_MAX: usize = 600;

/// A problem with a line, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::import) struct ImportProblem {
    pub spot: Spot,
    pub text: String,
}

impl ImportProblem {
    /// A problem of that line.
    pub fn new(spot: &Spot, text: impl Into<String>) -> ImportProblem {
        ImportProblem {
            spot: spot.clone(),
            text: shortened(text.into()),
        }
    }

    /// One line for people.
    pub fn shown(&self) -> String {
        format!("{}: {}", self.spot.shown(), self.text)
    }
}

/// A long text without its middle: the value that is wrong stands there, the remedy at the end.
fn shortened(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let half = TEXT_BYTES_MAX / 2;
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let begin = (0..=half).rev().find(is_boundary).unwrap_or(0);
    let mut rest = text.len() - half..=text.len();
    let end = rest.find(is_boundary).unwrap_or(text.len());
    format!("{}…{}", &text[..begin], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_begin_and_its_remedy() {
        let spot = Spot::new(Path::new("/f"), 3);
        let text = format!("'{}' is wrong; write another", "ä\u{202e}".repeat(100_000));
        let shown = ImportProblem::new(&spot, text).shown();
        assert!(shown.len() < 700, "{}", shown.len());
        assert!(shown.starts_with("/f:3: 'ä") && shown.ends_with("is wrong; write another"));
        assert!(
            ImportProblem::new(&spot, "short")
                .shown()
                .ends_with(": short")
        );
    }
}
