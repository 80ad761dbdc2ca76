//! Makes temporary folders for tests, wherever `TMPDIR` leads.
//!
//! Real servers stand in these folders, with Unix sockets and configurations of many kinds. A
//! socket's path has at most 108 bytes, and each server has its own way to quote a space, if any.
//! So a folder lies in `TMPDIR` only where the path suits all of them. The programs under test
//! still get `TMPDIR` as it is.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes that the path of the place may have: the longest name of a socket below it needs the rest.
const PLACE_BYTES_MAX: usize = 50;

/// Where a path suits every server, if `TMPDIR` does not; every user may write there.
const PLAIN_PLACE: &str = "/tmp";

/// A new folder, removed with its owner.
pub fn temporary_folder() -> tempfile::TempDir {
    let place = place(std::env::temp_dir());
    tempfile::tempdir_in(place).expect("a temporary folder")
}

fn place(wanted: PathBuf) -> PathBuf {
    if is_plain(&wanted) {
        return wanted;
    }
    PathBuf::from(PLAIN_PLACE)
}

/// Whether no server needs to quote the path, and sockets below it have short enough names.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    path.is_absolute() && bytes.len() <= PLACE_BYTES_MAX && bytes.iter().all(plain)
}

#[test]
fn a_place_that_a_server_would_quote_is_avoided() {
    let long = format!("/tmp/{}", "x".repeat(PLACE_BYTES_MAX));
    for odd in [
        "/tmp/a b",
        "/tmp/a'b",
        "/tmp/a\"b",
        "/tmp/ü",
        "tmp",
        "",
        &long,
    ] {
        assert_eq!(place(PathBuf::from(odd)), Path::new(PLAIN_PLACE), "{odd}");
    }
    for plain in ["/tmp", "/var/tmp/me", "/home/me/.cache/t-1"] {
        assert_eq!(place(PathBuf::from(plain)), Path::new(plain));
    }
}
