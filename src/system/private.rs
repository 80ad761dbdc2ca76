//! Files that only their owner writes and only their group reads, whatever the umask.
//!
//! # Security
//! Mirrors' URLs hold passwords. What another user opened before it was made private stays open.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use rustix::process::geteuid;

/// Of a private file.
const FILE_MODE: u32 = 0o640;

/// Of a private folder.
const FOLDER_MODE: u32 = 0o750;

/// What users outside the group may do.
const OTHERS: u32 = 0o007;

/// Everybody may make files there (`/tmp`), so it is nobody's own.
const STICKY: u32 = 0o1000;

/// Makes an empty private file, and its folder if that alone is missing; says whether it did: a
/// file that is there stays as it is. One that root makes belongs to the owner of its folder, whose
/// services could not use it otherwise.
///
/// # Errors
/// What the system says.
pub fn create_private(path: &Path) -> io::Result<bool> {
    let folder = folder_of(path);
    if !folder.exists() {
        match fs::DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Ok(()) => {
                fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
                hand_to_owner_of(folder_of(folder), folder)?;
            }
            // Another thread or process made it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
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

/// Takes from users outside the group what they may do with a file; says whether there was
/// anything. A file of another user stays as it is.
///
/// # Errors
/// What the system says; a missing file is none.
pub fn make_private(path: &Path) -> io::Result<bool> {
    let file = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    close_to_others(path, &file)
}

/// Does the same for a folder, if nothing but what `is_ours` knows lies in it: the folder may be
/// one that others must enter.
///
/// # Errors
/// What the system says.
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
    // By its path: opening and closing a database here would drop SQLite's locks on it.
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
