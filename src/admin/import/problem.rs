//! Places of a configuration that is imported, and what is wrong there.

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

/// What is wrong with a line, and what to do.
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
            text: text.into(),
        }
    }

    /// One line for people.
    pub fn shown(&self) -> String {
        format!("{}: {}", self.spot.shown(), self.text)
    }
}
