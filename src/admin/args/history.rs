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
    /// Show only this mirror; a part of its name will do
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Only runs of this kind: index, scan, probe, import
    #[arg(short, long)]
    pub kind: Option<KindArg>,
    /// How many entries to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Show only runs that failed, in whole or in part
    #[arg(long)]
    pub failed: bool,
    /// Go on with new entries, the newest last, until Ctrl-C
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
    /// Show only this mirror; a part of its name will do
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many entries to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Go on with new entries, the newest last, until Ctrl-C
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
    The newest entry comes last. `runs` and `events` show the same as tables.\n\n\
    --json: [{\"entry\": \"run\" or \"event\", …}, …], each as `runs` and `events` have it")]
pub struct LogsArgs {
    /// Show only this mirror; a part of its name will do
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// How many entries to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Show only runs that failed, in whole or in part
    #[arg(long)]
    pub failed: bool,
    /// Go on with new entries, the newest last, until Ctrl-C
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}
