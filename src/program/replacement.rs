//! Replaces a file as one step: readers see the old content or the new one, whole.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Ends the name of a file that is being written.
const UNFINISHED_SUFFIX: &str = ".tmp";

/// Writes a file aside, to the disk, and gives it its name. `mode` is that of the file, whatever
/// the umask.
///
/// # Errors
/// Returns the error of the file system; the file is as it was then.
pub fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    FileReplacement::begin(path)?.put(bytes, mode)
}

/// A file that gets its content and its name later.
///
/// Until then its name is that of the file it replaces, with a dot before, and a random part and
/// `.tmp` behind. So mirrors, web servers and index runs can tell that it is not finished.
#[derive(Debug)]
pub struct FileReplacement {
    path: PathBuf,
    file: NamedTempFile,
}

impl FileReplacement {
    /// Makes an empty file beside `path`, which only its owner can read.
    ///
    /// # Errors
    /// Returns the error of the file system.
    pub fn begin(path: &Path) -> io::Result<FileReplacement> {
        let file = tempfile::Builder::new()
            .prefix(&prefix_of(path))
            .suffix(UNFINISHED_SUFFIX)
            .tempfile_in(folder_of(path))?;
        Ok(FileReplacement {
            path: path.to_owned(),
            file,
        })
    }

    /// Where the file is until it is put.
    pub fn unfinished(&self) -> &Path {
        self.file.path()
    }

    /// Writes the content to the disk and gives the file its name.
    ///
    /// # Errors
    /// Returns the error of the file system; the file is as it was then.
    pub fn put(mut self, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.file.write_all(bytes)?;
        let file = self.file.as_file();
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        let persisted = self.file.persist(&self.path);
        persisted.map_err(|error| error.error)?;
        // The name is on the disk when its folder is.
        File::open(folder_of(&self.path))?.sync_all()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn prefix_of(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default();
    let mut prefix = OsString::new();
    if !name.as_bytes().starts_with(b".") {
        prefix.push(".");
    }
    prefix.push(name);
    prefix.push(".");
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.html");
        replace_file(&path, b"old", 0o644).expect("written");
        let next = FileReplacement::begin(&path).expect("begun");
        let name = next.unfinished().file_name().expect("a name");
        let name = name.to_string_lossy().into_owned();
        assert!(
            name.starts_with(".list.html.") && name.ends_with(".tmp"),
            "{name}"
        );
        assert_eq!(std::fs::read(&path).expect("a file"), b"old");
        next.put(b"new", 0o640).expect("put");
        assert_eq!(std::fs::read(&path).expect("a file"), b"new");
        let mode = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o640);
        drop(FileReplacement::begin(&folder.path().join(".dotted")).expect("begun"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("it").count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing/list.html");
        assert!(replace_file(&path, b"new", 0o644).is_err());
        assert!(replace_file(folder.path(), b"new", 0o644).is_err());
    }
}
