//! Options of `db` and `vacuum`.

use clap::{ArgAction, Args, ValueEnum};

use super::heading::BEYOND_MB;

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
    /// What to do
    pub action: DbAction,
    /// How
    #[command(flatten)]
    pub flags: VacuumFlags,
}

/// What `db` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DbAction {
    /// Remove what is not needed
    Vacuum,
    /// Print how large tables are
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
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Say nothing but errors
    #[arg(short = 'q', long = "quiet", action = ArgAction::Count)]
    pub quiet: u8,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}
