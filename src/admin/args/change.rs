//! Options that every command has that changes a mirror.

use clap::Args;

use super::heading::BEYOND_MB;

/// Rehearsal and JSON.
#[derive(Debug, Clone, Copy, Args)]
pub struct ChangeFlags {
    /// Only say what would be changed
    #[arg(short = 'n', long, help_heading = BEYOND_MB)]
    pub dry_run: bool,
    /// Machine-readable
    #[arg(long, help_heading = BEYOND_MB)]
    pub json: bool,
}
