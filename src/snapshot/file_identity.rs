//! Tells which file a path names now, so that a file that was replaced is noticed.

use std::path::Path;

use crate::db::DbError;
use crate::db::open::{Reader, open_reader};

/// How often a file is opened that is replaced meanwhile.
const OPEN_TRIES: usize = 5;

/// Identifies the file at a path: another inode is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of no file, for a snapshot without a database.
    pub(super) const NONE: FileIdentity = FileIdentity {
        device: 0,
        inode: 0,
    };

    /// The identity of the file that the path names now.
    ///
    /// # Errors
    /// Returns [`DbError::Missing`] if there is no file, and [`DbError::Unseen`] if the file system
    /// gives no answer.
    pub fn of(path: &Path) -> Result<FileIdentity, DbError> {
        Ok(look(path)?.0)
    }
}

/// The identity and size of the file that the path names now.
pub(super) fn look(path: &Path) -> Result<(FileIdentity, u64), DbError> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => DbError::Missing { path },
            _ => DbError::Unseen { path, source },
        }
    })?;
    let identity = FileIdentity {
        device: file.dev(),
        inode: file.ino(),
    };
    Ok((identity, file.len()))
}

/// Opens a file that may be replaced meanwhile, and tells which one it is.
pub(super) fn open_same(path: &Path) -> Result<(Reader, FileIdentity), DbError> {
    for _ in 0..OPEN_TRIES {
        let before = FileIdentity::of(path)?;
        let reader = open_reader(path)?;
        if FileIdentity::of(path)? == before {
            return Ok((reader, before));
        }
    }
    Err(DbError::Missing {
        path: path.to_owned(),
    })
}
