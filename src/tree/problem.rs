//! What the file system would not tell, as whom it was asked, and what to do.
//!
//! That a file is missing depends on the request alone. Everything else that a look at the tree may
//! fail with (no permission, a disk or network that fails, no memory, no descriptor) says nothing
//! about the file, and must not be taken for "missing".

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

/// A look at the tree that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeProblem {
    path: PathBuf,
    errno: Errno,
}

/// Whether the system says that there is nothing of that name.
pub(super) fn is_missing(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP
    )
}

impl TreeProblem {
    pub(super) fn new(path: &Path, errno: Errno) -> TreeProblem {
        TreeProblem {
            path: path.to_owned(),
            errno,
        }
    }

    /// What was looked at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing is there: so it is only with the tree itself.
    pub fn is_absent(&self) -> bool {
        is_missing(self.errno)
    }

    /// One line for people: path, user, cause, remedy. It looks again, to say which directory is
    /// closed.
    pub fn text(&self) -> String {
        let path = self.path.display();
        let cause = std::io::Error::from(self.errno);
        let user = user_name();
        let remedy = self.remedy(&user);
        format!("cannot look at {path} as user {user}: {cause}; {remedy}")
    }

    fn remedy(&self, user: &str) -> String {
        match self.errno {
            Errno::ACCESS | Errno::PERM => match closed(&self.path) {
                Some(closed) => format!(
                    "let {user} read and search it and all on the way to it, {} for one, by mode, \
                     group or ACL",
                    closed.display()
                ),
                None => format!("let {user} read and search it and all on the way to it"),
            },
            Errno::MFILE => "raise LimitNOFILE= of the service".to_owned(),
            Errno::NFILE => "raise fs.file-max of the system".to_owned(),
            Errno::NOMEM => "the system is out of memory, or MemoryMax= is too low".to_owned(),
            Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::NOTCONN => {
                "look after the network file system, and mount it anew".to_owned()
            }
            errno if is_missing(errno) => {
                "mount its disk, correct `tree` in the configuration, or show it to the service \
                 (BindReadOnlyPaths= of its unit)"
                    .to_owned()
            }
            _ => "look after the disk; the kernel's log says more".to_owned(),
        }
    }
}

/// The first on the way to a path, or the path itself, that is closed to us.
fn closed(path: &Path) -> Option<&Path> {
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS);
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let closed = folders
        .into_iter()
        .find(|folder| may(folder, Access::EXEC_OK) == Err(Errno::ACCESS));
    closed.or_else(|| (may(path, Access::READ_OK) == Err(Errno::ACCESS)).then_some(path))
}

/// The name of the user that this process acts as.
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
    let named = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    known
        .or_else(named)
        .unwrap_or_else(|| format!("with the number {uid}"))
}

/// Ten thousand users; a file that is longer names nobody.
const PASSWD_BYTES_MAX: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_path_user_cause_and_remedy() {
        for (errno, remedy) in [
            (Errno::ACCESS, "let "),
            (Errno::MFILE, "LimitNOFILE="),
            (Errno::STALE, "mount it anew"),
            (Errno::IO, "look after the disk"),
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
