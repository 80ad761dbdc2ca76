//! Errors of the command line: one line each, with what to do.

use std::path::PathBuf;

use super::import::dump::DumpError;
use crate::config::ConfigError;
use crate::db::DbError;
use crate::program::exit::Exit;
use crate::program::lock::LockError;

/// Names in one message; more would hide what it says.
const NAMES_MAX: usize = 10;

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let first = names[..names.len().min(NAMES_MAX)].join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
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
    /// No mirror fits.
    #[error("Not found. No mirror has '{wanted}' in its name; `heliostat list -a` lists them all")]
    NotFound {
        /// What was asked for.
        wanted: String,
    },
    /// Several mirrors fit.
    #[error(
        "'{wanted}' fits several mirrors, write one of them: {}",
        listed(names)
    )]
    Several {
        /// What was asked for.
        wanted: String,
        /// The mirrors.
        names: Vec<String>,
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
            AdminError::Value { .. } => Exit::Usage,
            // Who reads no further (`| head`) has what they wanted.
            AdminError::Console(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Exit::Ok
            }
            _ => Exit::Failed,
        }
    }
}
