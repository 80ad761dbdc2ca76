//! Options of `file`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::heading::BEYOND_MB;

/// `file`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat file ls /dist/x.iso\n  \
    heliostat file ls '*.iso' -u\n  \
    heliostat file ls /dist/x.iso -m mirror.example.org\n\n\
    Columns: region, country, score, ok or disabled, ok or dead, mirror, with -u the URL;\n\
    a mirror whose copy is not the tree's version is marked `outdated`.\n\n\
    --json: [{\"path\", \"mirror\", \"region\", \"country\", \"score\", \"enabled\",\n\
    \"alive\", \"outdated\", \"url\"}, …]")]
pub struct FileArgs {
    /// What to do
    pub action: FileAction,
    /// Path below the tree; * or % stand for anything
    #[arg(value_name = "PATH")]
    pub path: OsString,
    /// Show URLs
    #[arg(short = 'u', long)]
    pub url: bool,
    /// Only this mirror
    #[arg(short = 'm', long, value_name = "MIRROR")]
    pub mirror: Option<String>,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}

/// What `file` does.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FileAction {
    /// List the mirrors that have it
    Ls,
}
