//! Files that a pattern of `Include` names.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::domain::pattern::Pattern;

/// The files in the order of their names; of a directory, all files below it, as Apache does.
///
/// # Errors
/// Returns the system's error about a path without a pattern.
pub(super) fn included_files(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let is_pattern = |text: &[u8]| text.iter().any(|byte| b"*?[".contains(byte));
    if !is_pattern(pattern.as_os_str().as_bytes()) {
        return below(pattern);
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
        }
        found = next;
    }
    found.sort();
    let all: io::Result<Vec<Vec<PathBuf>>> = found.iter().map(|path| below(path)).collect();
    Ok(all?.concat())
}

fn below(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let names = fs::read_dir(path)?.flatten().map(|entry| entry.path());
    let mut names: Vec<PathBuf> = names.collect();
    names.sort();
    let all: io::Result<Vec<Vec<PathBuf>>> = names.iter().map(|path| below(path)).collect();
    Ok(all?.concat())
}
