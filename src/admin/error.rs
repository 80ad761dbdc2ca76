//! Errors of the command line: one line each, with what to do.

use std::path::PathBuf;

use super::import::dump::DumpError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::domain::name::{LookupError, question};
use crate::program::exit::Exit;
use crate::program::lock::LockError;

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
    Lookup(#[from] LookupError),
    /// A field that there is not.
    #[error(
        "{}: there is no such field; {}`heliostat show` writes them all",
        key.escape_debug(),
        question(*nearest)
    )]
    UnknownField {
        /// What was written.
        key: String,
        /// The field that is most like it, if any is.
        nearest: Option<&'static str>,
    },
    /// A value that cannot be used.
    #[error("{key}: {problem}")]
    Value {
        /// The field or option.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A text from the editor that cannot be read.
    #[error("{0}")]
    Text(String),
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
        /// What it was when the edit began.
        from: String,
        /// What it is now.
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
        /// What was to be done with it.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program that does not run.
    #[error("cannot run {program}")]
    Program {
        /// The program.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another import is at work.
    #[error("another import into {} is at work", database.display())]
    Importing {
        /// The database.
        database: PathBuf,
        /// Who.
        source: LockError,
    },
    /// A dump of something else, or in another format.
    #[error("{}: {problem}", path.display())]
    NotThisDump {
        /// The dump.
        path: PathBuf,
        /// What it is and what to do.
        problem: String,
    },
    /// Mirrors cannot be asked.
    #[error(transparent)]
    Fetch(#[from] crate::fetch::FetchError),
    /// Standard output or standard input.
    #[error("cannot talk to the terminal")]
    Console(#[from] std::io::Error),
}

impl AdminError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            AdminError::Config(_) => Exit::Usage,
            AdminError::Value { .. } | AdminError::UnknownField { .. } => Exit::Usage,
            // Who reads no further (`| head`) has what they wanted.
            AdminError::Console(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Exit::Ok
            }
            _ => Exit::Failed,
        }
    }
}
