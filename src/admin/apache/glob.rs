//! Files that a pattern of `Include` names.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::domain::pattern::Pattern;

/// Files that one pattern may name: `Include /` would name the whole disk.
const FOUND_MAX: usize = 100_000;

/// The files in the order of their names; of a directory, all files below it, as Apache does.
///
/// # Errors
/// Returns the system's error about a path without a pattern.
pub(super) fn included_files(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let is_pattern = |text: &[u8]| text.iter().any(|byte| b"*?[".contains(byte));
    if !is_pattern(pattern.as_os_str().as_bytes()) {
        return all_below(&[pattern.to_owned()]);
    }
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let Component::Normal(name) = component else {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        if !is_pattern(name.as_bytes()) {
            found.iter_mut().for_each(|path| path.push(name));
            continue;
        }
        let pattern = Pattern::new(&name.to_string_lossy());
        let mut next = Vec::new();
        for folder in &found {
            let names = fs::read_dir(folder).into_iter().flatten().flatten();
            let names = names.map(|entry| entry.file_name());
            let fitting = names.filter(|name| {
                !name.as_bytes().starts_with(b".") && pattern.matches(name.as_bytes())
            });
            next.extend(fitting.map(|name| folder.join(name)));
            check_count(next.len())?;
        }
        found = next;
    }
    found.sort();
    all_below(&found)
}

fn all_below(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        below(path, &mut files)?;
    }
    Ok(files)
}

fn below(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return check_count(files.len());
    }
    let names = fs::read_dir(path)?.flatten().map(|entry| entry.path());
    let mut names: Vec<PathBuf> = names.collect();
    names.sort();
    names.iter().try_for_each(|path| below(path, files))
}

fn check_count(count: usize) -> io::Result<()> {
    match count > FOUND_MAX {
        true => Err(io::Error::other(format!(
            "it names more than {FOUND_MAX} files"
        ))),
        false => Ok(()),
    }
}
