//! Finds the path below the tree of a file that the web server names by its absolute path.
//!
//! The web server's root and `tree` are usually written alike, so that a comparison of bytes is
//! enough. They may differ (a link in one of them, a mount of the same directory). Then the
//! directory above the file that is the tree is found by its inode, and remembered as long as it is
//! the tree. A file that lies in the tree by another way (a link into the middle of it) is resolved
//! as a whole.

use super::locate::OtherName;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{FileType, stat};

use super::locate::{ROOT_TRUST_TIME, Tree, if_there, real_path};
use super::problem::TreeProblem;
use crate::domain::path::{FilePath, PathError};

/// The location that the web server's name of a file means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedLocation {
    /// A path below the tree, in which links are not resolved; `Empty`: the tree itself.
    Below(Result<FilePath, PathError>),
    /// A location outside of the tree.
    Outside {
        /// Whether the file exists, as far as this process can see.
        exists: bool,
    },
    /// A location whose directory this process cannot see.
    Unseen,
    /// The file system gives no answer.
    Unknown(TreeProblem),
}

impl Tree {
    /// Finds the path below the tree of a file with an absolute name; the file need not exist.
    pub fn named(&mut self, file: &[u8]) -> NamedLocation {
        let climbs = climbs(file);
        if !climbs && let Some(rest) = rest_below(file, self.root().as_os_str().as_bytes()) {
            return NamedLocation::Below(FilePath::parse(rest));
        }
        self.locate_other_name(file, climbs)
            .unwrap_or_else(NamedLocation::Unknown)
    }

    /// Resolves a name that does not begin with the root as configured. `climbs`: the name contains
    /// `..`, so that its meaning depends on links.
    fn locate_other_name(
        &mut self,
        file: &[u8],
        climbs: bool,
    ) -> Result<NamedLocation, TreeProblem> {
        self.refresh()?;
        if !climbs && let Some(rest) = self.below_other_name(file)? {
            return Ok(NamedLocation::Below(FilePath::parse(rest)));
        }
        let root = self.real_root()?;
        let path = Path::new(OsStr::from_bytes(file));
        let found = real_path(path)?;
        let exists = found.is_some();
        let real = match (found, path.parent(), path.file_name()) {
            (None, Some(directory), Some(name)) => real_path(directory)?
                .map(|real| Ok(is_directory(&real)?.then(|| real.join(name))))
                .transpose()?
                .flatten(),
            (found, _, _) => found,
        };
        let Some(real) = real else {
            return Ok(NamedLocation::Unseen);
        };
        Ok(match real.strip_prefix(&root) {
            Ok(below) => NamedLocation::Below(FilePath::parse(below.as_os_str().as_bytes())),
            Err(_) => NamedLocation::Outside { exists },
        })
    }

    /// The rest of a file's name after another name of the tree.
    ///
    /// # Errors
    /// Returns [`TreeProblem`] if none is found and one of the directories gives no answer.
    fn below_other_name<'f>(&mut self, file: &'f [u8]) -> Result<Option<&'f [u8]>, TreeProblem> {
        let now = Instant::now();
        if let Some(other) = &self.other
            && let Some(rest) = rest_below(file, &other.name)
        {
            if now - other.checked_at < ROOT_TRUST_TIME {
                return Ok(Some(rest));
            }
            if self.is_root(&other.name)? {
                let name = other.name.clone();
                let checked_at = now;
                self.other = Some(OtherName { name, checked_at });
                return Ok(Some(rest));
            }
        }
        let slashes = file
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'/');
        let mut problem = None;
        for name in slashes.map(|(at, _)| &file[..at]) {
            match self.is_root(name) {
                Ok(false) => {}
                Ok(true) => {
                    let rest = &file[name.len()..];
                    let (name, checked_at) = (name.to_vec(), now);
                    self.other = Some(OtherName { name, checked_at });
                    return Ok(Some(rest));
                }
                // The directory of a file may be closed, and the tree above it open.
                Err(found) => problem = problem.or(Some(found)),
            }
        }
        problem.map_or(Ok(None), Err)
    }

    /// Whether a path leads to the directory that the root names.
    fn is_root(&self, name: &[u8]) -> Result<bool, TreeProblem> {
        let path = Path::new(OsStr::from_bytes(name));
        let found = if_there(stat(path), path)?;
        Ok(found.is_some_and(|found| self.root_inode() == Some((found.st_dev, found.st_ino))))
    }
}

fn is_directory(path: &Path) -> Result<bool, TreeProblem> {
    let found = if_there(stat(path), path)?;
    Ok(found.is_some_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory))
}

/// Whether a name contains the component `..`.
fn climbs(file: &[u8]) -> bool {
    // Without an early end the loop takes many bytes at a time; hardly any name has two dots.
    let pairs = file.iter().zip(file.get(1..).unwrap_or_default());
    pairs.fold(false, |any, (one, next)| {
        any | ((*one == b'.') & (*next == b'.'))
    }) && (file.windows(4).any(|part| part == b"/../") || file.ends_with(b"/.."))
}

/// The rest of a path after the directory that it lies below.
pub fn rest_below<'f>(file: &'f [u8], directory: &[u8]) -> Option<&'f [u8]> {
    let directory = directory.strip_suffix(b"/").unwrap_or(directory);
    let rest = file.strip_prefix(directory)?;
    (rest.is_empty() || rest[0] == b'/').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_found_below_the_tree_however_it_is_written() {
        let folder = tempfile::tempdir().expect("folder");
        let home = folder.path();
        std::fs::create_dir_all(home.join("v1/dir")).expect("v1");
        std::fs::create_dir_all(home.join("v1x")).expect("v1x");
        std::fs::create_dir_all(home.join("outside")).expect("outside");
        for file in ["v1/dir/a.iso", "v1x/a.iso", "outside/o"] {
            std::fs::write(home.join(file), b"12345").expect("file");
        }
        symlink("v1", home.join("tree")).expect("link");
        symlink("v1/dir", home.join("middle")).expect("link");
        symlink("dir", home.join("v1/alias")).expect("link");
        symlink("../outside", home.join("v1/out")).expect("link");
        let below = |path: &[u8]| NamedLocation::Below(FilePath::parse(path));
        let mut tree = Tree::new(&home.join("tree"));
        for (name, expected) in [
            ("tree/dir/a.iso", below(b"dir/a.iso")),
            ("tree/alias/a.iso", below(b"alias/a.iso")),
            ("tree//dir/./a.iso", below(b"dir/a.iso")),
            ("tree", below(b"")),
            ("tree/", below(b"")),
            ("tree/none.iso.md5", below(b"none.iso.md5")),
            ("tree/out/o", below(b"out/o")),
            ("v1/dir/a.iso", below(b"dir/a.iso")),
            ("v1/alias/a.iso", below(b"alias/a.iso")),
            ("v1/dir/a.iso.md5", below(b"dir/a.iso.md5")),
            ("v1/none/none", below(b"none/none")),
            ("middle/a.iso", below(b"dir/a.iso")),
            ("middle/a.iso.md5", below(b"dir/a.iso.md5")),
            ("tree/alias/../dir/a.iso", below(b"dir/a.iso")),
            (
                "tree/out/../v1x/a.iso",
                NamedLocation::Outside { exists: true },
            ),
            ("v1x/a.iso", NamedLocation::Outside { exists: true }),
            ("outside/o", NamedLocation::Outside { exists: true }),
            ("outside/o.md5", NamedLocation::Outside { exists: false }),
            ("nothing/o", NamedLocation::Unseen),
            ("outside/o/x", NamedLocation::Unseen),
        ] {
            // Twice: another name of the tree is remembered.
            for _ in 0..2 {
                let file = home.join(name);
                assert_eq!(tree.named(file.as_os_str().as_bytes()), expected, "{name}");
            }
        }
    }

    #[test]
    fn another_name_of_the_tree_is_forgotten_when_it_is_none_any_more() {
        let folder = tempfile::tempdir().expect("folder");
        let home = folder.path();
        for release in ["v1", "v2"] {
            std::fs::create_dir(home.join(release)).expect("release");
            std::fs::write(home.join(release).join("f"), b"1").expect("file");
        }
        symlink("v1", home.join("current")).expect("link");
        let mut tree = Tree::new(&home.join("v1"));
        let file = home.join("current/f");
        let name = file.as_os_str().as_bytes();
        let expected = NamedLocation::Below(FilePath::parse(b"f"));
        assert_eq!(tree.named(name), expected);
        symlink("v2", home.join("next")).expect("link");
        std::fs::rename(home.join("next"), home.join("current")).expect("flip");
        std::thread::sleep(ROOT_TRUST_TIME);
        assert_eq!(tree.named(name), NamedLocation::Outside { exists: true });
        let gone = Tree::new(&home.join("gone")).named(name);
        assert!(matches!(gone, NamedLocation::Unknown(problem) if problem.is_absent()));
    }
}
