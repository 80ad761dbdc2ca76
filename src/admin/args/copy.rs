//! Options of `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

use super::change::ChangeFlags;

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat backup /var/backups/heliostat.sqlite\n  \
    heliostat backup copy.sqlite --json\n\n\
    Everything goes on meanwhile. The copy is one moment of the database, checked, in one file of\n\
    mode 0640. FILE is replaced when the new copy is whole, and not before. `heliostat restore FILE`\n\
    puts it back; docs/front-ends.md brings it to further front ends.\n\n\
    --json: {\"file\", \"database\", \"database_id\", \"bytes\", \"seconds\", \"dry_run\"}")]
pub struct BackupArgs {
    /// Where the copy is to be
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
    --json: {\"file\", \"database\", \"database_id\", \"kept\", \"bytes\", \"seconds\", \"dry_run\"}")]
pub struct RestoreArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Also a copy of another database than the site's
    #[arg(long)]
    pub force: bool,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}
