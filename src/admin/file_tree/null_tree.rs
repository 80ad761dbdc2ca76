//! Runs `null-tree`: makes a tree of files without contents from the listing of a mirror.
//!
//! Each file has the size and time that the mirror has, and takes no room. Such a tree can be
//! indexed and redirected from, but must never be served.
//!
//! # Security
//! No entry of a listing leads out of the directory: names with `..`, links out of it and entries
//! behind links are left out. A directory with files that have contents is never touched.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::null_listing::{NullEntry, NullKind, NullListing, list};
use crate::admin::args::NullTreeArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::domain::escape::visible_line;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;

/// So small a file may lie in its inode, without a block; it is read to see what is in it.
const INLINE_BYTES_MAX: u64 = 4096;

/// Blocks of 512 bytes that a file system may count for a file without contents.
const BLOCKS_MAX: u64 = 1;

/// The changes to make.
#[derive(Debug, Default)]
struct TreePlan {
    make: Vec<Vec<u8>>,
    remove: Vec<Vec<u8>>,
}

/// Brings the tree to what the listing says.
///
/// # Errors
/// Returns [`AdminError::Refused`] if the listing is not whole, or the directory has contents, and
/// [`AdminError::File`] for the first entry that cannot be made.
pub fn null_tree(session: &mut Session, args: &NullTreeArgs) -> Result<Exit, AdminError> {
    let listing = list(&args.source, &args.exclude)?;
    let plan = plan(&args.target, &listing)?;
    if args.verbose || args.dry_run {
        for (sign, paths) in [('+', &plan.make), ('-', &plan.remove)] {
            for path in paths {
                let path = visible_line(path);
                session.console.line(format!("{sign} {path}"))?;
            }
        }
    }
    if !args.dry_run {
        carry_out(&args.target, &listing, &plan)?;
    }
    if listing.left_out > 0 {
        log::warn!(
            "{} entries are left out: devices, odd names, or links that lead out of the tree",
            listing.left_out
        );
    }
    if !args.quiet {
        let (all, made, removed) = (listing.entries.len(), plan.make.len(), plan.remove.len());
        let line = format!("{all} entries: {made} made, {removed} removed");
        session.console.line(match args.dry_run {
            true => format!("{line} (--dry-run: nothing is changed)"),
            false => line,
        })?;
    }
    Ok(Exit::Ok)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AdminError {
    let path: PathBuf = path.to_owned();
    move |source| AdminError::File {
        doing,
        path,
        source,
    }
}

fn below(target: &Path, path: &[u8]) -> PathBuf {
    target.join(std::ffi::OsStr::from_bytes(path))
}

/// Compares; nothing is changed yet.
fn plan(target: &Path, listing: &NullListing) -> Result<TreePlan, AdminError> {
    let mut plan = TreePlan::default();
    let mut open = vec![Vec::new()];
    let mut has_files = false;
    while let Some(directory) = open.pop() {
        let folder = below(target, &directory);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_empty() => break,
            Err(error) => return Err(failed("read", &folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed("read", &folder))?;
            let name = entry.file_name().into_vec();
            let path = match directory.is_empty() {
                true => name,
                false => [&directory[..], b"/", &name].concat(),
            };
            let metadata = entry.metadata().map_err(failed("look at", &entry.path()))?;
            has_files |= metadata.is_file();
            if metadata.is_file() && has_contents(&entry.path(), &metadata)? {
                return Err(AdminError::Refused(format!(
                    "nothing is changed: {} has contents, so {} is no tree of this command; name \
                     a directory of its own",
                    entry.path().display(),
                    target.display()
                )));
            }
            if metadata.is_dir() {
                open.push(path.clone());
            }
            if !listing.entries.contains_key(&path) {
                plan.remove.push(path);
            }
        }
    }
    if listing.entries.is_empty() && has_files {
        return Err(AdminError::Refused(format!(
            "nothing is changed: nothing is listed, and {} would be emptied",
            target.display()
        )));
    }
    let is_made =
        |(path, entry): &(&Vec<u8>, &NullEntry)| !is_as_listed(&below(target, path), entry);
    let made = listing.entries.iter().filter(is_made);
    plan.make = made.map(|(path, _)| path.clone()).collect();
    // The content of a directory is removed before the directory.
    plan.remove.order_by(|a, b| b.cmp(a));
    Ok(plan)
}

/// Whether a file holds anything: blocks on the disk, or bytes that are not zero.
fn has_contents(path: &Path, metadata: &fs::Metadata) -> Result<bool, AdminError> {
    if metadata.len() > INLINE_BYTES_MAX {
        return Ok(metadata.blocks() > BLOCKS_MAX);
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(INLINE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(failed("read", path))?;
    Ok(bytes.iter().any(|&byte| byte != 0))
}

fn is_as_listed(path: &Path, entry: &NullEntry) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    let has_mode = metadata.mode() & 0o777 == entry.mode;
    let has_time = metadata.mtime() == entry.mtime.0;
    match &entry.kind {
        NullKind::Directory => metadata.is_dir() && has_mode,
        NullKind::File(size) => {
            metadata.is_file() && metadata.len() == *size && has_mode && has_time
        }
        NullKind::Link(target) => {
            let there = fs::read_link(path);
            there.is_ok_and(|there| there.as_os_str().as_bytes() == target)
        }
    }
}

fn carry_out(target: &Path, listing: &NullListing, plan: &TreePlan) -> Result<(), AdminError> {
    fs::create_dir_all(target).map_err(failed("make", target))?;
    for path in &plan.remove {
        let path = below(target, path);
        remove(&path).map_err(failed("remove", &path))?;
    }
    for path in &plan.make {
        let entry = &listing.entries[path];
        let path = below(target, path);
        make(&path, entry).map_err(failed("make", &path))?;
    }
    // Directories get time and mode last: an entry that is made in one changes its time, and a
    // closed one could not be filled.
    for (path, entry) in listing.entries.iter().rev() {
        if entry.kind == NullKind::Directory {
            let path = below(target, path);
            finish(&path, entry).map_err(failed("finish", &path))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn make(path: &Path, entry: &NullEntry) -> io::Result<()> {
    let there = fs::symlink_metadata(path).ok();
    match &entry.kind {
        NullKind::Directory => {
            if !there.as_ref().is_some_and(fs::Metadata::is_dir) {
                remove(path)?;
                fs::create_dir(path)?;
            }
            // Until it is filled.
            fs::set_permissions(path, Permissions::from_mode(entry.mode | 0o700))
        }
        NullKind::Link(target) => {
            remove(path)?;
            symlink(std::ffi::OsStr::from_bytes(target), path)
        }
        NullKind::File(size) => {
            if !there.as_ref().is_some_and(fs::Metadata::is_file) {
                remove(path)?;
            }
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(OFlags::NOFOLLOW.bits() as i32)
                .open(path)?;
            // Cut first, so that nothing of before stays.
            file.set_len(0)?;
            file.set_len(*size)?;
            file.set_permissions(Permissions::from_mode(entry.mode))?;
            file.set_modified(system_time(entry.mtime))
        }
    }
}

fn finish(path: &Path, entry: &NullEntry) -> io::Result<()> {
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::DIRECTORY).bits() as i32)
        .open(path)?;
    folder.set_permissions(Permissions::from_mode(entry.mode))?;
    folder.set_modified(system_time(entry.mtime))
}

fn system_time(at: Timestamp) -> SystemTime {
    let distance = Duration::from_secs(at.0.unsigned_abs());
    match at.0 >= 0 {
        true => SystemTime::UNIX_EPOCH + distance,
        false => SystemTime::UNIX_EPOCH - distance,
    }
}
