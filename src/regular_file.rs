//! Opens files that somebody may have replaced by something else: only regular files, without
//! waiting, up to a size.
//!
//! Opening a FIFO waits for a writer, and reading a terminal or `/dev/zero` never ends. So a
//! program that must not hang opens every configured file by these functions.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading; follows links.
///
/// # Errors
/// Returns the error of the system, or `InvalidInput` if the path is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Without `NONBLOCK`, opening a FIFO waits; without `NOCTTY`, a terminal may become ours.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Opens a regular file of ours for writing, as it is; never through a link.
///
/// # Security
/// Who may write in the folder could lay a link there, through which another user's program would
/// empty a file elsewhere.
///
/// # Errors
/// Returns the error of the system, or `InvalidInput` if the path is not a regular file.
pub fn open_own(path: &Path) -> io::Result<File> {
    let found = std::fs::symlink_metadata(path)?;
    if found.is_symlink() {
        let message = "it is a link; remove it";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    check(&found)?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(flags)
        .open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file to its end.
///
/// # Errors
/// Returns an error as [`open`] does, or `FileTooLarge` if the file has more than `bytes_max`
/// bytes.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let expected = file.metadata()?.len().min(bytes_max);
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut content)?;
    if content.len() as u64 > bytes_max {
        let message = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(content)
}

/// Reads a regular text file to its end.
///
/// # Errors
/// Returns an error as [`read`] does, or `InvalidData` if the text is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    String::from_utf8(read(path, bytes_max)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Refuses a path that exists and is not a regular file, for callers that open it by other means.
///
/// # Errors
/// Returns `InvalidInput` if the path is not a regular file, or the error of the system.
pub fn check_if_there(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) => check(&metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file's kind in words. A path that is still a link after links were followed leads nowhere.
pub fn kind_of(file_type: FileType) -> &'static str {
    if file_type.is_file() {
        "a regular file"
    } else if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else if file_type.is_symlink() {
        "a link to nothing"
    } else {
        "a device"
    }
}

fn check(metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = kind_of(metadata.file_type());
    let message = format!("it is not a regular file but {kind}; put one in its place");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), b"12345").expect("a file");
        std::os::unix::fs::symlink("file", path("link")).expect("a link");
        let fifo = path("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .expect("a FIFO");
        assert_eq!(read(&path("link"), 5).expect("read"), b"12345");
        assert_eq!(read_text(&path("file"), 5).expect("read"), "12345");
        open_own(&path("file")).expect("opened");
        for other in ["link", "fifo", "."] {
            open_own(&path(other)).expect_err("no file of its own");
        }
        let error = read(&path("file"), 4).expect_err("too long").to_string();
        assert!(error.contains("more than 4 bytes"), "{error}");
        for (other, kind) in [
            (&*fifo, "a FIFO"),
            (&*path("."), "a folder"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read(other, 5).expect_err("no file").to_string();
            let expected = format!("it is not a regular file but {kind}; put one in its place");
            assert_eq!(error, expected, "{other:?}");
            check_if_there(other).expect_err("no file");
        }
        check_if_there(&path("file")).expect("a file");
        check_if_there(&path("nothing")).expect("nothing there");
    }
}
