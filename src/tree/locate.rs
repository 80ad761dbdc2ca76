//! The canonical path of a requested file, and its version on disk.
//!
//! All symlinks are resolved for each request, those of the document root too, because a root may
//! be flipped to a new release at any moment. The common case is a file that is on the disk as the
//! catalogue has it: one `fstatat`, and since the index walks no links, the path is canonical. For
//! any other, an `openat2` that refuses links tells whether one is in the way. A `stat` of the
//! root serves the requests of a quarter of a millisecond.
//!
//! # Security
//! A path whose real file lies outside the tree is [`Located::Outside`]: it is never looked up,
//! never redirected, and no name is cut from it.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, stat, statat,
};
use rustix::io::Errno;

use crate::domain::file::FileVersion;
use crate::domain::path::FilePath;

/// How long what the root names is believed. A request that is answered so much later than a flip
/// might as well have come before it; a `stat` for each request took 1.3 of 23 µs.
const ROOT_BELIEVED: Duration = Duration::from_micros(250);

/// One site's tree, as the web server names it; each worker has its own.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    open: Option<OpenRoot>,
}

/// The directory that the root names, kept open while it names it.
#[derive(Debug)]
struct OpenRoot {
    directory: OwnedFd,
    device: u64,
    inode: u64,
    checked_at: Instant,
}

/// What a requested path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// A regular file of the tree.
    File {
        /// Canonical: what the catalogue and the mirrors call it.
        path: FilePath,
        /// What is on the disk now.
        version: FileVersion,
    },
    /// A directory.
    Directory,
    /// A file whose real place is outside the tree; the web server may serve it, nobody else has
    /// it.
    Outside,
    /// Nothing, or a dangling link, a device, a socket.
    Missing,
    /// The tree itself is not there.
    NoTree,
}

fn version(stat: &Stat) -> FileVersion {
    FileVersion {
        size: stat.st_size.max(0) as u64,
        mtime: stat.st_mtime,
    }
}

impl Tree {
    /// Nothing is opened until the first request.
    pub fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
            open: None,
        }
    }

    /// The root as configured.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Finds a path below the root; `catalogued` is the version that the catalogue has of it.
    pub fn locate(&mut self, path: &FilePath, catalogued: Option<FileVersion>) -> Located {
        if !self.refresh() {
            return Located::NoTree;
        }
        let Some(root) = &self.open else {
            return Located::NoTree;
        };
        if let Some(catalogued) = catalogued
            && let Ok(stat) = statat(&root.directory, path.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && version(&stat) == catalogued
        {
            // Should a directory above have become a link since, a file of the same name, size
            // and time is behind it, and that is what mirrors have under this path.
            return Located::File {
                path: path.clone(),
                version: catalogued,
            };
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(
            &root.directory,
            path.as_bytes(),
            flags,
            Mode::empty(),
            resolve,
        ) {
            Ok(file) => match fstat(&file) {
                Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Located::File {
                        path: path.clone(),
                        version: version(&stat),
                    },
                    FileType::Directory => Located::Directory,
                    // O_PATH with O_NOFOLLOW opens a link that is the last component.
                    FileType::Symlink => self.locate_through_links(path),
                    _ => Located::Missing,
                },
                Err(_) => Located::Missing,
            },
            Err(Errno::LOOP | Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {
                self.locate_through_links(path)
            }
            Err(_) => Located::Missing,
        }
    }

    /// The canonical path of a directory below the root, "" for the root itself; `None` when there
    /// is no such directory, or it lies outside the tree. Links are resolved, at leisure.
    pub fn directory(&self, path: &[u8]) -> Option<Vec<u8>> {
        let root = std::fs::canonicalize(&self.root).ok()?;
        let real = std::fs::canonicalize(self.root.join(OsStr::from_bytes(path))).ok()?;
        let below = real.strip_prefix(&root).ok()?;
        real.is_dir().then(|| below.as_os_str().as_bytes().to_vec())
    }

    /// Opens the root again when it names another directory than before; `false`: none.
    fn refresh(&mut self) -> bool {
        let checked_at = Instant::now();
        let is_fresh = |open: &OpenRoot| checked_at - open.checked_at < ROOT_BELIEVED;
        if self.open.as_ref().is_some_and(is_fresh) {
            return true;
        }
        let Ok(now) = stat(&self.root) else {
            self.open = None;
            return false;
        };
        let (device, inode) = (now.st_dev, now.st_ino);
        if let Some(open) = &mut self.open
            && (open.device, open.inode) == (device, inode)
        {
            open.checked_at = checked_at;
            return true;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.open = openat(rustix::fs::CWD, &self.root, flags, Mode::empty())
            .ok()
            .map(|directory| OpenRoot {
                directory,
                device,
                inode,
                checked_at,
            });
        self.open.is_some()
    }

    /// A link is in the way: root and file are resolved whole, and must still be one in the other.
    fn locate_through_links(&self, path: &FilePath) -> Located {
        let Ok(root) = std::fs::canonicalize(&self.root) else {
            return Located::NoTree;
        };
        let requested = self.root.join(OsStr::from_bytes(path.as_bytes()));
        let Ok(real) = std::fs::canonicalize(&requested) else {
            return Located::Missing;
        };
        let Ok(metadata) = std::fs::metadata(&real) else {
            return Located::Missing;
        };
        if metadata.is_dir() {
            return Located::Directory;
        }
        if !metadata.is_file() {
            return Located::Missing;
        }
        let Ok(below) = real.strip_prefix(&root) else {
            return Located::Outside;
        };
        match FilePath::parse(below.as_os_str().as_bytes()) {
            Ok(path) => Located::File {
                path,
                version: FileVersion {
                    size: metadata.len(),
                    mtime: metadata.mtime(),
                },
            },
            Err(_) => Located::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(bytes: &[u8]) -> FilePath {
        FilePath::parse(bytes).expect("a path of the test")
    }

    fn canonical(located: Located) -> Result<Vec<u8>, Located> {
        match located {
            Located::File { path, .. } => Ok(path.as_bytes().to_vec()),
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
            (b"out", Err(Located::Outside)),
            (b"outdir/o", Err(Located::Outside)),
            (b"dangling", Err(Located::Missing)),
            (b"loop", Err(Located::Missing)),
            (b"dir", Err(Located::Directory)),
            (b"alias", Err(Located::Directory)),
            (b"dir/a.iso/x", Err(Located::Missing)),
            (b"nothing", Err(Located::Missing)),
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
            assert_eq!(tree.directory(path).as_deref(), expected, "{path:?}");
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
            Located::File { version, .. } => version.size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size(tree.locate(&path(b"f"), None)), 1);
        symlink("v2", root.join("next")).expect("link");
        std::fs::rename(root.join("next"), root.join("current")).expect("flip");
        std::thread::sleep(ROOT_BELIEVED);
        assert_eq!(size(tree.locate(&path(b"f"), None)), 2);
        std::fs::remove_file(root.join("current")).expect("remove");
        std::thread::sleep(ROOT_BELIEVED);
        assert_eq!(tree.locate(&path(b"f"), None), Located::NoTree);
    }

    #[test]
    fn the_catalogue_is_believed_only_about_the_version_that_it_has() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        std::fs::create_dir(root.join("dir")).expect("dir");
        std::fs::write(root.join("dir/f"), b"123").expect("file");
        symlink("dir", root.join("alias")).expect("link");
        symlink("dir/f", root.join("link")).expect("link");
        let mtime = std::fs::metadata(root.join("dir/f"))
            .expect("metadata")
            .mtime();
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
        assert_eq!(tree.locate(&path(b"gone"), version(3)), Located::Missing);
    }
}
