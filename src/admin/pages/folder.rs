//! The folder of the pages: written aside, then exchanged as a whole by one call of the system, so
//! that readers see one set of pages, and a program that is killed leaves the old set or the new
//! one. A folder of its own name stays one: no web server has to follow links.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use tempfile::TempDir;

use crate::admin::error::AdminError;
use crate::regular_file;

/// The file by which a folder is known as ours; it says whose pages these are.
const MARK: &str = ".heliostat-pages";

/// Bytes of that file: a word and the name of a site.
const MARK_BYTES_MAX: u64 = 4096;

/// Beginning of the names of folders that are being written.
const ASIDE: &str = ".heliostat-pages-";

/// Age from which a folder aside counts as left by a program that was killed: writing takes
/// seconds.
const LEFT_AGE: Duration = Duration::from_secs(3600);

/// A set of pages that is being written.
pub(super) struct PageFolder {
    out: PathBuf,
    aside: TempDir,
    is_admin: bool,
    /// Files so far.
    pub(super) files: u64,
    /// Bytes so far.
    pub(super) bytes: u64,
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> AdminError {
    let path = path.to_owned();
    AdminError::File {
        doing,
        path,
        source,
    }
}

impl PageFolder {
    /// Begins to write the pages of a site.
    ///
    /// # Errors
    /// Returns [`AdminError::Usage`] if the folder has other files, and [`AdminError::File`] if no
    /// folder can be made beside it.
    pub(super) fn begin(out: &Path, site: &str, is_admin: bool) -> Result<PageFolder, AdminError> {
        let kind = if is_admin { "admin" } else { "public" };
        let mark = format!("{kind} {site}\n");
        let out = std::path::absolute(out).map_err(|source| failed("find", out, source))?;
        let out = fs::canonicalize(&out).unwrap_or(out);
        check(&out, &mark)?;
        let (Some(parent), Some(_)) = (out.parent(), out.file_name()) else {
            let text = format!("--out: {} cannot be replaced; name a folder", out.display());
            return Err(AdminError::Usage(text));
        };
        remove_left(parent);
        let aside = tempfile::Builder::new()
            .prefix(ASIDE)
            .tempdir_in(parent)
            .map_err(|source| failed("make a folder in", parent, source))?;
        let mut folder = PageFolder {
            out,
            aside,
            is_admin,
            files: 0,
            bytes: 0,
        };
        for name in ["mirror", "badge"] {
            folder.make(name)?;
        }
        folder.write(MARK, &mark)?;
        Ok(folder)
    }

    /// Whether only admins may read the pages.
    pub(super) fn is_admin(&self) -> bool {
        self.is_admin
    }

    fn modes(&self) -> (u32, u32) {
        match self.is_admin {
            true => (0o750, 0o640),
            false => (0o755, 0o644),
        }
    }

    fn make(&self, name: &str) -> Result<(), AdminError> {
        let path = self.aside.path().join(name);
        let make = || {
            fs::create_dir(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(self.modes().0))
        };
        make().map_err(|source| failed("make", &path, source))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// Returns [`AdminError::File`] if it cannot be written.
    pub(super) fn write(&mut self, name: &str, text: &str) -> Result<(), AdminError> {
        let path = self.aside.path().join(name);
        let write = || {
            fs::write(&path, text)?;
            fs::set_permissions(&path, Permissions::from_mode(self.modes().1))
        };
        write().map_err(|source| failed("write", &path, source))?;
        self.files += 1;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Gives the new pages the name, and removes the old ones.
    ///
    /// # Errors
    /// Returns [`AdminError::File`] if they cannot be exchanged; the old ones stay then.
    pub(super) fn publish(self) -> Result<(), AdminError> {
        let aside = self.aside.path();
        let exchange = || {
            fs::set_permissions(aside, Permissions::from_mode(self.modes().0))?;
            // One call flushes all files; with a call per file, each would wait for the disk.
            syncfs(File::open(aside)?)?;
            let flags = match self.out.exists() {
                true => RenameFlags::EXCHANGE,
                false => RenameFlags::NOREPLACE,
            };
            renameat_with(CWD, aside, CWD, &self.out, flags)?;
            Ok(())
        };
        exchange().map_err(|source| failed("replace", &self.out, source))?;
        // The exchange has put the old pages aside, if there were any.
        let old = self.aside.keep();
        match fs::remove_dir_all(&old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("old pages stay: path={} {error}", old.display());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Refuses a folder that has files of somebody else, or other pages.
fn check(out: &Path, mark: &str) -> Result<(), AdminError> {
    let refuse = |why: String| {
        let out = out.display();
        Err(AdminError::Usage(format!(
            "--out: {out} {why}; name a new folder, or an empty one"
        )))
    };
    let mut entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return refuse("is no folder".to_owned());
        }
        Err(error) => return Err(failed("read", out, error)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    match regular_file::read_text(&out.join(MARK), MARK_BYTES_MAX) {
        Ok(found) if found == mark => Ok(()),
        Ok(found) => refuse(format!(
            "has other pages ('{}', and these are '{}')",
            found.trim_end().escape_debug(),
            mark.trim_end().escape_debug()
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse(format!("has other files (there is no {MARK})"))
        }
        Err(error) => Err(failed("read", &out.join(MARK), error)),
    }
}

/// Removes the folders that killed programs left aside.
fn remove_left(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let is_aside = entry.file_name().to_string_lossy().starts_with(ASIDE);
        let age = entry.metadata().and_then(|data| data.modified());
        let age = age.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if is_aside && age.is_ok_and(|age| age > LEFT_AGE) {
            let removed = fs::remove_dir_all(entry.path());
            log::debug!("left pages: path={} {removed:?}", entry.path().display());
        }
    }
}
