//! Options of `runs` and `events`.

use clap::{Args, ValueEnum};

/// `runs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat runs\n  \
    heliostat runs -k scan -n 5 mirror.example.org")]
pub struct RunsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Only these: index, scan, probe, import
    #[arg(short, long)]
    pub kind: Option<KindArg>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// A kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// The tree into the catalogue
    Index,
    /// Scans of mirrors
    Scan,
    /// Which mirrors answer
    Probe,
    /// From another redirector
    Import,
}

/// `events`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat events\n  \
    heliostat events -n 5 mirror.example.org")]
pub struct EventsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
