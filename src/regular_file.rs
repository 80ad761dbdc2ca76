//! Opens files that somebody may have replaced by something else: regular files only, without
//! waiting, up to a size.
//!
//! Opening a FIFO waits for a writer, and reading a terminal or `/dev/zero` never ends. A program
//! that must not stop opens whatever it was told to read through here.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading; links are followed.
///
/// # Errors
/// What the system says, or that it is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Without `NONBLOCK` a FIFO is waited for, and a terminal may become ours without `NOCTTY`.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file to its end.
///
/// # Errors
/// As [`open`], or that the file has more than `bytes_max` bytes.
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

/// Reads a regular file of text to its end.
///
/// # Errors
/// As [`read`], or that it is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    String::from_utf8(read(path, bytes_max)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Refuses a path that names something else, for whoever opens it by other means; a path that
/// names nothing passes.
///
/// # Errors
/// That it is no regular file, or what the system says.
pub fn check_if_there(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) => check(&metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn check(metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let message = "it is no regular file; put one in its place";
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
        let error = read(&path("file"), 4).expect_err("too long").to_string();
        assert!(error.contains("more than 4 bytes"), "{error}");
        for other in [&fifo, &path("."), Path::new("/dev/zero")] {
            let error = read(other, 5).expect_err("no file").to_string();
            assert!(error.contains("no regular file"), "{other:?}: {error}");
            check_if_there(other).expect_err("no file");
        }
        check_if_there(&path("file")).expect("a file");
        check_if_there(&path("nothing")).expect("nothing there");
    }
}
