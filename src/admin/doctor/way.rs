//! The directories that lead to a path, links on the way included, and who may enter them.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, accessat};

use super::examination::Examiner;
use super::finding::{AreaReport, Finding};
use super::opening::{Rights, Wish};

/// As many links as the kernel follows in one path.
const LINKS_MAX: usize = 40;

/// Lists every directory that the kernel passes on the way to a path, and the path itself, in this
/// order.
///
/// # Errors
/// Returns the system's error with the path that has it.
pub(super) fn way_to(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut passed = Vec::new();
    let path = std::path::absolute(path).map_err(|error| (path.to_owned(), error))?;
    let end = pass(&path, &mut passed, &mut LINKS_MAX.clone())?;
    passed.retain(|one| *one != end);
    passed.push(end);
    Ok(passed)
}

/// Follows a path; returns where it really is.
fn pass(
    path: &Path,
    passed: &mut Vec<PathBuf>,
    links_left: &mut usize,
) -> Result<PathBuf, (PathBuf, io::Error)> {
    let mut at = PathBuf::from("/");
    for component in path.components() {
        let name = match component {
            Component::Normal(name) => name,
            Component::ParentDir => {
                at.pop();
                continue;
            }
            _ => continue,
        };
        if !passed.contains(&at) {
            passed.push(at.clone());
        }
        let next = at.join(name);
        let named = |error| (next.clone(), error);
        let found = fs::symlink_metadata(&next).map_err(named)?;
        if !found.is_symlink() {
            at = next;
            continue;
        }
        *links_left = links_left
            .checked_sub(1)
            .ok_or_else(|| named(io::Error::other("too many links")))?;
        let target = at.join(fs::read_link(&next).map_err(named)?);
        at = pass(&target, passed, links_left)?;
    }
    Ok(at)
}

/// Whether a user has that access to a directory, whatever the way to it is.
pub(super) fn may(examiner: &Examiner, directory: &Path, wish: Wish) -> io::Result<bool> {
    let access = match wish {
        Wish::Enter => Access::EXEC_OK,
        Wish::List => Access::READ_OK | Access::EXEC_OK,
        Wish::Read => Access::READ_OK,
        Wish::Fill => Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    };
    let open = File::open(directory)?;
    let looked = examiner
        .user
        .look(|| accessat(&open, ".", access, AtFlags::empty()))?;
    Ok(looked.is_ok())
}

/// Checks the way to a directory and the directory itself for each user.
pub(super) fn check_way(report: &mut AreaReport, examiners: &[Examiner], to: &Path, last: Wish) {
    let Ok(way) = way_to(to) else {
        return;
    };
    for examiner in examiners {
        for (index, directory) in way.iter().enumerate() {
            let is_last = index + 1 == way.len();
            let wish = if is_last { last } else { Wish::Enter };
            match may(examiner, directory, wish) {
                Ok(true) => {}
                Ok(false) => report.push(closed(examiner, directory, wish, to)),
                Err(error) => report.refused(format!(
                    "whether {} may enter {}: {error}",
                    examiner.user.name,
                    directory.display()
                )),
            }
        }
    }
}

fn closed(examiner: &Examiner, directory: &Path, wish: Wish, to: &Path) -> Finding {
    let (name, shown) = (&examiner.user.name, directory.display());
    let verb = match wish {
        Wish::Enter => "enter",
        Wish::List | Wish::Read => "read",
        Wish::Fill => "write into",
    };
    let what = match directory == to {
        true => format!("{name} cannot {verb} {shown}"),
        false => format!(
            "{name} cannot {verb} {shown}, on the way to {}",
            to.display()
        ),
    };
    let id = match wish {
        Wish::Fill => "folder-closed",
        _ => "way-closed",
    };
    let finding = Finding::error(id, what);
    match fs::metadata(directory) {
        Ok(found) => {
            let rights = Rights::of(&found);
            finding
                .because(rights.cause(&examiner.user, wish))
                .mended_by(rights.command(&examiner.user, directory, wish))
        }
        Err(error) => finding
            .because(format!("the directory cannot be looked at: {error}"))
            .mended_by(format!("ls -ld {}", super::shell::word(directory))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_has_the_directories_before_and_behind_a_link() {
        let folder = tempfile::tempdir().expect("folder");
        let top = fs::canonicalize(folder.path()).expect("it is there");
        fs::create_dir_all(top.join("a/b/c")).expect("made");
        fs::create_dir_all(top.join("x")).expect("made");
        std::os::unix::fs::symlink(top.join("a/b/../b"), top.join("x/one")).expect("link");
        std::os::unix::fs::symlink("one/c", top.join("x/two")).expect("link");
        let way = way_to(&top.join("x/two")).expect("a way");
        let tail: Vec<&Path> = way
            .iter()
            .filter_map(|one| one.strip_prefix(&top).ok())
            .collect();
        let expected = ["", "x", "a", "a/b", "a/b/c"].map(Path::new);
        assert_eq!(tail, expected);
        std::os::unix::fs::symlink("loop", top.join("x/loop")).expect("link");
        assert!(way_to(&top.join("x/loop")).is_err());
        let (missing, _) = way_to(&top.join("x/none/y")).expect_err("it is not there");
        assert_eq!(missing, top.join("x/none"));
    }
}
