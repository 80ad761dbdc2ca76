//! Opens one file of the tree to read exactly one version of it.
//!
//! A file may be written while it is read. What was read is of one version only if size, time
//! (with its nanoseconds) and time of status are the same before and after; [`OpenFile::is_same`]
//! tells.

use std::fs::File;
use std::io;

use rustix::fs::{Advice, FileType, Mode, OFlags, ResolveFlags, Stat, fadvise, fstat};
use rustix::fs::{openat, openat2};

use super::walk::Root;
use crate::domain::file::FileVersion;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, a link, a device.
    #[error("it is no regular file any more")]
    Kind,
}

/// A file that is being read.
#[derive(Debug)]
pub struct OpenFile {
    /// To read from.
    pub file: File,
    begin: Stat,
}

impl Root {
    /// Opens a file by its path below the tree, without following links.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_file(&self, path: &[u8]) -> Result<OpenFile, OpenError> {
        // A FIFO that took the file's place must not be waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = if self.refuses_links {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            openat2(&self.directory, path, flags, Mode::empty(), resolve)
        } else {
            openat(&self.directory, path, flags, Mode::empty())
        };
        let file = file.map_err(io::Error::from)?;
        let begin = fstat(&file).map_err(io::Error::from)?;
        if FileType::from_raw_mode(begin.st_mode) != FileType::RegularFile {
            return Err(OpenError::Kind);
        }
        Ok(OpenFile {
            file: File::from(file),
            begin,
        })
    }
}

impl OpenFile {
    /// Size and time when it was opened.
    pub fn version(&self) -> FileVersion {
        FileVersion {
            size: u64::try_from(self.begin.st_size).unwrap_or(0),
            mtime: self.begin.st_mtime,
        }
    }

    /// Bytes that are zeros without being on the disk. Where the file system compresses, this is
    /// more than the holes.
    pub fn hole_bytes(&self) -> u64 {
        /// Unit of `st_blocks`, whatever the file system's is.
        const BLOCK_BYTES: u64 = 512;
        let stored = u64::try_from(self.begin.st_blocks).unwrap_or(0) * BLOCK_BYTES;
        self.version().size.saturating_sub(stored)
    }

    /// Tells the system that it will be read from beginning to end.
    pub fn expect_sequential_reading(&self) {
        // It is a hint; a file system that does not take it reads a little slower.
        let _ = fadvise(&self.file, 0, None, Advice::Sequential);
    }

    /// Whether it is still the version that was opened, and still in its directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_same(&self) -> io::Result<bool> {
        let stamp = |stat: &Stat| {
            (
                stat.st_size,
                (stat.st_mtime, stat.st_mtime_nsec),
                (stat.st_ctime, stat.st_ctime_nsec),
            )
        };
        let end = fstat(&self.file)?;
        Ok(stamp(&end) == stamp(&self.begin) && end.st_nlink > 0)
    }
}
