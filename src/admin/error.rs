//! Errors of the command line, one line each, with the remedy.

use std::path::PathBuf;

use super::import::dump::DumpError;
use super::mirror::locate::LocateError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::domain::mirror::name::{LookupError, question};
use crate::domain::mirror::value::ValueError;
use crate::domain::path::PathError;
use crate::domain::topology::TableDamage;
use crate::program::exit::Exit;
use crate::program::lock::{LockError, LockFileError, LockHolder};

/// Scripts around `mb` look for its `Not found.`
fn as_mb_says(error: &LookupError) -> String {
    let LookupError::NotFound { wanted, nearest } = error else {
        return error.to_string();
    };
    let question = question(nearest.as_deref());
    format!(
        "Not found. No mirror has '{wanted}' in its name; {question}`heliostat list -a` lists \
         them all"
    )
}

/// An argument that cannot be used: the text, the reason, the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// The field cannot have that value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// No path below the tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// No assignment.
    #[error("'{0}' is no KEY=VALUE")]
    NoAssignment(String),
    /// A new mirror without a URL.
    #[error("a mirror needs a base URL")]
    NoBaseUrl,
    /// A URL of another scheme than https.
    #[error("'{0}' does not begin with https://")]
    NoHttps(String),
    /// A private mirror that no client is of.
    #[error("a private mirror needs --prefix or --asn, or no client is sent there")]
    NobodyIsSent,
    /// Options of a cache for another kind of mirror.
    #[error("options of caches say nothing of a mirror; add --kind cache")]
    OfCaches,
    /// A signature and a version in one query would make each redirect a new object.
    #[error(
        "the site signs redirects (redirect_stamp_key), which is a query, too; write none or path"
    )]
    Signed,
    /// The diff of an edited text is for people.
    #[error("what an editor changes is shown as a diff; give the changes by --set")]
    NoJsonOfEditor,
    /// No regular expression.
    #[error("that is no regular expression: {0}")]
    Expression(String),
    /// A host that is asked over HTTP.
    #[error("'{0}' is no URL of http or https; write one such as http://example.org")]
    NoHttpUrl(String),
    /// A format of logs that cannot be read.
    #[error("{0}")]
    LogFormat(String),
    /// A name is no field that is edited.
    #[error("`heliostat rename {from} {to}` changes a name")]
    Rename {
        /// The mirror.
        from: String,
        /// Its new name.
        to: String,
    },
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The dump.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The name, or the part of one, means no mirror.
    #[error("{}", as_mb_says(.0))]
    Lookup(LookupError),
    /// A field that there is not.
    #[error(
        "{}: there is no such field; {}`heliostat show` writes them all",
        key.escape_debug(),
        question(*nearest)
    )]
    UnknownField {
        /// The text as written.
        key: String,
        /// The field that is most like it, if any is.
        nearest: Option<&'static str>,
    },
    /// A value that cannot be used.
    #[error("{key}: {problem}")]
    Value {
        /// The field or option.
        key: String,
        /// The problem and its remedy.
        problem: ArgumentError,
    },
    /// A text from the editor that cannot be read.
    #[error("{0}")]
    Text(String),
    /// An option that cannot be used: its name, its value, what to write.
    #[error("{0}")]
    Usage(String),
    /// Something that was not answered with yes.
    #[error("{0}")]
    Refused(String),
    /// There is nothing like it.
    #[error("{0}")]
    Nothing(String),
    /// Another one changed the same field in the meantime.
    #[error(
        "{key} of {mirror} was changed from '{from}' to '{to}' by somebody else meanwhile; \
         edit again"
    )]
    Meanwhile {
        /// The mirror.
        mirror: String,
        /// The field.
        key: String,
        /// The value when the edit began.
        from: String,
        /// The value now.
        to: String,
    },
    /// The edited text was not stored, and is kept.
    #[error("nothing is stored; the edited text is kept in {}", path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// Why it was not stored.
        source: Box<AdminError>,
    },
    /// A file that cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// The attempted action.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's message.
        source: std::io::Error,
    },
    /// A program that does not run.
    #[error("cannot run {program}")]
    Program {
        /// The program.
        program: String,
        /// The system's message.
        source: std::io::Error,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(LockFileError),
    /// Another import is at work.
    #[error("another import into {} is at work", database.display())]
    Importing {
        /// The database.
        database: PathBuf,
        /// Who.
        source: LockError,
    },
    /// Another program adds up the statistics.
    #[error("statistics are added up by another program at this moment")]
    Collecting(#[source] LockError),
    /// A file that is no place for a copy, or no copy.
    #[error("{}: {problem}", file.display())]
    CopyFile {
        /// As it was written.
        file: PathBuf,
        /// The problem and its remedy.
        problem: String,
    },
    /// A copy that cannot replace the database.
    #[error("{} cannot be restored; the database is as it was", file.display())]
    UnusableCopy {
        /// As it was written.
        file: PathBuf,
        /// Why not.
        source: DbError,
    },
    /// A disk on which a copy has no room.
    #[error(
        "{}: the copy has {needed} bytes, and its disk has {left} left; make room on it and run \
         again",
        file.display()
    )]
    NoRoomForCopy {
        /// The copy.
        file: PathBuf,
        /// Its size.
        needed: u64,
        /// Bytes that can be written.
        left: u64,
    },
    /// Another program works on the database.
    #[error("the database {} is in use: it is held by {holder}, or end it", database.display())]
    InUse {
        /// The database.
        database: PathBuf,
        /// The holder of the lock, and the remedy.
        holder: LockHolder,
    },
    /// A dump of something else, or in another format.
    #[error("{}: {problem}", path.display())]
    NotThisDump {
        /// The dump.
        path: PathBuf,
        /// The state and the remedy.
        problem: String,
    },
    /// A file with data that cannot be used.
    #[error("{}: {problem}", file.display())]
    InputFile {
        /// As it was written.
        file: PathBuf,
        /// The problem and its remedy.
        problem: String,
    },
    /// A table of networks that cannot be used.
    #[error("{}: {damage}", file.display())]
    DamagedTable {
        /// The table.
        file: PathBuf,
        /// The problem and its remedy.
        damage: TableDamage,
    },
    /// A host cannot be looked up.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// Mirrors cannot be asked.
    #[error(transparent)]
    Fetch(#[from] crate::fetch::FetchError),
    /// Standard output or standard input.
    #[error("cannot talk to the terminal")]
    Console(#[from] std::io::Error),
}

// Not by `#[from]`: as a source it would be told twice.
impl From<LookupError> for AdminError {
    fn from(error: LookupError) -> AdminError {
        AdminError::Lookup(error)
    }
}

impl AdminError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            AdminError::Config(_) => Exit::Usage,
            AdminError::Usage(_) => Exit::Usage,
            AdminError::Value { .. } | AdminError::UnknownField { .. } => Exit::Usage,
            AdminError::CopyFile { .. } | AdminError::UnusableCopy { .. } => Exit::Usage,
            AdminError::InputFile { .. } => Exit::Usage,
            // A reader that stops early (`| head`) has enough.
            AdminError::Console(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Exit::Ok
            }
            _ => Exit::Failed,
        }
    }
}
