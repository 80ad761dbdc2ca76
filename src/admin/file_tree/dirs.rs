//! Runs `dirs`: shows directories of the catalogue, or which mirrors have one.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use crate::admin::args::DirsArgs;
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::{Reader, catalogue, content, mirror};
use crate::domain::escape::visible_line;
use crate::program::exit::Exit;

/// Shows the first parts of all paths, or mirrors by what they have.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read.
pub fn dirs(session: &mut Session, args: &DirsArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let found = match (&args.dir, &args.missing) {
        (Some(start), _) => holders(&reader, start.as_bytes(), true)?,
        (None, Some(start)) => holders(&reader, start.as_bytes(), false)?,
        (None, None) => heads(&reader, args)?,
    };
    if args.json {
        let found: Vec<Value> = found.into_iter().map(|line| json!(line)).collect();
        session.console.json(&Value::Array(found))?;
        return Ok(Exit::Ok);
    }
    for line in found {
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

/// The first parts of the paths, each once.
fn heads(reader: &Reader, args: &DirsArgs) -> Result<Vec<String>, AdminError> {
    let held = match &args.identifier {
        Some(wanted) => Some(content::current(reader, find_mirror(reader, wanted)?.id)?),
        None => None,
    };
    let mut heads: BTreeSet<Vec<u8>> = BTreeSet::new();
    catalogue::for_each(reader, b"", |path, file| {
        let is_held = held.as_ref().is_none_or(|held| held.contains(file.id.0));
        let head = head(path, usize::from(args.segments));
        if is_held && !heads.contains(head) {
            heads.insert(head.to_vec());
        }
    })?;
    Ok(heads.iter().map(|head| visible_line(head)).collect())
}

/// The first parts of a path.
fn head(path: &[u8], segments: usize) -> &[u8] {
    let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let end = slashes.nth(segments - 1).map(|(place, _)| place);
    &path[..end.unwrap_or(path.len())]
}

/// Names of the enabled mirrors that have, or have not, a file whose path begins so.
fn holders(reader: &Reader, start: &[u8], has: bool) -> Result<Vec<String>, AdminError> {
    let start = start.strip_prefix(b"/").unwrap_or(start);
    let mut below = RoaringBitmap::new();
    catalogue::for_each(reader, b"", |path, file| {
        if path.starts_with(start) {
            below.insert(file.id.0);
        }
    })?;
    let mut names = Vec::new();
    for mirror in mirror::all(reader)? {
        let held = content::current(reader, mirror.id)?;
        if mirror.enabled && held.is_disjoint(&below) != has {
            names.push(mirror.identifier);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_whole_parts() {
        for (path, segments, expected) in [
            ("a/b/c", 1, "a"),
            ("a/b/c", 2, "a/b"),
            ("a/b/c", 3, "a/b/c"),
            ("a/b/c", 9, "a/b/c"),
            ("a", 2, "a"),
        ] {
            assert_eq!(head(path.as_bytes(), segments), expected.as_bytes());
        }
    }
}
