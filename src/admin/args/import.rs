//! Options of `import`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain mb.sql.xz\n\n\
    `heliostat import mirrorbrain --help` has more.")]
pub struct ImportArgs {
    /// From what
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// MirrorBrain's database as pg_dump wrote it
    Mirrorbrain(MirrorbrainArgs),
}

/// `import mirrorbrain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat import mirrorbrain mb.sql.xz\n  \
    pg_dump mirrorbrain | heliostat import mirrorbrain -\n  \
    heliostat import mirrorbrain mb.sql.gz --dry-run\n\n\
    Plain dumps (COPY or --inserts), also compressed by gzip or xz. Either all of it is imported\n\
    or, when the dump is cut or wrong, nothing.")]
pub struct MirrorbrainArgs {
    /// The dump; - is standard input
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// Replace all mirrors and files that the database has
    #[arg(long)]
    pub force: bool,
    /// Read and check everything, change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Only what is odd; twice: nothing
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
}
