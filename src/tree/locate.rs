//! Finds the canonical path of a requested file, and its version on the disk.
//!
//! All symlinks are resolved for each request, also those of the document root, because a root may
//! be switched to a new release at any moment. The common case is a file that is on the disk as the
//! catalogue has it. It takes one `fstatat`; because the index follows no links, the path is
//! canonical. For any other file, an `openat2` that refuses links tells whether there is a link in
//! the path. One `stat` of the root is valid for the requests of a quarter of a millisecond.
//!
//! # Security
//! A path whose real file lies outside the tree is [`Location::Outside`]: it is never looked up,
//! never redirected, and its name is not derived from a prefix. A file that not everybody may read,
//! and that we may not read either, is [`Location::Unknown`]: the web server decides whether a
//! client gets it.
//!
//! # Errors
//! A file is [`Location::Missing`] only for errors that the request alone can cause: see
//! [`TreeProblem`].

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fd::AsFd;
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, accessat, fstat, openat,
    openat2, stat, statat,
};
use rustix::io::Errno;

use super::problem::{TreeProblem, is_missing};
use crate::domain::file::FileVersion;
use crate::domain::path::FilePath;

/// Time for which the root's directory is taken as unchanged. A request within this time after a
/// switch might as well have come before it; a `stat` per request would take 1.3 of 23 µs.
pub(super) const ROOT_TRUST_TIME: Duration = Duration::from_micros(250);

/// One site's tree under the name that the web server uses; each worker has its own.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    open: Option<OpenRoot>,
    pub(super) other: Option<OtherName>,
}

/// The directory that the root names, which stays open as long as the root names it.
#[derive(Debug)]
struct OpenRoot {
    directory: OwnedFd,
    device: u64,
    inode: u64,
    checked_at: Instant,
}

/// The result of looking up a requested path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A regular file in the tree.
    File {
        /// Canonical path, under which the catalogue and the mirrors have it.
        path: FilePath,
        /// Version on the disk now.
        version: FileVersion,
    },
    /// A directory.
    Directory,
    /// A file that really lies outside the tree; the web server may serve it, but mirrors do not
    /// have it.
    Outside,
    /// No file: no entry, a dangling link, a device or a socket.
    Missing,
    /// The file system gives no answer.
    Unknown(TreeProblem),
}

fn version(stat: &Stat) -> FileVersion {
    FileVersion {
        size: stat.st_size.max(0) as u64,
        mtime: stat.st_mtime,
    }
}

impl Tree {
    /// Makes a tree; its root is opened at the first request.
    pub fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
            open: None,
            other: None,
        }
    }

    /// The root as configured.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Looks up a path below the root; `catalogued` is the version that the catalogue has of it.
    pub fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Location {
        self.look_up(path, catalogued).unwrap_or_else(|problem| {
            // The error may come from the open directory, so the next request opens it again.
            self.open = None;
            Location::Unknown(problem)
        })
    }

    /// Returns the canonical path of a directory below the root, "" for the root itself; `None` if
    /// there is no such directory, or it lies outside the tree. Resolves links, so it is slow.
    ///
    /// # Errors
    /// Returns [`TreeProblem`] if the file system gives no answer.
    pub fn directory(&self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem> {
        let root = self.real_root()?;
        let requested = self.root.join(OsStr::from_bytes(path));
        let Some(real) = real_path(&requested)? else {
            return Ok(None);
        };
        let Some(stat) = if_there(stat(&real), &real)? else {
            return Ok(None);
        };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let below = real.strip_prefix(&root).ok().filter(|_| is_directory);
        Ok(below.map(|below| below.as_os_str().as_bytes().to_vec()))
    }

    /// Checks that the root is a directory that can be opened and searched.
    ///
    /// # Errors
    /// Returns [`TreeProblem`] if it is not.
    pub fn check(&mut self) -> Result<(), TreeProblem> {
        self.refresh()?;
        let Some(OpenRoot { directory, .. }) = &self.open else {
            return Err(TreeProblem::new(&self.root, Errno::NOENT));
        };
        // Every look-up below needs search permission.
        accessat(directory, ".", Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|errno| TreeProblem::new(&self.root, errno))
    }

    fn look_up(
        &mut self,
        path: &FilePath,
        catalogued: Option<FileVersion>,
    ) -> Result<Location, TreeProblem> {
        self.refresh()?;
        let root = &self.root;
        let Some(OpenRoot { directory, .. }) = &self.open else {
            return Err(TreeProblem::new(root, Errno::NOENT));
        };
        if let Some(catalogued) = catalogued
            && let Ok(stat) = statat(directory, path.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && version(&stat) == catalogued
        {
            // If a directory in the path has become a link since, the file behind it has the same
            // name, size and time, and mirrors have that file under this path.
            return found(root, (directory, path.as_bytes()), path.clone(), &stat);
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let opened = openat2(directory, path.as_bytes(), flags, Mode::empty(), resolve);
        // There is a link in the path, or the kernel cannot tell. EPERM may mean that the system
        // call itself is forbidden.
        if let Err(Errno::LOOP | Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::AGAIN) = opened {
            return self.look_up_through_links(path);
        }
        let named = || root.join(OsStr::from_bytes(path.as_bytes()));
        let stat = opened.and_then(fstat);
        let Some(stat) = if_there(stat, &named())? else {
            return Ok(Location::Missing);
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => found(root, (directory, path.as_bytes()), path.clone(), &stat),
            FileType::Directory => Ok(Location::Directory),
            // With O_PATH and O_NOFOLLOW, a link in the last component is opened itself.
            FileType::Symlink => self.look_up_through_links(path),
            _ => Ok(Location::Missing),
        }
    }

    /// Device and inode of the directory that the root named at the last check.
    pub(super) fn root_inode(&self) -> Option<(u64, u64)> {
        self.open.as_ref().map(|open| (open.device, open.inode))
    }

    /// Opens the root again if it names another directory than before.
    pub(super) fn refresh(&mut self) -> Result<(), TreeProblem> {
        let checked_at = Instant::now();
        let problem = |errno| TreeProblem::new(&self.root, errno);
        let known = match self.open.take() {
            Some(open) if checked_at - open.checked_at < ROOT_TRUST_TIME => open,
            open => {
                let now = stat(&self.root).map_err(problem)?;
                let (device, inode) = (now.st_dev, now.st_ino);
                match open.filter(|open| (open.device, open.inode) == (device, inode)) {
                    Some(open) => OpenRoot { checked_at, ..open },
                    None => OpenRoot {
                        directory: open_root(&self.root).map_err(problem)?,
                        device,
                        inode,
                        checked_at,
                    },
                }
            }
        };
        self.open = Some(known);
        Ok(())
    }

    /// The root's path without links.
    pub(super) fn real_root(&self) -> Result<PathBuf, TreeProblem> {
        let absent = TreeProblem::new(&self.root, Errno::NOENT);
        real_path(&self.root)?.ok_or(absent)
    }

    /// Looks up a path that contains a link: root and file are resolved separately, and the file
    /// must then lie in the root.
    fn look_up_through_links(&self, path: &FilePath) -> Result<Location, TreeProblem> {
        let root = self.real_root()?;
        let requested = self.root.join(OsStr::from_bytes(path.as_bytes()));
        let Some(real) = real_path(&requested)? else {
            return Ok(Location::Missing);
        };
        let Some(stat) = if_there(stat(&real), &real)? else {
            return Ok(Location::Missing);
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => return Ok(Location::Directory),
            FileType::RegularFile => {}
            _ => return Ok(Location::Missing),
        }
        let below = real.strip_prefix(&root).ok();
        let below = below.and_then(|below| FilePath::parse(below.as_os_str().as_bytes()).ok());
        match below {
            Some(path) => found(&root, (CWD, real.as_os_str().as_bytes()), path, &stat),
            None => Ok(Location::Outside),
        }
    }
}

fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, root, flags, Mode::empty())
}

/// Turns "no such file" into `None`.
pub(super) fn if_there<T>(result: Result<T, Errno>, path: &Path) -> Result<Option<T>, TreeProblem> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(errno) if is_missing(errno) => Ok(None),
        Err(errno) => Err(TreeProblem::new(path, errno)),
    }
}

/// The path without links; `None` if there is no such file.
pub(super) fn real_path(path: &Path) -> Result<Option<PathBuf>, TreeProblem> {
    let real = std::fs::canonicalize(path);
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    if_there(real.map_err(errno), path)
}

/// Returns a regular file, unless the web server may have to refuse it. `at` is the file's
/// location: a directory, and the path below it.
fn found(
    root: &Path,
    at: (impl AsFd, &[u8]),
    path: FilePath,
    stat: &Stat,
) -> Result<Location, TreeProblem> {
    if is_refused(at, stat) {
        let path = root.join(OsStr::from_bytes(path.as_bytes()));
        return Err(TreeProblem::new(&path, Errno::ACCESS));
    }
    Ok(Location::File {
        path,
        version: version(stat),
    })
}

/// Whether neither everybody nor this process may read the file. Then only the web server, which
/// runs as another user, knows whether it may.
fn is_refused(at: (impl AsFd, &[u8]), stat: &Stat) -> bool {
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.contains(Mode::ROTH) {
        return false;
    }
    if rustix::process::geteuid().is_root() {
        // Root may read everything, which says nothing about others. A group other than root's is
        // taken as made for readers.
        return !mode.contains(Mode::RGRP) || stat.st_gid == 0;
    }
    accessat(at.0, at.1, Access::READ_OK, AtFlags::EACCESS).is_err()
}

/// Another name under which the tree can be reached.
#[derive(Debug)]
pub(super) struct OtherName {
    pub(super) name: Vec<u8>,
    pub(super) checked_at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(bytes: &[u8]) -> FilePath {
        FilePath::parse(bytes).expect("a path of the test")
    }

    fn canonical(located: Location) -> Result<Vec<u8>, Location> {
        match located {
            Location::File { path, .. } => Ok(path.as_bytes().to_vec()),
            other => Err(other),
        }
    }

    #[test]
    fn links_are_resolved_and_never_lead_out_of_the_tree() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("v1/dir")).expect("v1");
        std::fs::create_dir_all(root.join("outside")).expect("outside");
        std::fs::write(root.join("v1/dir/a.iso"), b"12345").expect("file");
        std::fs::write(root.join("v1/dir/\u{fc} %.bin"), b"").expect("file");
        std::fs::write(root.join("outside/o"), b"x").expect("file");
        symlink("v1", root.join("docroot")).expect("docroot");
        symlink("dir/a.iso", root.join("v1/latest.iso")).expect("link");
        symlink("latest.iso", root.join("v1/latest2.iso")).expect("link");
        symlink("dir", root.join("v1/alias")).expect("link");
        symlink("../outside/o", root.join("v1/out")).expect("link");
        symlink("../outside", root.join("v1/outdir")).expect("link");
        symlink("nothing", root.join("v1/dangling")).expect("link");
        symlink("loop", root.join("v1/loop")).expect("link");

        let mut tree = Tree::new(&root.join("docroot"));
        for (requested, expected) in [
            (&b"dir/a.iso"[..], Ok(b"dir/a.iso".to_vec())),
            (
                "dir/\u{fc} %.bin".as_bytes(),
                Ok("dir/\u{fc} %.bin".as_bytes().to_vec()),
            ),
            (b"latest.iso", Ok(b"dir/a.iso".to_vec())),
            (b"latest2.iso", Ok(b"dir/a.iso".to_vec())),
            (b"alias/a.iso", Ok(b"dir/a.iso".to_vec())),
            (b"out", Err(Location::Outside)),
            (b"outdir/o", Err(Location::Outside)),
            (b"dangling", Err(Location::Missing)),
            (b"loop", Err(Location::Missing)),
            (b"dir", Err(Location::Directory)),
            (b"alias", Err(Location::Directory)),
            (b"dir/a.iso/x", Err(Location::Missing)),
            (b"nothing", Err(Location::Missing)),
        ] {
            assert_eq!(
                canonical(tree.locate(&path(requested), None)),
                expected,
                "{requested:?}"
            );
        }
    }

    #[test]
    fn directories_are_canonical_and_of_the_tree() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("v1/dir/sub")).expect("v1");
        std::fs::create_dir_all(root.join("outside")).expect("outside");
        std::fs::write(root.join("v1/file"), b"").expect("file");
        symlink("v1", root.join("docroot")).expect("docroot");
        symlink("dir", root.join("v1/alias")).expect("link");
        symlink("../outside", root.join("v1/out")).expect("link");
        let tree = Tree::new(&root.join("docroot"));
        for (path, expected) in [
            (&b""[..], Some(&b""[..])),
            (b"dir", Some(b"dir")),
            (b"alias/sub", Some(b"dir/sub")),
            (b"file", None),
            (b"out", None),
            (b"nothing", None),
        ] {
            let found = tree.directory(path).expect("it can be looked at");
            assert_eq!(found.as_deref(), expected, "{path:?}");
        }
    }

    #[test]
    fn a_flipped_document_root_is_seen_within_the_time_that_it_is_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        for (release, content) in [("v1", &b"1"[..]), ("v2", b"22")] {
            std::fs::create_dir(root.join(release)).expect("release");
            std::fs::write(root.join(release).join("f"), content).expect("file");
        }
        symlink("v1", root.join("current")).expect("link");
        let mut tree = Tree::new(&root.join("current"));
        let size = |located| match located {
            Location::File { version, .. } => version.size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size(tree.locate(&path(b"f"), None)), 1);
        symlink("v2", root.join("next")).expect("link");
        std::fs::rename(root.join("next"), root.join("current")).expect("flip");
        std::thread::sleep(ROOT_TRUST_TIME);
        assert_eq!(size(tree.locate(&path(b"f"), None)), 2);
        std::fs::remove_file(root.join("current")).expect("remove");
        std::thread::sleep(ROOT_TRUST_TIME);
        let Location::Unknown(problem) = tree.locate(&path(b"f"), None) else {
            panic!("a tree that is gone says nothing of its files");
        };
        assert!(problem.is_absent() && problem.path() == root.join("current"));
        tree.check().expect_err("no tree");
        tree.directory(b"").expect_err("no tree");
    }

    #[test]
    fn a_file_that_not_everybody_may_read_is_the_web_servers_to_judge() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        std::fs::write(root.join("f"), b"123").expect("file");
        symlink("f", root.join("link")).expect("link");
        let mut tree = Tree::new(root);
        for (mode, is_known) in [(0o644, true), (0o604, true), (0o200, false), (0o644, true)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(root.join("f"), permissions).expect("mode");
            for name in [&b"f"[..], b"link"] {
                let located = tree.locate(&path(name), None);
                let is_file = matches!(located, Location::File { .. });
                assert_eq!(is_file, is_known, "{mode:o} {located:?}");
                let is_unknown = matches!(located, Location::Unknown(_));
                assert_eq!(is_unknown, !is_known, "{mode:o} {located:?}");
            }
        }
    }

    #[test]
    fn the_catalogue_is_believed_only_about_the_version_that_it_has() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        std::fs::create_dir(root.join("dir")).expect("dir");
        std::fs::write(root.join("dir/f"), b"123").expect("file");
        symlink("dir", root.join("alias")).expect("link");
        symlink("dir/f", root.join("link")).expect("link");
        let mtime = stat(root.join("dir/f")).expect("metadata").st_mtime;
        let version = |size| Some(FileVersion { size, mtime });
        let mut tree = Tree::new(root);
        for (requested, catalogued, expected) in [
            (&b"dir/f"[..], version(3), &b"dir/f"[..]),
            (b"dir/f", version(4), b"dir/f"),
            (b"alias/f", version(3), b"alias/f"),
            (b"alias/f", version(4), b"dir/f"),
            (b"link", version(3), b"dir/f"),
        ] {
            let located = tree.locate(&path(requested), catalogued);
            assert_eq!(
                canonical(located),
                Ok(expected.to_vec()),
                "{requested:?} {catalogued:?}"
            );
        }
        assert_eq!(tree.locate(&path(b"gone"), version(3)), Location::Missing);
    }
}
