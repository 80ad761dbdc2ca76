//! Says why a user may not look at a path, and which command opens it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::shell::{text_word, word};
use crate::system::{LocalUser, group_name, owner_name};

/// The access that is needed to a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To go through a directory.
    Enter,
    /// To list a directory and go through it.
    List,
    /// To read a file.
    Read,
    /// To make files in a directory.
    Fill,
}

impl Wish {
    fn bits(self) -> u32 {
        match self {
            Wish::Enter => 1,
            Wish::List => 5,
            Wish::Read => 4,
            Wish::Fill => 7,
        }
    }

    /// As chmod and setfacl write it.
    pub fn letters(self) -> &'static str {
        match self {
            Wish::Enter => "x",
            Wish::List => "rx",
            Wish::Read => "r",
            Wish::Fill => "rwx",
        }
    }
}

/// Owner, group and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

impl Rights {
    pub fn of(file: &Metadata) -> Rights {
        Rights {
            mode: file.mode() & 0o7777,
            uid: file.uid(),
            gid: file.gid(),
        }
    }

    /// The class of a user: the letter of chmod, and the place of its bits.
    fn class(self, user: &LocalUser) -> (char, u32) {
        if user.uid == self.uid {
            ('u', 6)
        } else if user.groups.contains(&self.gid) {
            ('g', 3)
        } else {
            ('o', 0)
        }
    }

    /// Whether the mode alone allows the access; an ACL may say otherwise.
    pub fn allow(self, user: &LocalUser, wish: Wish) -> bool {
        let (_, shift) = self.class(user);
        user.uid == 0 || (self.mode >> shift) & wish.bits() == wish.bits()
    }

    /// Gives the letter of chmod for a user whom the mode shuts out. Absent if an ACL or the file
    /// system does.
    pub fn letter(self, user: &LocalUser, wish: Wish) -> Option<char> {
        (!self.allow(user, wish)).then(|| self.class(user).0)
    }

    /// Why a user is shut out.
    pub fn cause(self, user: &LocalUser, wish: Wish) -> String {
        let (owner, group) = (owner_name(self.uid), group_name(self.gid));
        let name = &user.name;
        let mode = format!(
            "its mode is {:04o}, owner {owner}, group {group}",
            self.mode
        );
        match self.letter(user, wish) {
            Some('u') => format!("{mode}, and the owner is {name}"),
            Some('g') => format!("{mode}, and {name} is in that group"),
            Some(_) => format!("{mode}, and {name} is neither"),
            None => format!("{mode}, which allows it; an ACL or the file system forbids it"),
        }
    }

    /// The command that opens a path.
    pub fn command(self, user: &LocalUser, path: &Path, wish: Wish) -> String {
        let (letters, path) = (wish.letters(), word(path));
        match self.letter(user, wish) {
            // A folder of others is opened for one user by name, not for everybody.
            Some('o') if wish == Wish::Fill => {
                format!(
                    "chown {} {path} && chmod u+{letters} {path}",
                    text_word(&user.name)
                )
            }
            Some(letter) => format!("chmod {letter}+{letters} {path}"),
            None => format!("setfacl -m u:{}:{letters} {path}", text_word(&user.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_that_counts_is_opened_and_no_other() {
        let user = LocalUser {
            name: "web".to_owned(),
            uid: 33,
            groups: vec![33, 40],
        };
        let rights = |mode, uid, gid| Rights { mode, uid, gid };
        let path = Path::new("/d");
        for (rights, expected) in [
            (rights(0o750, 1, 1), "chmod o+rx /d"),
            // The group's bits count although everybody else's would allow it.
            (rights(0o705, 1, 40), "chmod g+rx /d"),
            (rights(0o077, 33, 1), "chmod u+rx /d"),
            (rights(0o755, 1, 1), "setfacl -m u:web:rx /d"),
        ] {
            assert_eq!(rights.command(&user, path, Wish::List), expected);
        }
        assert!(rights(0o711, 1, 1).allow(&user, Wish::Enter));
        assert!(!rights(0o711, 1, 1).allow(&user, Wish::List));
    }
}
