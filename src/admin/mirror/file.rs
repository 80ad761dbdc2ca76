//! Runs `file ls`: shows which mirrors have a file.

use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::admin::args::{FileAction, FileArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::content::{self, Content};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::{Reader, catalogue};
use crate::domain::escape::visible_line;
use crate::domain::file::FileId;
use crate::domain::path::FilePath;
use crate::domain::url::{BaseUrl, EncodedPath, without_login};
use crate::program::exit::Exit;

/// What a mirror has.
struct FileHolder {
    mirror: MirrorRecord,
    content: Content,
}

/// Shows which mirrors have a file, or the files that a pattern fits.
///
/// # Errors
/// [`AdminError::Nothing`] when the catalogue has no such file; [`AdminError::Lookup`],
/// [`AdminError::Db`].
pub fn file(session: &mut Session, args: &FileArgs) -> Result<Exit, AdminError> {
    match args.action {
        FileAction::Ls => ls(session, args),
    }
}

fn ls(session: &mut Session, args: &FileArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let holders = holders(&reader, args.mirror.as_deref())?;
    let written = args.path.as_bytes();
    let wanted = written.strip_prefix(b"/").unwrap_or(written);
    let mut listing = FileListing {
        session,
        args,
        json: Vec::new(),
    };
    let exact = match FilePath::parse(wanted) {
        Ok(path) => catalogue::find(&reader, path.as_bytes())?.map(|file| (path, file.id)),
        Err(_) => None,
    };
    let found = match exact {
        Some((path, id)) => {
            let path = path.as_bytes();
            vec![(path.to_vec(), listing.add(&holders, (path, id), false)?)]
        }
        None if is_pattern(wanted) => ls_pattern(&mut listing, (&reader, &holders), wanted)?,
        None => Vec::new(),
    };
    listing.end(!found.is_empty())?;
    let shown = written.escape_ascii();
    match found.as_slice() {
        [] => Err(AdminError::Nothing(format!(
            "the catalogue has no file '{shown}'; `heliostat index` learns new files, and \
             `heliostat explain` follows links"
        ))),
        [(_, 0)] => {
            log::warn!("no mirror has '{shown}'");
            Ok(Exit::Ok)
        }
        _ => Ok(Exit::Ok),
    }
}

/// Lists every file that fits; returns each with the number of its lines.
fn ls_pattern(
    listing: &mut FileListing<'_>,
    (reader, holders): (&Reader, &[FileHolder]),
    pattern: &[u8],
) -> Result<Vec<(Vec<u8>, usize)>, AdminError> {
    let mut files = Vec::new();
    catalogue::for_each(reader, b"", |path, file| {
        if fits(pattern, path) {
            files.push((path.to_vec(), file.id));
        }
    })?;
    let mut found = Vec::new();
    for (path, id) in files {
        let lines = listing.add(holders, (&path, id), true)?;
        found.push((path, lines));
    }
    Ok(found)
}

/// Where the files go: line by line for people, as one value for programs.
struct FileListing<'a> {
    session: &'a mut Session,
    args: &'a FileArgs,
    json: Vec<Value>,
}

impl FileListing<'_> {
    /// Adds a file; returns how many mirrors have it.
    fn add(
        &mut self,
        holders: &[FileHolder],
        (path, id): (&[u8], FileId),
        several: bool,
    ) -> Result<usize, AdminError> {
        let found = having(holders, id);
        for (holder, is_outdated) in &found {
            if self.args.json {
                self.json.push(json(holder, path, *is_outdated));
                continue;
            }
            let last = shown(self.args, holder, path, several);
            self.session
                .console
                .line(row(holder, *is_outdated, &last))?;
        }
        Ok(found.len())
    }

    /// Prints what is left; no list of a file that there is not.
    fn end(self, is_found: bool) -> Result<(), AdminError> {
        if self.args.json && is_found {
            self.session.console.json(&Value::Array(self.json))?;
        }
        Ok(())
    }
}

/// The mirrors that have a file, then those with another version of it.
fn having(holders: &[FileHolder], id: FileId) -> Vec<(&FileHolder, bool)> {
    let current = holders.iter().filter(|h| h.content.current.contains(id.0));
    let outdated = holders.iter().filter(|h| h.content.outdated.contains(id.0));
    let current = current.map(|holder| (holder, false));
    current
        .chain(outdated.map(|holder| (holder, true)))
        .collect()
}

fn json(holder: &FileHolder, path: &[u8], is_outdated: bool) -> Value {
    let mirror = &holder.mirror;
    json!({
        "path": String::from_utf8_lossy(path),
        "mirror": mirror.identifier,
        "region": mirror.region,
        "country": mirror.country,
        "score": mirror.score,
        "enabled": mirror.enabled,
        "alive": mirror.alive,
        "outdated": is_outdated,
        "url": url(holder, path),
    })
}

/// The mirrors with what they have, in `mb`'s order: region, country, then the higher score.
fn holders(database: &impl Queryable, only: Option<&str>) -> Result<Vec<FileHolder>, AdminError> {
    let mut mirrors = match only {
        Some(wanted) => vec![find_mirror(database, wanted)?],
        None => mirror::all(database)?,
    };
    mirrors.sort_by(|a, b| {
        let key = |m: &MirrorRecord| (m.region.clone(), m.country.clone(), -m.score);
        key(a).cmp(&key(b)).then(a.identifier.cmp(&b.identifier))
    });
    let mut holders = Vec::new();
    for mirror in mirrors {
        if let Some(published) = content::load(database, mirror.id)? {
            holders.push(FileHolder {
                mirror,
                content: published.content,
            });
        }
    }
    Ok(holders)
}

/// The URL of a file at a mirror; empty when the mirror has none for clients.
fn url(holder: &FileHolder, path: &[u8]) -> String {
    let mut url = Vec::new();
    if let Ok(base) = BaseUrl::parse(&without_login(&holder.mirror.base_url)) {
        base.file_url_into(&mut url, &EncodedPath::new(path, std::iter::once(&base)));
    }
    String::from_utf8_lossy(&url).into_owned()
}

/// What stands in the last column: the URL, or the file when there are several.
fn shown(args: &FileArgs, holder: &FileHolder, path: &[u8], several: bool) -> String {
    match (args.url, several) {
        (true, _) => url(holder, path),
        (false, true) => visible_line(path),
        (false, false) => String::new(),
    }
}

fn row(holder: &FileHolder, is_outdated: bool, last: &str) -> String {
    let mirror = &holder.mirror;
    let text = format!(
        "{:<2} {:<2} {:>4} {:<8} {:<4} {:<30} {last}",
        mirror.region,
        mirror.country,
        mirror.score,
        if mirror.enabled { "ok" } else { "disabled" },
        if mirror.alive { "ok" } else { "dead" },
        mirror.identifier,
    );
    let state = if is_outdated { "outdated" } else { "" };
    format!("{} {state}", text.trim_end()).trim_end().to_owned()
}

fn is_wild(byte: u8) -> bool {
    byte == b'*' || byte == b'%'
}

fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|&byte| is_wild(byte))
}

/// Whether the whole path fits; `*` and `%` stand for any bytes, also slashes. Only the last of
/// them is ever tried again, so the time is bounded by the product of the lengths.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < path.len() {
        match pattern.get(p) {
            Some(&byte) if is_wild(byte) => {
                p += 1;
                retry = Some((p, t));
            }
            Some(&byte) if byte == path[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, from)) = retry else {
                    return false;
                };
                p = after;
                t = from + 1;
                retry = Some((after, t));
            }
        }
    }
    pattern[p..].iter().all(|&byte| is_wild(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        for (pattern, path, expected) in [
            ("*.iso", "a/b/x.iso", true),
            ("%x%", "a/x.iso", true),
            ("a/*/x", "a/b/c/x", true),
            ("a/*/x", "a/x", false),
            ("*", "", true),
            ("a", "ab", false),
            ("*A", "a", false),
            ("a*b*c", "aXbXbXc", true),
            ("[x]*", "[x]y", true),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), path.as_bytes()),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
