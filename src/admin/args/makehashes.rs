//! Options of `makehashes`.

use std::path::PathBuf;

use clap::Args;

use super::change::BEYOND_MB;

/// `makehashes`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat makehashes /srv/download/releases\n  \
    heliostat makehashes /srv/download -i '/srv/download/(nightly|tmp)/'\n  \
    heliostat makehashes /srv/download -t /srv/hashes/srv/download     as mb wants it\n\n\
    Brings the catalogue of the directory up to date first. Hashes are in the database; there are\n\
    no marker files, so TARGET is not looked at.\n\n\
    Exit code 3: a part was not done: a directory could not be read, or another run does it.")]
pub struct MakehashesArgs {
    /// Directory of the tree
    #[arg(value_name = "STARTDIR")]
    pub start: PathBuf,
    /// Accepted, but without effect: hashes are in the database
    #[arg(short = 't', long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
    /// Accepted; paths are always relative to the site's tree
    #[arg(short = 'b', long, value_name = "DIR")]
    pub base_dir: Option<PathBuf>,
    /// Only files whose name matches from its beginning
    #[arg(short = 'f', long, value_name = "REGEX")]
    pub file_mask: Option<String>,
    /// No files whose path matches from its beginning
    #[arg(short = 'i', long, value_name = "REGEX")]
    pub ignore_mask: Option<String>,
    /// Only show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Report each step
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Also hash files that have hashes already
    #[arg(long)]
    pub force: bool,
    /// Accepted, but without effect: there are no files to copy permissions to
    #[arg(long)]
    pub copy_permissions: bool,
    /// Machine-readable: that of `heliostat-index --hashes --json`
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}
