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
            text: text.into(),
        }
    }

    /// One line for people.
    pub fn shown(&self) -> String {
        format!("{}: {}", self.spot.shown(), self.text)
    }
}
