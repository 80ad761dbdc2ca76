//! Options of `runs`, `events` and `logs`.

use clap::{Args, ValueEnum};

/// `runs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat runs\n  \
    heliostat runs -k scan -n 5 mirror.example.org\n  \
    heliostat runs --failed\n  \
    heliostat runs -f -k probe")]
pub struct RunsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Only runs of this kind: index, scan, probe, import
    #[arg(short, long)]
    pub kind: Option<KindArg>,
    /// How many to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Only runs that did not do all they should
    #[arg(long)]
    pub failed: bool,
    /// Keep showing new ones, the newest last, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
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
    heliostat events -n 5 mirror.example.org\n  \
    heliostat events -f")]
pub struct EventsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Keep showing new ones, the newest last, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `logs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat logs mirror.example.org\n  \
    heliostat logs -f mirror.example.org\n  \
    heliostat logs --failed -n 50\n\n\
    The newest stands last. `runs` and `events` have the same as tables.\n\n\
    --json: [{\"entry\": \"run\" or \"event\", …}, …], each as `runs` and `events` have it")]
pub struct LogsArgs {
    /// Only of this mirror, or of a part of its name
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Only runs that did not do all they should
    #[arg(long)]
    pub failed: bool,
    /// Keep showing new ones, the newest last, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
