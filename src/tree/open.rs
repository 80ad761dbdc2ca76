//! Opens one file in the tree in order to read exactly one version of it.
//!
//! A file may be written while it is read. The content is of one version only if size, modification
//! time (with nanoseconds) and status change time are the same before and after;
//! [`OpenFile::is_same`] checks that.

use std::fs::File;
use std::io;

use rustix::fs::{Advice, FileType, Mode, OFlags, ResolveFlags, Stat, fadvise, fstat};
use rustix::fs::{openat, openat2};

use super::walk::Root;
use crate::domain::file::FileVersion;

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The path is a directory, a link or a device.
    #[error("it is no longer a regular file")]
    Kind,
}

/// A file that is being read.
#[derive(Debug)]
pub struct OpenFile {
    /// The file, for reading.
    pub file: File,
    begin: Stat,
}

impl Root {
    /// Opens a file by its path below the tree, without following links.
    ///
    /// # Errors
    /// Returns [`OpenError`] if the file cannot be opened or is not a regular file.
    pub fn open_file(&self, path: &[u8]) -> Result<OpenFile, OpenError> {
        // Without this flag, opening a FIFO that replaced the file would wait for a writer.
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
    /// Size and time at the moment of opening.
    pub fn version(&self) -> FileVersion {
        FileVersion {
            size: u64::try_from(self.begin.st_size).unwrap_or(0),
            mtime: self.begin.st_mtime,
        }
    }

    /// Number of bytes that are zeros without being on the disk. If the file system compresses,
    /// this includes the bytes that it saves.
    pub fn hole_bytes(&self) -> u64 {
        /// Unit of `st_blocks`, independent of the file system.
        const BLOCK_BYTES: u64 = 512;
        let stored = u64::try_from(self.begin.st_blocks).unwrap_or(0) * BLOCK_BYTES;
        self.version().size.saturating_sub(stored)
    }

    /// Tells the system that the file will be read from start to end.
    pub fn expect_sequential_reading(&self) {
        // Only a hint: if the file system ignores it, reading is a little slower.
        let _ = fadvise(&self.file, 0, None, Advice::Sequential);
    }

    /// Whether the file is still the version that was opened, and still has a name.
    ///
    /// # Errors
    /// Returns the error of the system.
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
