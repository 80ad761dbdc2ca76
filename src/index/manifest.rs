//! Reads which files there are where this host has no tree: from a manifest, or from an rsync
//! server.
//!
//! A manifest has a line per file: path, size and time of change, with tabs between, as
//! `find -type f -printf '%P\t%s\t%T@\n'` writes them on the host that has the files.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::error::IndexError;
use crate::config::SiteConfig;
use crate::domain::file::FileVersion;
use crate::domain::listing::ListingGaps;
use crate::domain::listing::rsync::RsyncLine;
use crate::domain::path::FilePath;
use crate::domain::pattern::Pattern;
use crate::fetch::{Addresses, ListOptions, Patience, RsyncUrl, list_rsync};
use crate::program::exit::chain;

/// Bytes of a manifest: some ten million files.
const MANIFEST_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Longest time for the listing of an rsync server: a million files take ten seconds.
const RSYNC_TIME_MAX: Duration = Duration::from_secs(3600);

/// The files of a site without a tree, in the order of path bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedFiles {
    /// As people named the source.
    pub source: String,
    /// Path and version of each file.
    pub files: Vec<(Vec<u8>, FileVersion)>,
}

impl ListedFiles {
    /// Reads a manifest (`-` is standard input), or lists an rsync server.
    ///
    /// # Errors
    /// Returns [`IndexError::Listing`] if it cannot be read as a whole.
    pub fn read(
        source: &str,
        site: &SiteConfig,
        exclude: &[Pattern],
        stop: &AtomicBool,
    ) -> Result<ListedFiles, IndexError> {
        let shown = match RsyncUrl::parse(source) {
            Ok(url) => url.to_string(),
            Err(_) => source.to_owned(),
        };
        let wrong = |problem: String| IndexError::Listing {
            source_name: shown.clone(),
            problem,
        };
        let mut files = match source.starts_with("rsync://") {
            true => of_rsync(source, site, stop).map_err(wrong)?,
            false => of_manifest(&read_all(source).map_err(wrong)?).map_err(wrong)?,
        };
        let is_excluded = |path: &[u8]| {
            let mut names = path.split(|byte| *byte == b'/');
            names.any(|name| exclude.iter().any(|mask| mask.matches(name)))
        };
        files.retain(|(path, _)| !is_excluded(path));
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        check_order(&files).map_err(wrong)?;
        Ok(ListedFiles {
            source: shown,
            files,
        })
    }
}

fn read_all(source: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = match source {
        "-" => std::io::stdin()
            .take(MANIFEST_BYTES_MAX + 1)
            .read_to_end(&mut bytes),
        path => std::fs::File::open(Path::new(path))
            .and_then(|file| file.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| format!("it cannot be read ({error})"))?;
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(format!("it has more than {MANIFEST_BYTES_MAX} bytes"));
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        return Err("its last line has no end, so that it may be cut off".to_owned());
    }
    Ok(bytes)
}

fn of_manifest(text: &[u8]) -> Result<Vec<(Vec<u8>, FileVersion)>, String> {
    let mut files = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let file = of_line(line).ok_or_else(|| {
            format!(
                "line {} is not path, size and time with tabs between; write it by find -type f \
                 -printf '%P\\t%s\\t%T@\\n'",
                index + 1
            )
        })?;
        files.push(file);
    }
    Ok(files)
}

fn of_line(line: &[u8]) -> Option<(Vec<u8>, FileVersion)> {
    // A path may have tabs itself.
    let mut parts = line.rsplitn(3, |byte| *byte == b'\t');
    let (time, size, path) = (parts.next()?, parts.next()?, parts.next()?);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let whole = text(time)?.split('.').next()?;
    let path = FilePath::parse(path.strip_prefix(b"./").unwrap_or(path)).ok()?;
    let version = FileVersion {
        size: text(size)?.parse().ok()?,
        mtime: whole.parse().ok()?,
    };
    // SQLite has no larger numbers.
    let is_storable = i64::try_from(version.size).is_ok();
    is_storable.then(|| (path.as_bytes().to_vec(), version))
}

/// No path twice, and none that is a file and a directory.
fn check_order(files: &[(Vec<u8>, FileVersion)]) -> Result<(), String> {
    let shown = |path: &[u8]| path.escape_ascii().to_string();
    for pair in files.windows(2) {
        if pair[0].0 == pair[1].0 {
            return Err(format!("it has '{}' twice", shown(&pair[0].0)));
        }
    }
    for (path, _) in files {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (end, _) in ends {
            let above = &path[..end];
            if files
                .binary_search_by(|(file, _)| file[..].cmp(above))
                .is_ok()
            {
                let above = shown(above);
                return Err(format!("'{above}' is a file and a directory in it"));
            }
        }
    }
    Ok(())
}

fn of_rsync(
    source: &str,
    site: &SiteConfig,
    stop: &AtomicBool,
) -> Result<Vec<(Vec<u8>, FileVersion)>, String> {
    let url = RsyncUrl::parse(source).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    let mut unread = None;
    let addresses = Addresses::default();
    let options = ListOptions {
        patience: Patience::new(site.scan.timeout, RSYNC_TIME_MAX, stop),
        addresses: &addresses,
        filters: &[],
        start: b"",
        copies_links: false,
    };
    let listed = list_rsync(&url, options, |line, name| match line {
        RsyncLine::File(version) => match FilePath::parse(name) {
            Ok(path) => files.push((path.as_bytes().to_vec(), version)),
            Err(_) => unread = Some(name.escape_ascii().to_string()),
        },
        RsyncLine::Unreadable => unread = Some(name.escape_ascii().to_string()),
        _ => {}
    });
    let listed = listed.map_err(|error| chain(&error))?;
    if listed.unlisted != ListingGaps::Nothing {
        return Err("the server does not list all of it; ask its operator".to_owned());
    }
    match unread {
        Some(name) => Err(format!("'{name}' in its listing cannot be read")),
        None => Ok(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_find_are_read() {
        let text = b"a/b\t7\t1700000000.1234567890\nx\ty\t8\t-5.0\n\n./c\t0\t1\n";
        let version = |size, mtime| FileVersion { size, mtime };
        let expected = vec![
            (b"a/b".to_vec(), version(7, 1_700_000_000)),
            (b"x\ty".to_vec(), version(8, -5)),
            (b"c".to_vec(), version(0, 1)),
        ];
        assert_eq!(of_manifest(text), Ok(expected));
        for bad in [
            "a",
            "a\t7",
            "a\tx\t1",
            "a\t7\tnow",
            "../a\t7\t1",
            "\t7\t1",
            "a\t-1\t1",
        ] {
            let found = of_manifest(format!("b\t1\t1\n{bad}\n").as_bytes());
            let error = found.expect_err(bad);
            assert!(error.starts_with("line 2 is not"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_path_is_one_file() {
        let version = FileVersion { size: 1, mtime: 1 };
        let files = |paths: &[&str]| -> Vec<_> {
            let mut files: Vec<_> = paths
                .iter()
                .map(|path| (path.as_bytes().to_vec(), version))
                .collect();
            files.sort_by(|(one, _), (other, _)| one.cmp(other));
            files
        };
        assert_eq!(check_order(&files(&["a", "a-b", "b/c", "b/d/e"])), Ok(()));
        for (paths, expected) in [
            (&["a", "a"][..], "it has 'a' twice"),
            (&["a", "a-b", "a/b"], "'a' is a file and a directory in it"),
        ] {
            assert_eq!(check_order(&files(paths)), Err(expected.to_owned()));
        }
    }
}
