//! Options of `status`.

use clap::{Args, ValueEnum};

/// `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat status\n  \
    heliostat status --all --sort scanned\n  \
    heliostat status mirror.example.org\n  \
    heliostat status --watch\n  \
    heliostat status --check --json\n\n\
    Exit code 3: with --check, something needs attention.")]
pub struct StatusArgs {
    /// Only these mirrors, or parts of their names
    #[arg(value_name = "MIRROR")]
    pub identifiers: Vec<String>,
    /// Show every mirror, also those without problems and disabled ones
    #[arg(short = 'a', long = "all", alias = "show-disabled")]
    pub shows_all: bool,
    /// Which mirrors come first
    #[arg(long, value_enum, value_name = "ORDER", default_value = "worst")]
    pub sort: StatusOrder,
    /// Repeat every so many seconds, until Ctrl-C
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u16).range(1..),
        require_equals = true
    )]
    pub watch: Option<u16>,
    /// End with exit code 3 when something needs attention (monitoring)
    #[arg(long)]
    pub check: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// The order of mirrors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusOrder {
    /// Those that are down, then those that need attention
    Worst,
    /// By name
    Name,
    /// Those with the fewest current files
    Coverage,
    /// Those scanned longest ago
    Scanned,
    /// Those probed longest ago
    Probed,
}
