//! Finds users of this system, and looks at files with a user's rights.
//!
//! Linux keeps users and groups per thread. So a look happens on a thread of its own that takes the
//! user's numbers for good, and ends: the kernel itself answers, with modes, ACLs and mounts, and
//! the rest of the process stays who it is. Only root may do so.

use std::io;
use std::path::Path;
use std::process::Command;

use rustix::process::{geteuid, getuid};
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Enough for ten thousand users; a longer file is not read.
const NAMES_BYTES_MAX: u64 = 1024 * 1024;

/// A user of this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalUser {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// Numbers of the groups, the main one first.
    pub groups: Vec<u32>,
}

impl LocalUser {
    /// The user of that name; `None`: there is none. The program `id` knows users of directory
    /// services, too.
    ///
    /// # Errors
    /// Returns an error if `id` cannot be run.
    pub fn find(name: &str) -> io::Result<Option<LocalUser>> {
        let Some(uid) = numbers(&["-u", "--", name])?.and_then(|found| found.first().copied())
        else {
            return Ok(None);
        };
        let groups = numbers(&["-G", "--", name])?.unwrap_or_default();
        Ok((!groups.is_empty()).then(|| LocalUser {
            name: name.to_owned(),
            uid,
            groups,
        }))
    }

    /// Whether this process can look with the user's rights: it is root, or that user itself.
    pub fn can_be_played(&self) -> bool {
        geteuid().is_root() || getuid().as_raw() == self.uid
    }

    /// Looks with the user's rights.
    ///
    /// # Errors
    /// Returns an error if the system does not let this process be that user.
    pub fn look<T: Send>(&self, look: impl FnOnce() -> T + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, || {
                self.become_user()?;
                Ok(look())
            });
            let ended = thread?.join();
            ended.unwrap_or_else(|_| Err(io::Error::other("the look ended early")))
        })
    }

    /// For this thread alone, and for good.
    fn become_user(&self) -> io::Result<()> {
        if !geteuid().is_root() {
            return match getuid().as_raw() == self.uid {
                true => Ok(()),
                false => Err(io::ErrorKind::PermissionDenied.into()),
            };
        }
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        let (uid, gid) = (Uid::from_raw(self.uid), groups[0]);
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        // Last: it takes the right to do the others.
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

/// Reads the numbers that `id` prints. Absent if it knows no such user.
fn numbers(arguments: &[&str]) -> io::Result<Option<Vec<u32>>> {
    let output = Command::new("id").args(arguments).output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.split_whitespace().map(str::parse).collect();
    Ok(Result::ok(numbers))
}

/// The name of the user with that number, or the number.
pub fn owner_name(uid: u32) -> String {
    name_in(Path::new("/etc/passwd"), uid)
}

/// The name of the group with that number, or the number.
pub fn group_name(gid: u32) -> String {
    name_in(Path::new("/etc/group"), gid)
}

fn name_in(file: &Path, number: u32) -> String {
    let text = crate::regular_file::read_text(file, NAMES_BYTES_MAX).unwrap_or_default();
    let number = number.to_string();
    let known = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    known.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_look_has_the_rights_of_the_user_and_changes_nobody_else() {
        let me = owner_name(getuid().as_raw());
        let me = LocalUser::find(&me).expect("id runs").expect("I am there");
        assert_eq!(me.look(|| 7).expect("myself"), 7);
        assert_eq!(LocalUser::find("no-such-user-here").expect("id runs"), None);
        let nobody = LocalUser::find("nobody").expect("id runs");
        let nobody = nobody.expect("every system has nobody");
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("mine");
        std::fs::write(&file, "x").expect("a file");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))
            .expect("mode");
        let found = nobody.look(|| std::fs::read(&file));
        if geteuid().is_root() {
            let error = found.expect("root may").expect_err("closed");
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        } else {
            assert!(found.is_err() && !nobody.can_be_played());
        }
        assert!(std::fs::read(&file).is_ok());
    }
}
