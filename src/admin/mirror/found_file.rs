//! Finds the files of the catalogue that a path or pattern means.

use crate::admin::error::AdminError;
use crate::db::catalogue;
use crate::db::open::Queryable;
use crate::domain::file::FileId;
use crate::domain::path::FilePath;

/// The file of that path, or the files that the pattern fits, in the order of paths.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if there is none, and [`AdminError::Db`] if the catalogue cannot
/// be read.
pub fn found_files(
    database: &impl Queryable,
    written: &[u8],
) -> Result<Vec<(Vec<u8>, FileId)>, AdminError> {
    let wanted = written.strip_prefix(b"/").unwrap_or(written);
    let mut files = Vec::new();
    if let Ok(path) = FilePath::parse(wanted)
        && let Some(file) = catalogue::find(database, path.as_bytes())?
    {
        files.push((path.as_bytes().to_vec(), file.id));
    } else if is_pattern(wanted) {
        catalogue::for_each(database, b"", |path, file| {
            if fits(wanted, path) {
                files.push((path.to_vec(), file.id));
            }
        })?;
    }
    if files.is_empty() {
        return Err(AdminError::Nothing(format!(
            "the catalogue has no file '{}'; `heliostat index` learns new files, and \
             `heliostat explain` follows links",
            written.escape_ascii()
        )));
    }
    Ok(files)
}

fn is_wild(byte: u8) -> bool {
    byte == b'*' || byte == b'%'
}

/// Whether a path has wildcards.
pub fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|&byte| is_wild(byte))
}

/// Whether the whole path fits; `*` and `%` stand for any bytes, also slashes. Only the last of
/// them is ever tried again, so the time is bounded by the product of the lengths.
pub fn fits(pattern: &[u8], path: &[u8]) -> bool {
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
