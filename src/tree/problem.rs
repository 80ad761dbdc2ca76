//! A failed look at the tree: path, user, cause and remedy.
//!
//! Whether a file is missing depends on the request alone. Any other failure (no permission, a
//! failing disk or network, no memory, no descriptor) says nothing about the file, and must not be
//! taken for "missing".

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

/// A failed look at the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeProblem {
    path: PathBuf,
    errno: Errno,
}

/// Whether the error means that there is no such file.
pub(super) fn is_missing(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP
    )
}

impl TreeProblem {
    pub(crate) fn new(path: &Path, errno: Errno) -> TreeProblem {
        TreeProblem {
            path: path.to_owned(),
            errno,
        }
    }

    /// The path that was examined.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path does not exist, which is a problem only if it is the tree itself.
    pub fn is_absent(&self) -> bool {
        is_missing(self.errno)
    }

    /// One line for people: path, user, cause, remedy. It examines the path again in order to name
    /// the directory that is closed.
    pub fn text(&self) -> String {
        let path = self.path.display();
        let cause = std::io::Error::from(self.errno);
        let user = user_name();
        let remedy = self.remedy(&user);
        format!("cannot look at {path} as user {user}: {cause}; {remedy}")
    }

    fn remedy(&self, user: &str) -> String {
        match self.errno {
            Errno::ACCESS | Errno::PERM => {
                let closed = closed_path(&self.path).unwrap_or(&self.path);
                format!(
                    "allow {user} to read and search {} and every directory above it, by mode, \
                     group or ACL",
                    closed.display()
                )
            }
            Errno::MFILE => "raise LimitNOFILE= of the service".to_owned(),
            Errno::NFILE => "raise fs.file-max of the system".to_owned(),
            Errno::NOMEM => "the system is out of memory, or MemoryMax= is too low".to_owned(),
            Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::NOTCONN => {
                "check the network file system and mount it again".to_owned()
            }
            errno if is_missing(errno) => {
                "mount its disk, correct `tree` in the configuration, or make it visible to the \
                 service (BindReadOnlyPaths= of its unit)"
                    .to_owned()
            }
            _ => "check the disk; the kernel's log says more".to_owned(),
        }
    }
}

/// The first directory in a path, or the path itself, to which this process has no access.
fn closed_path(path: &Path) -> Option<&Path> {
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS);
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let closed = folders
        .into_iter()
        .find(|folder| may(folder, Access::EXEC_OK) == Err(Errno::ACCESS));
    closed.or_else(|| (may(path, Access::READ_OK) == Err(Errno::ACCESS)).then_some(path))
}

/// The name of the user that this process runs as.
pub fn user_name() -> String {
    let uid = rustix::process::geteuid().as_raw();
    // The responder's unit hides this file, but names the user in the environment.
    let text = crate::regular_file::read_text(Path::new("/etc/passwd"), PASSWD_BYTES_MAX);
    let known = text.ok().and_then(|text| {
        let mut fields = text.lines().map(|line| line.splitn(4, ':'));
        fields.find_map(|mut field| {
            let name = field.next()?;
            let number = field.nth(1)?;
            (number == uid.to_string()).then(|| name.to_owned())
        })
    });
    let from_environment = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    known
        .or_else(from_environment)
        .unwrap_or_else(|| format!("with the number {uid}"))
}

/// Enough for ten thousand users; a longer file is not read.
const PASSWD_BYTES_MAX: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_path_user_cause_and_remedy() {
        for (errno, remedy) in [
            (Errno::ACCESS, "allow "),
            (Errno::MFILE, "LimitNOFILE="),
            (Errno::STALE, "mount it again"),
            (Errno::IO, "check the disk"),
            (Errno::NOMEM, "MemoryMax="),
            (Errno::NOENT, "correct `tree`"),
        ] {
            let text = TreeProblem::new(Path::new("/srv/d"), errno).text();
            let begin = format!("cannot look at /srv/d as user {}: ", user_name());
            assert!(text.starts_with(&begin), "{text}");
            assert!(text.contains(remedy), "{text}");
            assert_eq!(text.lines().count(), 1);
        }
    }
}
