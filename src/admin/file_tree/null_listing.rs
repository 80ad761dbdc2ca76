//! Lists a directory or a mirror with the program `rsync`, links and permissions too.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::admin::error::AdminError;
use crate::domain::listing::rsync::unescape_into;
use crate::domain::path::FilePath;
use crate::domain::time::Timestamp;
use crate::fetch::ENTRIES_MAX;

/// The form of `rsync`'s line per entry: changes, permissions, size, time, and behind them the
/// name, a tab and the target of a link. A tab in a name is written as `\#011`.
const OUT_FORMAT: &str = "--out-format=%i %B %l %M %n\t%L";

/// Stands before the target of a link.
const ARROW: &[u8] = b" -> ";

/// Others may not write, whatever the mirror has.
const OTHERS_WRITE: u32 = 0o002;

/// An entry of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NullEntry {
    /// The kind of the entry.
    pub kind: NullKind,
    /// Its permissions.
    pub mode: u32,
    /// Its time of change.
    pub mtime: Timestamp,
}

/// Kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NullKind {
    /// A directory.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A symbolic link, and what it leads to.
    Link(Vec<u8>),
}

/// The entries of a folder by path, and the number of those that cannot be made: devices, odd
/// names, links that lead out of the tree.
#[derive(Debug, Default)]
pub struct NullListing {
    /// The entries; a directory comes before what is in it.
    pub entries: BTreeMap<Vec<u8>, NullEntry>,
    /// Entries that cannot be made.
    pub left_out: u64,
}

/// Lists `source` as `rsync` would transfer it.
///
/// # Errors
/// Returns [`AdminError::Refused`] if rsync does not list all of it.
pub fn list(source: &OsStr, excludes: &[OsString]) -> Result<NullListing, AdminError> {
    let nowhere = tempfile::tempdir()?;
    let mut command = Command::new("rsync");
    command.args([
        "--dry-run",
        "--no-motd",
        "--no-human-readable",
        "-rlt",
        OUT_FORMAT,
    ]);
    for pattern in excludes {
        let mut argument = OsString::from("--exclude=");
        argument.push(pattern);
        command.arg(argument);
    }
    command.arg("--").arg(source).arg(nowhere.path());
    // Times without a zone are in ours; rsync's words are looked at.
    command.env("TZ", "UTC").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let failed = |source| AdminError::Program {
        program: "rsync".to_owned(),
        source,
    };
    let mut child = command.spawn().map_err(failed)?;
    let mut listing = NullListing::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            listing.add(&line?);
            if listing.entries.len() as u64 > ENTRIES_MAX {
                break;
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    match status.success() {
        true => Ok(listing),
        false => Err(AdminError::Refused(format!(
            "nothing is changed: rsync did not list all of {}, it ended with {status}",
            source.to_string_lossy()
        ))),
    }
}

impl NullListing {
    fn add(&mut self, line: &[u8]) {
        match parse(line) {
            Some(Some((path, entry))) => {
                let above = path.iter().rposition(|&byte| byte == b'/');
                let parent = above.map(|end| self.entries.get(&path[..end]));
                let is_below = parent.is_none_or(|parent| {
                    parent.is_some_and(|parent| parent.kind == NullKind::Directory)
                });
                match is_below {
                    true => drop(self.entries.insert(path, entry)),
                    false => self.left_out += 1,
                }
            }
            Some(None) => self.left_out += 1,
            None => {}
        }
    }
}

/// An entry; nothing within for one that cannot be made, and nothing at all for another line.
fn parse(line: &[u8]) -> Option<Option<(Vec<u8>, NullEntry)>> {
    let mut fields = line.splitn(5, |&byte| byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (changes, permissions) = (text()?, text()?);
    let (size, time) = (text()?.parse().ok()?, time(text()?)?);
    let rest = fields.next()?;
    let tab = rest.iter().position(|&byte| byte == b'\t')?;
    let (name, target) = (&rest[..tab], rest[tab + 1..].strip_prefix(ARROW));
    let unescaped = |written: &[u8]| {
        let mut bytes = Vec::new();
        unescape_into(written, &mut bytes);
        bytes
    };
    let name = unescaped(name);
    let name = name.strip_suffix(b"/").unwrap_or(&name);
    if name == b"." {
        return None;
    }
    let kind = match (changes.as_bytes().get(1)?, target) {
        (b'f', _) => NullKind::File(size),
        (b'd', _) => NullKind::Directory,
        (b'L', Some(target)) => NullKind::Link(unescaped(target)),
        _ => return Some(None),
    };
    let Ok(path) = FilePath::parse(name) else {
        return Some(None);
    };
    let leads_out = matches!(&kind, NullKind::Link(target) if leads_out(path.as_bytes(), target));
    if leads_out {
        return Some(None);
    }
    let entry = NullEntry {
        kind,
        mode: mode(permissions) & !OTHERS_WRITE,
        mtime: time,
    };
    Some(Some((path.as_bytes().to_vec(), entry)))
}

/// Whether a link at `path` leads out of the tree, by its words alone.
fn leads_out(path: &[u8], target: &[u8]) -> bool {
    let mut depth = path.iter().filter(|&&byte| byte == b'/').count();
    if target.starts_with(b"/") {
        return true;
    }
    for part in target.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// `rw-r--r--`.
fn mode(permissions: &str) -> u32 {
    permissions.bytes().take(9).fold(0, |mode, letter| {
        let is_set = !matches!(letter, b'-' | b'S' | b'T');
        mode << 1 | u32::from(is_set)
    })
}

/// `2001/09/09-01:46:40`.
fn time(text: &str) -> Option<Timestamp> {
    let display = text.replacen('/', "-", 2);
    let (date, time) = display.split_at_checked(10)?;
    Timestamp::parse(&format!("{date}T{}Z", time.strip_prefix('-')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(lines: &[&str]) -> NullListing {
        let mut listing = NullListing::default();
        lines.iter().for_each(|line| listing.add(line.as_bytes()));
        listing
    }

    #[test]
    fn entries_are_what_rsync_writes() {
        let listing = listed(&[
            "sending incremental file list",
            "cd+++++++++ rwxr-xr-x 4096 2001/09/09-01:46:40 ./\t",
            "cd+++++++++ rwxrwxrwx 4096 2001/09/09-01:46:40 dir/\t",
            ">f+++++++++ rw-rw-rw- 5000000000 2001/09/09-01:46:41 dir/a b\\#011c\t",
            "cL+++++++++ rwxrwxrwx 3 2001/09/09-01:46:40 dir/link\t -> a b\\#011c",
        ]);
        assert_eq!(listing.left_out, 0);
        let paths: Vec<_> = listing.entries.keys().map(Vec::as_slice).collect();
        assert_eq!(paths, [&b"dir"[..], b"dir/a b\tc", b"dir/link"]);
        let file = &listing.entries[&b"dir/a b\tc"[..]];
        assert_eq!(file.kind, NullKind::File(5_000_000_000));
        assert_eq!((file.mode, file.mtime), (0o664, Timestamp(1_000_000_001)));
        let link = &listing.entries[&b"dir/link"[..]];
        assert_eq!(link.kind, NullKind::Link(b"a b\tc".to_vec()));
    }

    #[test]
    fn what_would_leave_the_tree_is_left_out() {
        let at = "2001/09/09-01:46:40";
        let lines = [
            format!(">f+++++++++ rw-r--r-- 1 {at} ../x\t"),
            format!(">f+++++++++ rw-r--r-- 1 {at} /etc/x\t"),
            format!("cL+++++++++ rwxrwxrwx 1 {at} out\t -> /etc"),
            format!("cL+++++++++ rwxrwxrwx 1 {at} up\t -> a/../../b"),
            format!("cL+++++++++ rwxrwxrwx 1 {at} in\t -> a/../b"),
            format!(">f+++++++++ rw-r--r-- 1 {at} in/through\t"),
            format!("cD+++++++++ rw-r--r-- 1 {at} device\t"),
        ];
        let listing = listed(&lines.each_ref().map(String::as_str));
        assert_eq!(listing.left_out, 6);
        assert_eq!(listing.entries.len(), 1);
    }
}
