//! Options of `status`.

use clap::Args;

/// `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat status\n  \
    heliostat status -a mirror.example.org\n  \
    heliostat status --check --json\n\n\
    Exit code 3: with --check, something needs attention.")]
pub struct StatusArgs {
    /// Only these mirrors, or parts of their names
    #[arg(value_name = "MIRROR")]
    pub identifiers: Vec<String>,
    /// Also disabled mirrors
    #[arg(short = 'a', long)]
    pub show_disabled: bool,
    /// End with exit code 3 when something needs attention (monitoring)
    #[arg(long)]
    pub check: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
