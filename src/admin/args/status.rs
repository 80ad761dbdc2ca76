//! Options of `status`.

use clap::Args;

/// `status`.
#[derive(Debug, Args)]
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
