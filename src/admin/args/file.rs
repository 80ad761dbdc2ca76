//! Options of `file`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::change::ChangeFlags;

/// `file`.
#[derive(Debug, Args)]
#[command(
    after_help = "add and rm say of a mirror (-m) that it has files or not, until its next scan; \
    `heliostat\nrollback MIRROR` undoes the last one.\n\n\
    Examples:\n  \
    heliostat file ls /dist/x.iso\n  \
    heliostat file ls '*.iso' -u\n  \
    heliostat file ls /dist/x.iso -m mirror.example.org\n  \
    heliostat file ls /dist/x.iso --probe --md5\n  \
    heliostat file add dist/x.iso -m mirror.example.org\n  \
    heliostat file rm 'dist/*' -m mirror.example.org -n\n\n\
    Columns: region, country, score, ok or disabled, ok or dead, mirror, with -p the status,\n\
    with --md5 the digest, with -u the URL; a mirror whose copy is not the tree's version is\n\
    marked `outdated`.\n\n\
    --json: ls [{\"path\", \"mirror\", \"region\", \"country\", \"score\", \"enabled\",\n\
    \"alive\", \"outdated\", \"url\", \"status\", \"md5\"}, …]; add, rm {\"mirror\", \"changed\",\n\
    \"what\", \"dry_run\"}"
)]
pub struct FileArgs {
    /// The task
    pub action: FileAction,
    /// Path below the tree; * or % stand for anything
    #[arg(value_name = "PATH")]
    pub path: OsString,
    /// Show URLs
    #[arg(short = 'u', long)]
    pub url: bool,
    /// Ask each mirror for the file now: show the status of its answer
    #[arg(short = 'p', long)]
    pub probe: bool,
    /// Fetch the file from each mirror, and show the MD5 digest of what comes
    #[arg(long)]
    pub md5: bool,
    /// Only this mirror; add and rm need one
    #[arg(short = 'm', long, value_name = "MIRROR",
          required_if_eq_any([("action", "add"), ("action", "rm")]))]
    pub mirror: Option<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// Tasks of `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileAction {
    /// List the mirrors that have the file
    Ls,
    /// Record that a mirror has the file
    Add,
    /// Record that a mirror does not have the file
    Rm,
}
