//! Options of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::change::BEYOND_MB;

/// `export`.
#[derive(Debug, Args)]
#[command(
    after_help = "mirmon and mirmon-apache are lists for public pages: private mirrors, and URLs \
    that need a\npassword, are left out. The other formats are for admins: they have everything, \
    passwords too.\npostgresql is read by `heliostat import mirrorbrain`.\n\n\
    Examples:\n  \
    heliostat export --format=mirmon\n  \
    heliostat export --format=postgresql\n  \
    heliostat export --format=django --project=downloads\n  \
    heliostat export --format vcs --target-dir mirrors-export --commit=svn\n\n\
    --format=json: {\"mirrors\": [the fields of `list --json`, …], \"markers\": [{\"name\",\n\
    \"files\"}, …]}"
)]
pub struct ExportArgs {
    /// The form of the export
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Name of the project, for Django
    #[arg(long, value_name = "PROJECT", required_if_eq("format", "django"))]
    pub project: Option<String>,
    /// Directory for the files of --format=vcs, one per mirror
    #[arg(long, value_name = "PATH", required_if_eq("format", "vcs"))]
    pub target_dir: Option<PathBuf>,
    /// Commit the directory, which must be a working copy
    #[arg(long, value_name = "VCS", requires = "target_dir")]
    pub commit: Option<VcsArg>,
    /// Show which files of --target-dir would change; write nothing
    #[arg(short = 'n', long, requires = "target_dir", help_heading = BEYOND_MB)]
    pub dry_run: bool,
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Lines `COUNTRY URL EMAIL` for mirmon
    Mirmon,
    /// Lines `SCHEME COUNTRY URL EMAIL` for mirmon with `list_style = apache`
    MirmonApache,
    /// INSERT statements for MirrorBrain's table server
    Postgresql,
    /// A script for Django's ORM
    Django,
    /// One file per mirror, for a version control system
    Vcs,
    /// Everything, as one JSON object
    Json,
}

/// A version control system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VcsArg {
    /// Subversion
    Svn,
    /// Git
    Git,
}
