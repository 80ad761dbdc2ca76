//! Options that every command has that changes a mirror, and the heading of our own options.

use clap::Args;

/// Heading of the options that `mb` does not have.
pub const BEYOND_MB: &str = "Options that mb does not have";

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
