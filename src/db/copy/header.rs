//! Asks SQLite's own descriptor about the file of a connection. A descriptor of ours would release
//! all locks of this process on the file when it is closed (fcntl(2)).

use std::ffi::{c_int, c_void};

use rusqlite::{Connection, ffi};

/// Where the two bytes are that tell how the file is written (SQLite's file format, 1.3).
const VERSIONS: std::ops::Range<usize> = 18..20;

/// Value of both bytes for a file with a rollback journal.
const ROLLBACK: u8 = 1;

/// Whether the file says that it is written with a rollback journal; `None` for a file without a
/// header.
pub(in crate::db) fn is_rollback_mode(connection: &Connection) -> Option<bool> {
    let mut header = [0u8; VERSIONS.end];
    let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
    // SAFETY: the handle is that of a live connection, which this thread alone uses; "main" is a
    // NUL-terminated name; for SQLITE_FCNTL_FILE_POINTER SQLite writes one pointer, which it owns
    // and which is valid while the connection is. An open file has methods (SQLite manual,
    // sqlite3_file), and xRead writes no more than the bytes of `header`.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_FILE_POINTER,
            (&raw mut file).cast::<c_void>(),
        );
        let methods = file.as_ref().and_then(|file| file.pMethods.as_ref());
        let read = methods.and_then(|methods| methods.xRead)?;
        let buffer = header.as_mut_ptr().cast::<c_void>();
        read(file, buffer, VERSIONS.end as c_int, 0)
    };
    (code == ffi::SQLITE_OK).then(|| header[VERSIONS] == [ROLLBACK; 2])
}

/// Whether the path of the database names another file by now, or none.
pub(in crate::db) fn has_moved(connection: &Connection) -> bool {
    let mut moved: c_int = 0;
    // SAFETY: as above; for SQLITE_FCNTL_HAS_MOVED SQLite writes one int.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_HAS_MOVED,
            (&raw mut moved).cast::<c_void>(),
        )
    };
    code == ffi::SQLITE_OK && moved != 0
}
