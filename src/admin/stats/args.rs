//! Options of `stats`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `stats`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat stats collect\n  \
    heliostat stats files --top 10\n\n\
    docs/statistics.md says what is counted, and how. `heliostat stats files --help` has more.")]
pub struct StatsArgs {
    /// The task
    #[command(subcommand)]
    pub action: StatsAction,
}

/// Tasks of `stats`.
#[derive(Debug, Subcommand)]
pub enum StatsAction {
    /// Add what responders have counted to the statistics
    Collect(CollectArgs),
    /// Add downloads of products from access logs
    Import(LogImportArgs),
    /// Show which files were downloaded
    Files(SumArgs),
    /// Show which mirrors got clients
    Mirrors(SumArgs),
    /// Show which countries clients came from
    Countries(SumArgs),
    /// Show which networks (autonomous systems) clients came from
    As(SumArgs),
    /// Show which products were downloaded, by the patterns of the configuration
    Products(SumArgs),
    /// Show why files were served here and not by mirrors
    Reasons(SumArgs),
    /// Show where requests went: to near mirrors, to others, to documents, to bots
    Efficiency(SumArgs),
    /// Show how requests counted, each in one column
    Columns(SumArgs),
}

/// `stats collect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat stats collect\n  \
    heliostat stats collect --all --quiet\n\n\
    It reads the folder stats.spool, into which you can copy the files of further front ends, and\n\
    removes each file that it has added. A file that comes twice is added once. You can run it\n\
    each minute and stop it at any moment.\n\n\
    --json: {\"files\", \"known\", \"requests\", \"refused\": [{\"file\", \"problem\"}]}")]
pub struct CollectArgs {
    /// All sites that have statistics
    #[arg(long)]
    pub all: bool,
    /// Print errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// `stats import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat stats import /var/log/apache2/download.log\n  \
    heliostat stats import --dlcount dlcount.conf access.log.1.gz access.log\n\n\
    Logs of MirrorBrain and of the shipped host, plain or packed by gzip, bzip2, xz or zstd; - is\n\
    standard input. Products come from the rules of dlcount, or from [[site.NAME.count]]. The\n\
    same log again adds nothing, and one that has grown adds its new lines. For days that\n\
    a responder of this front end has counted, only requests that it did not see are added.\n\n\
    --json: [{\"log\", \"lines\", \"downloads\", \"repeated\", \"unmatched\", \"unusable\",\n\
    \"counted_before\"}]")]
pub struct LogImportArgs {
    /// The logs
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,
    /// MirrorBrain's configuration of dlcount
    #[arg(long, value_name = "FILE")]
    pub dlcount: Option<PathBuf>,
    /// Count exactly as dlcount: no clients of unknown countries, and days as they are written
    #[arg(long)]
    pub like_dlcount: bool,
    /// Front end whose logs these are [default: stats.front, or the name of this host]
    #[arg(long, value_name = "NAME")]
    pub front: Option<String>,
    /// Read everything, change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Machine-readable
    #[arg(long)]
    pub json: bool,
}

/// A table of sums.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat stats files --from 2026-11-01 --to 2026-11-30\n  \
    heliostat stats mirrors --by day --csv\n  \
    heliostat stats countries --from 2026-11 --top 5 --json\n  \
    heliostat stats as --from 2026\n  \
    heliostat stats products --by month\n  \
    heliostat stats reasons --by hour --from 2026-11-27\n  \
    heliostat stats efficiency\n  \
    heliostat stats columns\n\n\
    Days, hours and months are of UTC. Without --from, the last 30 days are shown.\n\n\
    --json: {\"from\", \"to\", \"unit\", \"total_count\", \"items\": [{\"number\", …, \
    \"percent\"}]}")]
pub struct SumArgs {
    /// First day, month or year: 2026-11-27, 2026-11, 2026
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last day, month or year
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// A row per hour, day or month instead of one for the whole time
    #[arg(long, value_name = "UNIT")]
    pub by: Option<UnitArg>,
    /// Number of rows
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Machine-readable
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// For spreadsheets
    #[arg(long)]
    pub csv: bool,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnitArg {
    /// Kept for 14 days
    Hour,
    /// Kept for 400 days, files for 90
    Day,
    /// Kept for ever
    Month,
}

/// `metrics`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat metrics\n  \
    heliostat metrics --textfile /var/lib/prometheus/node-exporter/heliostat.prom\n\n\
    It prints facts from the databases of all sites, in Prometheus' format. Responders answer\n\
    /.heliostat/metrics with more; docs/statistics.md has both.")]
pub struct MetricsArgs {
    /// Write into this file, whole or not at all, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    pub textfile: Option<PathBuf>,
}
