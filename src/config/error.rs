//! Errors of the configuration: one line that names the file, the key and what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::key::ConfigProblem;

/// Lines of the keys that a file has, by their dotted names; the first line is 1.
pub type Lines = BTreeMap<String, usize>;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}; name another with --config or HELIOSTAT_CONFIG")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not TOML.
    #[error("{path}, line {line}: this is no TOML: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where reading ended.
        line: usize,
        /// The parser's message: what is expected there.
        message: String,
    },
    /// A key that nobody knows, or a value that cannot be used.
    #[error("{path}{}: {problem}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, if the file has it.
        line: Option<usize>,
        /// Key, problem and remedy.
        problem: ConfigProblem,
    },
    /// A site was named that the file does not have.
    #[error("{path} has no site '{name}'; it has: {known}")]
    NoSuchSite {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The names it has.
        known: String,
    },
}

impl ConfigError {
    /// A problem of a file whose keys stand in these lines.
    pub(super) fn of(path: &Path, lines: &Lines, problem: ConfigProblem) -> ConfigError {
        ConfigError::Value {
            path: path.to_owned(),
            line: lines.get(&problem.key).copied(),
            problem,
        }
    }
}
