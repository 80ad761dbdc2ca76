//! Lists the commands that `sqlite3` must get before a person uses it on the database.

/// Commands for the shell, line by line. A responder that may only read needs the files beside the
/// database (`persist_wal`), and passwords that are replaced must not stay in free pages. The
/// output of a script shows neither.
pub const SHELL_SETTINGS: [&str; 6] = [
    ".output /dev/null",
    ".filectrl persist_wal 1",
    "PRAGMA secure_delete = ON;",
    "PRAGMA foreign_keys = ON;",
    ".timeout 60000",
    ".output stdout",
];
