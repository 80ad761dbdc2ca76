//! Makes files that only their owner can write and only their group can read, whatever the umask.
//!
//! # Security
//! URLs of mirrors contain passwords. A user who opened a file before it was made private can still
//! read it.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use rustix::process::geteuid;

/// Mode of a private file.
const FILE_MODE: u32 = 0o640;

/// Mode of a private folder.
const FOLDER_MODE: u32 = 0o750;

/// Permissions of users outside of the group.
const OTHERS: u32 = 0o007;

/// In such a folder (`/tmp`) everybody may create files, so that its owner means nothing.
const STICKY: u32 = 0o1000;

/// Creates an empty private file, and its folder if only that is missing. Returns whether it did:
/// an existing file stays unchanged. A file that root creates is given to the owner of its folder,
/// because the owner's services could not use it otherwise.
///
/// # Errors
/// Returns the error of the system.
pub fn create_private(path: &Path) -> io::Result<bool> {
    let folder = folder_of(path);
    create_private_folder(folder)?;
    let made = File::options()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path);
    match made {
        Ok(file) => file.set_permissions(Permissions::from_mode(FILE_MODE))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    hand_to_owner_of(folder, path)?;
    Ok(true)
}

/// Creates a private folder, as [`create_private`] creates a file. Nothing happens if the path
/// exists.
///
/// # Errors
/// Returns the error of the system.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    match fs::DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))?;
            hand_to_owner_of(folder_of(path), path)
        }
        // Another thread or process has created it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn hand_to_owner_of(folder: &Path, path: &Path) -> io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(folder)?;
    if owner.uid() == 0 || owner.mode() & STICKY != 0 {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// Removes all permissions of users outside of the group from a file; returns whether there were
/// any. A file of another user stays unchanged.
///
/// # Errors
/// Returns the error of the system. A missing file is not an error.
pub fn make_private(path: &Path) -> io::Result<bool> {
    let file = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    close_to_others(path, &file)
}

/// Does the same for a folder if it contains only files for which `is_ours` holds: others may have
/// to enter any other folder.
///
/// # Errors
/// Returns the error of the system.
pub fn make_private_folder(path: &Path, is_ours: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    let folder = fs::metadata(path)?;
    if folder.mode() & OTHERS == 0 || folder.mode() & STICKY != 0 {
        return Ok(false);
    }
    for entry in fs::read_dir(path)? {
        if !is_ours(entry?.file_name().as_encoded_bytes()) {
            return Ok(false);
        }
    }
    close_to_others(path, &folder)
}

fn close_to_others(path: &Path, found: &Metadata) -> io::Result<bool> {
    let is_mine = geteuid().is_root() || found.uid() == geteuid().as_raw();
    if !is_mine || found.mode() & OTHERS == 0 {
        return Ok(false);
    }
    let mode = found.mode() & 0o7777 & !OTHERS;
    // By path: opening and closing a database here would drop SQLite's locks on it.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o7777
    }

    #[test]
    fn files_and_folders_are_closed_to_others_alone() {
        let top = tempfile::tempdir().expect("folder");
        let folder = top.path().join("state");
        let file = folder.join("a");
        assert!(create_private(&file).expect("made"));
        assert!(!create_private(&file).expect("there"));
        assert_eq!((mode(&folder), mode(&file)), (0o750, 0o640));

        let set = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
        };
        set(&file, 0o664);
        assert!(make_private(&file).expect("changed"));
        assert!(!make_private(&file).expect("nothing to change"));
        assert_eq!(mode(&file), 0o660);
        assert!(!make_private(&folder.join("nowhere")).expect("nothing there"));

        let ours = |name: &[u8]| name == b"a";
        set(&folder, 0o2755);
        fs::write(folder.join("b"), "").expect("a file");
        assert!(!make_private_folder(&folder, ours).expect("read"));
        fs::remove_file(folder.join("b")).expect("removed");
        assert!(make_private_folder(&folder, ours).expect("changed"));
        assert_eq!(mode(&folder), 0o2750);
        set(&folder, 0o1777);
        assert!(!make_private_folder(&folder, ours).expect("read"));
    }
}
