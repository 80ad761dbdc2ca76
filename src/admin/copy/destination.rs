//! Finds out where a copy may be written, so that it replaces nothing but an older copy.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::copy::moment::{FILES_BESIDE, FileKind, kind_of};

/// Files that our programs write beside a database, besides those of SQLite.
const LOCKS_BESIDE: [&str; 4] = [".index.lock", ".hash.lock", ".import.lock", ".locks"];

/// The file that is to be made or replaced, behind all links.
///
/// # Errors
/// Returns [`AdminError::CopyFile`] if no copy may be there.
pub fn destination(session: &Session, file: &Path) -> Result<PathBuf, AdminError> {
    let refused = |problem: &str| refused(file, problem);
    if file == Path::new("-") {
        return Err(refused(
            "a copy is checked before it gets its name, so it cannot go to standard output; name \
             a file",
        ));
    }
    let target = match std::fs::symlink_metadata(file) {
        Err(error) if is_not_there(&error) => new_file(file)?,
        Err(error) => return Err(refused(&format!("{error}; name another file"))),
        Ok(_) => existing_file(file)?,
    };
    refuse_databases(session, file, &target)?;
    for end in FILES_BESIDE {
        let beside = with_end(&target, end);
        if beside.symlink_metadata().is_ok() {
            return Err(refused(&format!(
                "{} is of another database, and SQLite would mix it into the copy; remove it or \
                 name another file",
                beside.display()
            )));
        }
    }
    Ok(target)
}

/// The error for a file that cannot be used.
pub fn refused(file: &Path, problem: &str) -> AdminError {
    AdminError::CopyFile {
        file: file.to_owned(),
        problem: problem.to_owned(),
    }
}

/// A path with more at its end.
pub fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Whether there is no such file; its folder may be none.
fn is_not_there(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn new_file(file: &Path) -> Result<PathBuf, AdminError> {
    let Some(name) = file.file_name() else {
        return Err(refused(file, "it is a folder; name a file in it"));
    };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match std::fs::canonicalize(folder) {
        Ok(folder) if folder.is_dir() => Ok(folder.join(name)),
        Ok(_) => Err(refused(file, "its folder is a file; name another one")),
        Err(error) => Err(refused(
            file,
            &format!("its folder cannot be used: {error}; make it first"),
        )),
    }
}

fn existing_file(file: &Path) -> Result<PathBuf, AdminError> {
    let refused = |problem: &str| refused(file, problem);
    let Ok(target) = std::fs::canonicalize(file) else {
        return Err(refused("it is a link that leads nowhere; remove it"));
    };
    if target.is_dir() {
        return Err(refused("it is a folder; name a file in it"));
    }
    Ok(target)
}

/// Refuses the database of any site and what lies beside it, and every other file that is no copy.
fn refuse_databases(session: &Session, file: &Path, target: &Path) -> Result<(), AdminError> {
    let found = std::fs::metadata(target).ok();
    let identity = |file: &std::fs::Metadata| (file.dev(), file.ino());
    for site in &session.config.sites {
        let database = std::fs::canonicalize(&site.database);
        let database = database.unwrap_or_else(|_| site.database.clone());
        let theirs = std::fs::metadata(&database).ok();
        let is_it = target == database
            || found.is_some() && found.as_ref().map(identity) == theirs.as_ref().map(identity);
        let mut ends = FILES_BESIDE.iter().chain(&LOCKS_BESIDE);
        if is_it || ends.any(|end| with_end(&database, end) == target) {
            let problem = format!(
                "it is the database of site {} or belongs to it; name another file",
                site.name
            );
            return Err(refused(file, &problem));
        }
    }
    if found.is_none() {
        return Ok(());
    }
    // After the databases, since opening one here would release SQLite's locks on it.
    match kind_of(target) {
        Ok(FileKind::Replaceable) => Ok(()),
        Ok(FileKind::InUse) => Err(refused(
            file,
            "it is a database that programs write, not a copy; name another file",
        )),
        Ok(FileKind::Foreign) => Err(refused(
            file,
            "it is something else than a copy of a database of Heliostat; remove it or name \
             another file",
        )),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Err(refused(file, "it is not a regular file; name another file"))
        }
        Err(error) => Err(refused(file, &format!("{error}; name another file"))),
    }
}
