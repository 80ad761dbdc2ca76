//! Paths of files relative to the tree, kept byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Longest path in bytes: PATH_MAX of Linux; MirrorBrain's column held 512 characters.
pub const PATH_BYTES_MAX: usize = 4096;

/// Canonical path of a file below the tree.
///
/// Never empty, no leading or trailing slash, no empty, `.` or `..` component, no NUL byte, at most
/// [`PATH_BYTES_MAX`] bytes. The bytes are those of the file system, in whatever encoding. Clones
/// share them, because each step of a request keeps the path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Arc<[u8]>);

/// Why bytes are not a path below the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No component is left: the path is the tree itself.
    #[error("it names the tree itself, not a file")]
    Empty,
    /// A `..` component that leads out of the tree.
    #[error("it leaves the tree by '..'")]
    LeavesTree,
    /// A NUL byte, which file names cannot contain.
    #[error("it has a NUL byte")]
    Nul,
    /// Longer than [`PATH_BYTES_MAX`].
    #[error("it is longer than {PATH_BYTES_MAX} bytes")]
    TooLong,
}

impl FilePath {
    /// Reads a path as a web server, a listing or the file system gives it. Drops extra slashes and
    /// `.` components, and resolves `..` as long as the path stays below the tree.
    ///
    /// # Errors
    /// Returns [`PathError`] if the bytes are not a path below the tree.
    pub fn parse(bytes: &[u8]) -> Result<FilePath, PathError> {
        FilePath::clean(bytes).map(|path| FilePath(path.into()))
    }

    /// The bytes of the path that [`FilePath::parse`] reads, copied only if something has to be
    /// taken out.
    ///
    /// # Errors
    /// See [`FilePath::parse`].
    pub fn clean(bytes: &[u8]) -> Result<Cow<'_, [u8]>, PathError> {
        if bytes.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul);
        }
        if let Some(clean) = already_clean(bytes) {
            return Ok(Cow::Borrowed(clean));
        }
        let mut clean: Vec<u8> = Vec::with_capacity(bytes.len());
        for component in bytes.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => {
                    if clean.is_empty() {
                        return Err(PathError::LeavesTree);
                    }
                    let parent = clean.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                    clean.truncate(parent);
                }
                name => {
                    if !clean.is_empty() {
                        clean.push(b'/');
                    }
                    clean.extend_from_slice(name);
                }
            }
        }
        if clean.is_empty() {
            Err(PathError::Empty)
        } else {
            Ok(Cow::Owned(clean))
        }
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last component.
    pub fn name(&self) -> &[u8] {
        self.0
            .rsplit(|&byte| byte == b'/')
            .next()
            .unwrap_or(&self.0)
    }

    /// Whether the path is `directory` or lies below it; the empty directory is the tree.
    pub fn is_below(&self, directory: &[u8]) -> bool {
        is_below(&self.0, directory)
    }
}

/// The path itself, where nothing has to be taken out but a slash before it: most paths. Names that
/// begin with a dot are not looked at closely.
fn already_clean(bytes: &[u8]) -> Option<&[u8]> {
    let path = bytes.strip_prefix(b"/").unwrap_or(bytes);
    let is_plain = !matches!(path, [] | [b'.' | b'/', ..] | [.., b'/']);
    // Without an early end the loop takes many bytes at a time.
    let is_odd = |(one, next): (&u8, &u8)| (*one == b'/') & ((*next == b'/') | (*next == b'.'));
    let pairs = path.iter().zip(path.get(1..).unwrap_or_default());
    (is_plain && !pairs.fold(false, |any, pair| any | is_odd(pair))).then_some(path)
}

/// Whether `path` is `directory` or lies below it; the empty directory is the tree itself.
pub fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_normalised_and_never_leave_the_tree() {
        type Case<'a> = (&'a [u8], Result<&'a [u8], PathError>);
        let cases: &[Case<'_>] = &[
            (b"/a/b.iso", Ok(b"a/b.iso")),
            (b"a//b/./c", Ok(b"a/b/c")),
            (b"a/b/../c", Ok(b"a/c")),
            (b"a/../b", Ok(b"b")),
            (b"../a", Err(PathError::LeavesTree)),
            (b"a/../../b", Err(PathError::LeavesTree)),
            (b"", Err(PathError::Empty)),
            (b"/./", Err(PathError::Empty)),
            (b"a\0b", Err(PathError::Nul)),
            (b"..", Err(PathError::LeavesTree)),
            (b".a/.b/..c/d.", Ok(b".a/.b/..c/d.")),
            (b"/a/", Ok(b"a")),
            (b"a/b\xff\n?", Ok(b"a/b\xff\n?")),
        ];
        for (input, expected) in cases {
            let found = FilePath::parse(input);
            assert_eq!(
                found.as_ref().map(FilePath::as_bytes).map_err(|e| *e),
                *expected
            );
        }
        assert_eq!(
            FilePath::parse(&[b'a'; PATH_BYTES_MAX + 1]),
            Err(PathError::TooLong)
        );
    }

    #[test]
    fn below_is_by_component() {
        for (path, directory, expected) in [
            ("a/b", "a", true),
            ("a", "a", true),
            ("ab", "a", false),
            ("a/b", "", true),
            ("a/b", "a/b/c", false),
        ] {
            assert_eq!(
                is_below(path.as_bytes(), directory.as_bytes()),
                expected,
                "{path}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent_and_keeps_below(bytes in prop::collection::vec(
            prop_oneof![Just(b'/'), Just(b'.'), any::<u8>()], 0..64)) {
            let with_more = [b"./", &bytes[..]].concat();
            prop_assert_eq!(FilePath::parse(&bytes), FilePath::parse(&with_more));
            if let Ok(path) = FilePath::parse(&bytes) {
                prop_assert_eq!(FilePath::parse(path.as_bytes()), Ok(path.clone()));
                let canonical = path.as_bytes().split(|&b| b == b'/').all(|component| {
                    !component.is_empty() && component != b"." && component != b".."
                });
                prop_assert!(canonical);
            }
        }
    }
}
