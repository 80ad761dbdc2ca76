//! Merges the values of rules from directory to directory, and reads them from parameters of the
//! web server.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::key::MergeWay;
use super::problem::ConfigProblem;

/// The limit of the files that parameters may name.
#[derive(Debug, Clone, Copy)]
pub struct ParameterScope<'a> {
    /// Folder of the files that parameters may name; empty: they may name no file.
    pub files: &'a Path,
}

/// The type of a rule as written: how values of two directories, or a parameter, become one.
pub trait RuleValue: Sized {
    /// For people.
    const MERGE: MergeWay;

    /// The value of a directory that lies below another.
    fn merge(above: &Self, below: &Self) -> Self;

    /// The value that a parameter's text stands for.
    ///
    /// # Errors
    /// Returns the problem, without its key, if the text is no such value.
    fn from_parameter(text: &[u8], scope: &ParameterScope<'_>) -> Result<Self, ConfigProblem>;
}

impl<T: ParameterText + Clone> RuleValue for Option<T> {
    const MERGE: MergeWay = MergeWay::Deepest;

    fn merge(above: &Option<T>, below: &Option<T>) -> Option<T> {
        below.as_ref().or(above.as_ref()).cloned()
    }

    fn from_parameter(text: &[u8], scope: &ParameterScope<'_>) -> Result<Self, ConfigProblem> {
        T::read(text, scope).map(Some)
    }
}

impl<T: ParameterText + Clone> RuleValue for Vec<T> {
    const MERGE: MergeWay = MergeWay::Adds;

    fn merge(above: &Vec<T>, below: &Vec<T>) -> Vec<T> {
        [above.as_slice(), below].concat()
    }

    fn from_parameter(text: &[u8], scope: &ParameterScope<'_>) -> Result<Self, ConfigProblem> {
        let entries = text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries.map(|entry| T::read(entry, scope)).collect()
    }
}

/// One value of a parameter.
pub trait ParameterText: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// Returns the problem, without its key, if the text is no such value.
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<Self, ConfigProblem>;
}

impl ParameterText for String {
    fn read(text: &[u8], _: &ParameterScope<'_>) -> Result<String, ConfigProblem> {
        Ok(String::from_utf8_lossy(text).trim().to_owned())
    }
}

impl ParameterText for bool {
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<bool, ConfigProblem> {
        let text = String::read(text, scope)?;
        match text.to_ascii_lowercase().as_str() {
            "on" | "true" | "1" | "yes" => Ok(true),
            "off" | "false" | "0" | "no" => Ok(false),
            _ => {
                let why = format!("'{}' is neither on nor off", text.escape_debug());
                Err(ConfigProblem::unusable(why, "write on or off"))
            }
        }
    }
}

impl ParameterText for u64 {
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<u64, ConfigProblem> {
        let text = String::read(text, scope)?;
        text.parse().map_err(|_| {
            let why = format!("'{}' is not a whole number", text.escape_debug());
            ConfigProblem::unusable(why, "write digits only")
        })
    }
}

impl ParameterText for PathBuf {
    /// The file of that name in the folder that parameters may name files of; an empty name takes
    /// a file away.
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<PathBuf, ConfigProblem> {
        let name = text.trim_ascii();
        if name.is_empty() {
            return Ok(PathBuf::new());
        }
        let path = scope.files.join(OsStr::from_bytes(name));
        let climbs = path.components().any(|part| part == Component::ParentDir);
        if scope.files.as_os_str().is_empty() || climbs || !path.starts_with(scope.files) {
            let why = format!("'{}' is outside of mirrorlist_parts", name.escape_ascii());
            return Err(ConfigProblem::unusable(
                why,
                "set mirrorlist_parts in [site.NAME] to its folder, or name the file in \
                 heliostat.toml",
            ));
        }
        Ok(path)
    }
}
