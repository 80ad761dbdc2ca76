//! Reads one directory: its names, and the versions of its files.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, RawDir, statat};
use rustix::io::Errno;

use super::listing::ListingWriter;
use crate::domain::file::FileVersion;
use crate::domain::path::PATH_BYTES_MAX;
use crate::domain::pattern::Pattern;
use crate::domain::trace::is_ours;

/// Length in bytes of the names that one system call returns: about a thousand names.
const READ_BYTES: usize = 64 * 1024;

/// Number of files that are examined between two checks of the stop flag.
const FILES_PER_STOP_CHECK: usize = 1024;

/// The names to leave out, and when to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter<'a> {
    /// Patterns of names that are treated as if they did not exist.
    pub exclude: &'a [Pattern],
    /// Ends the reading early; the result is then of no use.
    pub stop: &'a AtomicBool,
}

/// Reads directories one after the other into buffers that it keeps.
pub(super) struct DirectoryReader {
    buffer: Box<[MaybeUninit<u8>]>,
    /// Names, each with one more byte: NUL, or a slash once it is known to be a directory.
    names: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    start: usize,
    length: usize,
    inode: u64,
    kind: EntryKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    /// Not examined yet: a file, or of unknown type.
    New,
    File(FileVersion),
    Directory,
    Unreadable,
    /// The same name as a directory, whose files must stay in the catalogue too.
    UnreadableBelow,
    /// Vanished, or of a type that is never catalogued.
    Nothing,
}

/// The result of reading one directory.
#[derive(Default)]
pub(super) struct ReadDirectory {
    /// Its entries.
    pub listing: ListingWriter,
    /// Names of its subdirectories in the listing's order, without the slash.
    pub subdirectories: Vec<Vec<u8>>,
}

impl DirectoryReader {
    pub fn new() -> DirectoryReader {
        DirectoryReader {
            buffer: vec![MaybeUninit::uninit(); READ_BYTES].into_boxed_slice(),
            names: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Reads `directory`, whose path is `path_length` bytes long. `unreadable` is called with each
    /// name that could not be examined, and the reason.
    ///
    /// # Errors
    /// Returns the error if the directory as a whole cannot be read or searched.
    pub fn read(
        &mut self,
        directory: &OwnedFd,
        path_length: usize,
        filter: Filter<'_>,
        unreadable: &dyn Fn(&[u8], &str),
    ) -> Result<ReadDirectory, Errno> {
        self.read_names(directory, path_length == 0, filter.exclude)?;
        self.examine(directory, filter.stop, unreadable)?;
        self.sort_names();
        self.drop_too_long(path_length, unreadable);
        Ok(self.write())
    }

    fn read_names(
        &mut self,
        directory: &OwnedFd,
        is_top: bool,
        exclude: &[Pattern],
    ) -> Result<(), Errno> {
        self.names.clear();
        self.entries.clear();
        let mut stream = RawDir::new(directory, &mut self.buffer);
        while let Some(entry) = stream.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let kind = match entry.file_type() {
                FileType::RegularFile | FileType::Unknown => EntryKind::New,
                FileType::Directory => EntryKind::Directory,
                _ => continue,
            };
            if matches!(name, b"." | b"..") || exclude.iter().any(|mask| mask.matches(name)) {
                continue;
            }
            if is_top && is_ours(name) {
                continue;
            }
            self.entries.push(Entry {
                start: self.names.len(),
                length: name.len(),
                inode: entry.ino(),
                kind,
            });
            self.names.extend_from_slice(name);
            self.names.push(0);
        }
        Ok(())
    }

    /// Finds out the type and version of the new entries.
    fn examine(
        &mut self,
        directory: &OwnedFd,
        stop: &AtomicBool,
        unreadable: &dyn Fn(&[u8], &str),
    ) -> Result<(), Errno> {
        // In the order of inodes, because that is their order on the disk.
        self.entries.sort_unstable_by_key(|entry| entry.inode);
        let mut failed = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.kind != EntryKind::New {
                continue;
            }
            if index % FILES_PER_STOP_CHECK == 0 && stop.load(Ordering::Relaxed) {
                break;
            }
            let end = entry.start + entry.length;
            let name = CStr::from_bytes_with_nul(&self.names[entry.start..=end])
                .expect("a name has its NUL at the end only");
            entry.kind = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => EntryKind::File(FileVersion {
                        size: u64::try_from(stat.st_size).unwrap_or(0),
                        mtime: stat.st_mtime,
                    }),
                    FileType::Directory => EntryKind::Directory,
                    _ => EntryKind::Nothing,
                },
                Err(Errno::NOENT) => EntryKind::Nothing,
                // The directory may be read but not searched, so none of its files can be examined.
                Err(Errno::ACCESS) => return Err(Errno::ACCESS),
                Err(errno) => {
                    unreadable(name.to_bytes(), &io::Error::from(errno).to_string());
                    failed.push(name.to_owned());
                    EntryKind::Unreadable
                }
            };
        }
        for name in failed {
            self.entries.push(Entry {
                start: self.names.len(),
                length: name.count_bytes(),
                inode: 0,
                kind: EntryKind::UnreadableBelow,
            });
            self.names.extend_from_slice(name.to_bytes_with_nul());
        }
        Ok(())
    }

    /// Appends the slash to directories and sorts. A name that was read twice, because of a rename
    /// in between, is kept once.
    fn sort_names(&mut self) {
        self.entries
            .retain(|entry| entry.kind != EntryKind::Nothing);
        for entry in &mut self.entries {
            if matches!(
                entry.kind,
                EntryKind::Directory | EntryKind::UnreadableBelow
            ) {
                self.names[entry.start + entry.length] = b'/';
                entry.length += 1;
            }
        }
        let names = &self.names;
        let name = |entry: &Entry| &names[entry.start..entry.start + entry.length];
        self.entries.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        self.entries.dedup_by(|a, b| name(a) == name(b));
    }

    fn drop_too_long(&mut self, path_length: usize, unreadable: &dyn Fn(&[u8], &str)) {
        let names = &self.names;
        self.entries.retain(|entry| {
            let fits = path_length + 1 + entry.length <= PATH_BYTES_MAX;
            if !fits {
                let name = &names[entry.start..entry.start + entry.length];
                unreadable(name, &format!("path longer than {PATH_BYTES_MAX} bytes"));
            }
            fits
        });
    }

    fn write(&self) -> ReadDirectory {
        let mut read = ReadDirectory::default();
        for entry in &self.entries {
            let name = &self.names[entry.start..entry.start + entry.length];
            match entry.kind {
                EntryKind::File(version) => read.listing.file(name, version),
                EntryKind::Directory => {
                    read.listing.directory(name);
                    read.subdirectories.push(name[..name.len() - 1].to_vec());
                }
                EntryKind::Unreadable => read.listing.unreadable(name),
                EntryKind::UnreadableBelow => read.listing.unreadable_below(name),
                EntryKind::New | EntryKind::Nothing => {}
            }
        }
        read
    }
}
