//! Options of `db`, `vacuum`, `backup` and `restore`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::change::BEYOND_MB;
use super::change::ChangeFlags;

/// `db`.
#[derive(Debug, Args)]
#[command(
    after_help = "vacuum removes hashes of files that are gone, and gives free room in the \
    database back\nto the disk. Redirects go on meanwhile. It may stand in cron, and is rarely \
    needed.\nsizes prints how large each table is. shell starts `sqlite3`.\n\n\
    Examples:\n  \
    heliostat db vacuum\n  \
    heliostat db vacuum -n\n  \
    heliostat db sizes\n  \
    echo 'SELECT identifier FROM mirror;' | heliostat db shell\n\n\
    --json: vacuum {\"files\", \"files_on_no_mirror\", \"hashes_of_no_file\", \"bytes\",\n\
    \"free_bytes\", \"is_vacuumed\", \"dry_run\"}; sizes [{\"name\", \"bytes\"}, …]"
)]
pub struct DbArgs {
    /// The task
    pub action: DbAction,
    /// How
    #[command(flatten)]
    pub flags: VacuumFlags,
}

/// Tasks of `db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DbAction {
    /// Remove data that is not needed
    Vacuum,
    /// Print the sizes of tables
    Sizes,
    /// Start sqlite3
    Shell,
}

/// `vacuum`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat vacuum -q\n\n\
    It is `heliostat db vacuum`, whose help says more.")]
pub struct VacuumArgs {
    /// How
    #[command(flatten)]
    pub flags: VacuumFlags,
}

/// Options of both.
#[derive(Debug, Clone, Copy, Args)]
pub struct VacuumFlags {
    /// Only show what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print errors only
    #[arg(short = 'q', long = "quiet", action = ArgAction::Count)]
    pub quiet: u8,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat backup /var/backups/heliostat.sqlite\n  \
    heliostat backup copy.sqlite --json\n\n\
    All programs keep running meanwhile. The copy shows the database at one moment, in one\n\
    checked file of mode 0640. FILE is replaced only when the new copy is whole. `heliostat\n\
    restore FILE` puts the copy back. docs/front-ends.md says how to send it to other hosts.\n\n\
    --json: {\"file\", \"database\", \"database_id\", \"bytes\", \"seconds\", \"dry_run\"}")]
pub struct BackupArgs {
    /// The file to write the copy to
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat restore copy.sqlite --dry-run\n  \
    heliostat restore copy.sqlite\n\n\
    The copy is checked first. The responder goes on and takes up the new content within seconds.\n\
    No index, scan, probe or import may run meanwhile. What was there before is kept beside the\n\
    database under a name with the date; `heliostat restore` of that file undoes it.\n\n\
    --json: {\"file\", \"database\", \"database_id\", \"kept\", \"bytes\", \"seconds\",\n\
    \"dry_run\"}")]
pub struct RestoreArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Also restore a copy of a database other than the site's
    #[arg(long)]
    pub force: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}
