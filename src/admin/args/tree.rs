//! Options of `dirs`, `timestamp` and `null-tree`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::change::BEYOND_MB;

/// `dirs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat dirs -s 3\n  \
    heliostat dirs mirror.example.org\n  \
    heliostat dirs -d distribution/11.1-\n  \
    heliostat dirs --missing distribution/11.1\n\n\
    --json: a list of directories or of mirrors")]
pub struct DirsArgs {
    /// Only files of this mirror
    #[arg(value_name = "MIRROR", conflicts_with_all = ["dir", "missing"])]
    pub identifier: Option<String>,
    /// Show so many parts of each path
    #[arg(short = 's', value_name = "N", default_value = "2",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub segments: u16,
    /// List enabled mirrors that have a file whose path begins like this
    #[arg(short = 'd', value_name = "DIR", conflicts_with = "missing")]
    pub dir: Option<OsString>,
    /// List enabled mirrors that have no file whose path begins like this
    #[arg(long, value_name = "DIR")]
    pub missing: Option<OsString>,
    /// Accepted, but without effect: there is no SQL to show
    #[arg(long, hide = true)]
    pub sql_debug: bool,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// `timestamp`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each file has the seconds since 1970 in its first line, the date in UTC in its \
    second, and an\nexplanation. A file whose name ends in `invisible` gets the mode 0640, so that \
    no mirror should\nhave it; others get 0644.\n\n\
    Examples:\n  \
    heliostat timestamp timestamp.txt .timestamp_invisible\n  \
    heliostat timestamp -u nobody -g nogroup --no-docroot /tmp/timestamp.txt"
)]
pub struct TimestampArgs {
    /// Files below the tree
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Owner of the files
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// Group of the files
    #[arg(short, long, value_name = "GROUP")]
    pub group: Option<String>,
    /// FILE is a path of the file system, not of the tree
    #[arg(long)]
    pub no_docroot: bool,
    /// Show which files would be written; write nothing
    #[arg(short = 'n', long, help_heading = BEYOND_MB)]
    pub dry_run: bool,
}

/// `null-tree`.
#[derive(Debug, Args)]
#[command(
    after_help = "The tree has directories, links, sizes, times and permissions of a mirror, and \
    no contents:\neach file is as large as there and takes no room. It must never be served, so \
    the site\nneeds fallbacks and `fallback_when_unknown = true`. Nothing is changed if \
    the listing is not\nwhole, or if DIR has a file with contents.\n\n\
    Examples:\n  \
    heliostat null-tree rsync://mirror.example.org/dist/ /srv/null\n  \
    heliostat null-tree rsync://mirror.example.org/dist/ /srv/null --exclude '*.log' -n"
)]
pub struct NullTreeArgs {
    /// The source of the list, as rsync takes it; with a slash at the end, only its content
    #[arg(value_name = "SOURCE")]
    pub source: OsString,
    /// The tree to make; entries that SOURCE lacks are removed from it
    #[arg(value_name = "DIR")]
    pub target: PathBuf,
    /// Pattern of rsync that is left out; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<OsString>,
    /// Print errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Name each entry that is made or removed
    #[arg(short, long)]
    pub verbose: bool,
    /// Show what would be done; change nothing
    #[arg(short = 'n', long, help_heading = BEYOND_MB)]
    pub dry_run: bool,
}
