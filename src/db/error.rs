//! Errors of the database layer, each with the step that failed.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::domain::mirror::MirrorId;

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The file is not there and the caller may not create it.
    #[error("database {path} does not exist; run heliostat-index or import to make it")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There are no statistics yet.
    #[error(
        "database {path} does not exist; `heliostat stats collect` makes it of what the responder \
         counts once `stats.spool` is set"
    )]
    NoStats {
        /// The file.
        path: PathBuf,
    },
    /// Whether the file is there cannot be seen.
    #[error("cannot look at database {path}; run as the user who owns it, or one of its group")]
    Unseen {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file exists but cannot be opened, or its directory cannot be written.
    #[error("cannot open database {path}{}", opening_remedy(source))]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A FIFO, a device, a folder, which SQLite would wait for.
    #[error("cannot open database {path}")]
    Kind {
        /// The file.
        path: PathBuf,
        /// The reason: which kind of file it is not.
        source: std::io::Error,
    },
    /// Another program is writing, and does not end.
    #[error("database {path} is locked by {holder}")]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who, and what to do.
        holder: String,
    },
    /// There is too little room for what is to be stored.
    #[error(
        "cannot write database {path}: the disk is full, {bytes} bytes are left; make room on its \
         disk and run again"
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// Free bytes on its disk.
        bytes: u64,
    },
    /// A change could not be stored.
    #[error("cannot write database {path}, which is as it was{}", remedy(source))]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// Some other SQLite file, or none at all.
    #[error("{path} is not a Heliostat database")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Made by a newer Heliostat.
    #[error("database {path} has schema {found}, this program knows {known}; update the program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// `user_version` of the file.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// Made by an older Heliostat and opened by a program that may not write.
    #[error(
        "database {path} has schema {found}, this program needs {known}; run `heliostat list` \
         as the owner of the database once to migrate it"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// `user_version` of the file.
        found: i64,
        /// The `user_version` that this program needs.
        known: i64,
    },
    /// The file was replaced, or its content, since it was opened.
    #[error(
        "database {path} was replaced meanwhile, and what this run learnt is of the one before; \
         run again"
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// A file was put in the place of the database, beside the WAL of the one before.
    #[error(
        "database {path} was replaced by hand, and {wal} is of the one before; put a copy in its \
         place by `heliostat restore FILE`"
    )]
    StaleWal {
        /// The file.
        path: PathBuf,
        /// Its WAL.
        wal: PathBuf,
    },
    /// The system did not let a file be put in its place.
    #[error("cannot put {path} in its place; make sure that this user may write its folder")]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A copy could not be written.
    #[error("cannot write the copy {path}{}", remedy(source))]
    CopyNotWritten {
        /// Its name while it is written.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// SQLite finds faults in a copy.
    #[error("{path} is damaged: {problem}; nothing is changed; use a copy from before that")]
    DamagedCopy {
        /// The file that was copied.
        path: PathBuf,
        /// SQLite's report of the first fault.
        problem: String,
    },
    /// No mirror has that name.
    #[error("no mirror is called '{0}'; `heliostat list --show-disabled` lists them")]
    NoSuchMirror(String),
    /// The name is taken.
    #[error("a mirror called '{0}' exists already; `heliostat show {0}` shows it")]
    DuplicateIdentifier(String),
    /// A bitmap that cannot be read.
    #[error("the content of mirror {mirror} in the database is damaged; scan it again")]
    DamagedContent {
        /// The mirror.
        mirror: MirrorId,
        /// The reason of the bitmap's reader.
        source: std::io::Error,
    },
    /// An import would mix with what is there.
    #[error(
        "the database already has {mirrors} mirrors and {files} files; \
         --force replaces them all"
    )]
    NotEmpty {
        /// Mirrors that are there.
        mirrors: u64,
        /// Files that are there.
        files: u64,
    },
    /// A file id of an import that does not fit.
    #[error(
        "file id {id} does not fit: ids go from 1 to 4,294,967,295, and those up to {offset} \
         were given before; import into a new database"
    )]
    BadFileId {
        /// The id as the import has it.
        id: i64,
        /// The ids given before.
        offset: i64,
    },
    /// More mirrors than an import may name.
    #[error("the import names more than {most} mirrors; it looks damaged")]
    TooManyMirrors {
        /// How many there may be.
        most: usize,
    },
    /// A hash row was replaced while it was read.
    #[error(
        "the hashes in {path} changed while they were sent; the next request gets the new ones"
    )]
    HashChanged {
        /// The database.
        path: PathBuf,
    },
    /// All file ids are used up.
    #[error("the catalogue has used up all 4,294,967,295 file ids; make a new database")]
    OutOfFileIds,
    /// Anything else.
    #[error("{doing}{}", remedy(source))]
    Sql {
        /// The step that failed, such as "reading hashes".
        doing: &'static str,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

/// Gives the remedy, where the admin can do anything.
fn remedy(source: &rusqlite::Error) -> &'static str {
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; make room on its disk and run again",
        Some(ErrorCode::ReadOnly) => "; run as the user who owns it, its disk mounted for writing",
        Some(ErrorCode::SystemIoFailure) => "; look at the disk: the kernel's log says more",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; it is damaged: put a copy in its place"
        }
        _ => "",
    }
}

fn opening_remedy(source: &rusqlite::Error) -> &'static str {
    match remedy(source) {
        "" => {
            "; check that this user may read it, and write it and its directory unless it is only \
             read"
        }
        remedy => remedy,
    }
}

/// Adds what was being done to an error of SQLite.
pub(super) trait Doing<T> {
    /// Wraps the error.
    fn doing(self, doing: &'static str) -> Result<T, DbError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str) -> Result<T, DbError> {
        self.map_err(|source| DbError::Sql { doing, source })
    }
}
